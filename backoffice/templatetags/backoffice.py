"""Tags of our templates: icons, pills, times, cards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_list import result_headers
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit import context as audit_context
from backoffice import display as backoffice_display
from backoffice import one_time
from backoffice.changelist import rows_of
from backoffice.panels import Panel
from core import icons as core_icons

register = template.Library()


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """``{% icon "phone" %}``: see ``display.icon``."""
    return core_icons.icon(name + "", size)


@register.simple_tag
def pill(text: object, tone: Any = "mute", icon_name: str = "") -> SafeString:
    """``{% pill "Approved" "good" %}``: see ``display.pill``."""
    return backoffice_display.pill(text, tone, icon_name=icon_name)


@register.simple_tag(takes_context=True)
def form_token(context: template.Context) -> SafeString:
    """What lets a form that changes something go through once: see ``one_time``."""
    token = one_time.new_token(context["request"].user)
    return format_html('<input type="hidden" name="{}" value="{}">', one_time.FIELD, token)


@register.simple_tag
def htmx_pass() -> SafeString:
    """Lets htmx obey this element: see ``static/backoffice/htmx_guard.js``. Of a page, its own request's id, which
    nothing that was typed before can know.
    """
    return format_html(' data-pass="{}"', audit_context.request_id())


@register.filter
def when(moment: datetime | None) -> SafeString:
    """``{{ event.at|when }}``: see ``display.when``."""
    return backoffice_display.when(moment)


@register.simple_tag(takes_context=True)
def panel_body(context: template.Context, panel: Panel) -> SafeString:
    """A panel's template, with its own context only (and the request)."""
    request = context.get("request")
    return render_to_string(panel.template, {**panel.context, "panel": panel}, request=request)


@register.filter
def on_side(panels: Any, side: str) -> list[Panel]:
    """The cards of one column."""
    return [panel for panel in panels or () if panel.side == side]


@register.simple_tag
def header_class(header: dict[str, Any], cl: Any) -> SafeString:
    """A list heading's ``class``, with ``n`` added for a column of numbers."""
    given: SafeString = header["class_attrib"]
    numeric = any(f"column-{name}" in given for name in cl.model_admin.numeric_columns)
    return SafeString(given.replace('class="', 'class="n ', 1)) if numeric else given


@register.inclusion_tag("admin/change_list_results.html")
def result_table(cl: Any) -> dict[str, Any]:
    """A list's headings and rows; faster than Django's ``result_list``, and the same."""
    return {"cl": cl, "result_headers": list(result_headers(cl)), "rows": rows_of(cl)}


@register.simple_tag(takes_context=True)
def fragment(context: template.Context, template_name: str, values: dict[str, Any]) -> SafeString:
    """A template with the given values only (and the request)."""
    return render_to_string(template_name, values, request=context.get("request"))
