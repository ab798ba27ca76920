"""Mistakes in the parameters of a request, in plain words."""

from typing import Any, get_args, get_origin, get_type_hints

from litestar.handlers import BaseRouteHandler

from icu import mistakes

# Name of the body among the parameters of a handler.
_BODY = "data"


def explain(handler: BaseRouteHandler, name: str, why: str) -> str:
    """Explain a wrong parameter, or a missing body.

    Args:
        handler: Handler of the request.
        name: Parameter; `data` for the body.
        why: Message of msgspec.
    """
    label = "the body" if name == _BODY else name
    if why == repr(name):
        return f"{label} is missing"
    kinds = get_type_hints(handler.signature_model, include_extras=True)
    return f"{label}: {mistakes.explain(_of_one_value(kinds[name]), why)}"


def _of_one_value(kind: Any) -> Any:  # noqa: ANN401 - the type of a parameter
    """Return the type of one value of a repeatable parameter; any other type as it is."""
    plain, _ = mistakes.strip_annotations(kind)
    return get_args(plain)[0] if get_origin(plain) is list else kind
