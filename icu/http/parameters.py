"""Mistakes in the parameters of a request and in the fields of its body, told in our words."""

from typing import Any, get_type_hints

from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from icu import mistakes

# What handlers call it.
_BODY = "data"


def explain(handler: BaseRouteHandler, name: str, why: str) -> str:
    """Say what is wrong with the parameter or field `name`, where msgspec says `why`."""
    kinds = get_type_hints(handler.signature_model, include_extras=True)
    fields = _fields(kinds.get(_BODY))
    field = mistakes.missing_field(why)
    if field or why == repr(name):
        return f"{field or _label(name)} is missing"
    stranger = mistakes.unknown_field(why)
    if stranger:
        return f"there is no field {stranger[:40]!r} here: accepted are {', '.join(fields)}"
    return f"{_label(name)}: {mistakes.explain((kinds | fields).get(name, Struct), why)}"


def _label(name: str) -> str:
    return "the body" if name == _BODY else name


def _fields(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - the type of a body
    """The types of the fields of a body, if that is a struct."""
    body, _ = mistakes.strip_annotations(kind)
    return get_type_hints(body, include_extras=True) if isinstance(body, type) and issubclass(body, Struct) else {}
