"""Markdown that people wrote, as HTML that is safe on any page."""

from __future__ import annotations

from functools import lru_cache

from django.utils.safestring import SafeString


@lru_cache(maxsize=128)
def rendered(text: str, *, top: int = 3) -> SafeString:
    """Markdown as safe HTML. Its highest headings become ``<h{top}>`` and the others follow, so that they fit beneath
    the page's own, whatever level their author began with.
    """
    import nh3  # both here, not above: only pages that show a text are worth their time
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark")
    tokens = markdown.parse(text)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    shift = top - min((int(token.tag[1]) for token in headings), default=top)
    for token in headings:
        token.tag = f"h{max(1, min(6, int(token.tag[1]) + shift))}"
    # A policy's text holds no pictures: they could be fetched from elsewhere, and so tell who reads it.
    tags = nh3.ALLOWED_TAGS - {"img"}
    return SafeString(nh3.clean(markdown.renderer.render(tokens, markdown.options, {}), tags=tags))
