"""What a browser sends of a form that nobody touched."""

from __future__ import annotations

from typing import Any

from policies.parameters.forms import LengthField


def as_typed(form: Any) -> dict[str, Any]:
    """What a browser sends of the form as it is shown, nothing changed."""
    sent: dict[str, Any] = {}
    for field in form:
        value = field.value()
        if isinstance(field.field, LengthField):
            sent |= dict(
                zip((f"{field.name}_count", f"{field.name}_unit"), field.field.widget.decompress(value), strict=True)
            )
        elif value is not None:
            sent[field.name] = value
    return {name: value for name, value in sent.items() if value is not None}
