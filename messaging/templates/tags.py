"""All that a message's template can do: ``if`` and ``for``, and filters that neither run long nor look elsewhere.

The module is a library of Django's template language and stands in place of the built-in ones.
"""

from __future__ import annotations

from django.template import Library, defaultfilters, defaulttags

register = Library()

register.tag("if", defaulttags.do_if)
register.tag("for", defaulttags.do_for)
for _name in ("default", "lower", "upper", "capfirst", "join", "first", "last", "length"):
    register.filter(_name, getattr(defaultfilters, _name))

#: Every word that may stand first in a tag.
TAGS = ("if", "elif", "else", "endif", "for", "empty", "endfor")
FILTERS = tuple(sorted(register.filters))
