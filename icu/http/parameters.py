"""Mistakes in the parameters of a request and in the fields of its body, in plain words."""

from typing import Any, get_args, get_origin, get_type_hints

from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from icu import mistakes

# Name of the body among the parameters of a handler.
_BODY = "data"


def explain(handler: BaseRouteHandler, name: str, why: str) -> str:
    """Explain a wrong parameter or field.

    Args:
        handler: Handler of the request.
        name: Parameter or field; `data` for the body.
        why: Message of msgspec.
    """
    hints = get_type_hints(handler.signature_model, include_extras=True)
    kinds = {each: _of_one_value(kind) for each, kind in hints.items()}
    fields = _fields(kinds.get(_BODY))
    field = mistakes.missing_field(why)
    if field or why == repr(name):
        return f"{field or _label(name)} is missing"
    unknown = mistakes.unknown_field(why)
    if unknown:
        return f"there is no field {unknown[:40]!r} here: accepted are {', '.join(fields)}"
    return f"{_label(name)}: {mistakes.explain((kinds | fields).get(name, Struct), why)}"


def _of_one_value(kind: Any) -> Any:  # noqa: ANN401 - the type of a parameter
    """Return the type of one value of a repeatable parameter; any other type as it is."""
    plain, _ = mistakes.strip_annotations(kind)
    return get_args(plain)[0] if get_origin(plain) is list else kind


def _label(name: str) -> str:
    return "the body" if name == _BODY else name


def _fields(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - the type of a body
    """Return the types of the fields of a body; none if the body is no struct."""
    body, _ = mistakes.strip_annotations(kind)
    return get_type_hints(body, include_extras=True) if isinstance(body, type) and issubclass(body, Struct) else {}
