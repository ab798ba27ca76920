"""JSON of a body as the type of its route, and mistakes in its fields in plain words."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from msgspec import Struct, ValidationError, convert

from icu import mistakes
from icu.http.errors import UnreadableBodyError


class _Part(NamedTuple):
    """Part of a body, and the type that it should have."""

    # Names that lead to it: `conditions`, `spo2.low`, `values`; none lead to the body itself.
    path: tuple[str, ...]
    value: Any
    kind: Any


def to_body(value: Any, kind: Any) -> Any:  # noqa: ANN401 - whatever was sent, and the type of a body
    """Convert JSON to the type of a body. A text is no number, as it is in a query.

    Raises:
        UnreadableBodyError: A field is missing, unknown or of another type; the message says which, and what to write.
    """
    try:
        return convert(value, kind)
    except ValidationError as exc:
        raise UnreadableBodyError(_explain(_innermost(_Part((), value, kind)))) from exc


def _innermost(part: _Part) -> _Part:
    """Return the innermost part that is refused. The path in msgspec's message has no keys of objects."""
    refused = next((each for each in _parts(part) if _refusal(each)), None)
    return part if refused is None else _innermost(refused)


def _parts(part: _Part) -> Iterator[_Part]:
    if not isinstance(part.value, dict):
        return
    plain, _ = mistakes.strip_annotations(part.kind)
    kinds = dict.fromkeys(part.value, get_args(plain)[1]) if get_origin(plain) is Mapping else _fields(plain)
    for name, value in part.value.items():
        if name in kinds:
            yield _Part((*part.path, name), value, kinds[name])


def _refusal(part: _Part) -> str:
    """Return the message of msgspec about a part; empty if it is well."""
    try:
        convert(part.value, part.kind)
    except ValidationError as exc:
        return str(exc).partition(" - at ")[0]
    return ""


def _explain(part: _Part) -> str:
    why = _refusal(part)
    plain, _ = mistakes.strip_annotations(part.kind)
    missing, unknown = mistakes.missing_field(why), mistakes.unknown_field(why)
    if missing:
        return f"{'.'.join((*part.path, missing))} is missing"
    place = ".".join(part.path)[:80]
    if unknown:
        why = f"there is no field {unknown[:40]!r} here: accepted are {', '.join(_fields(plain))}"
        return f"{place}: {why}" if place else why
    # A key of an object is refused by its own type.
    kind = get_args(plain)[0] if get_origin(plain) is Mapping and isinstance(part.value, dict) else part.kind
    quoted = ", without quotes" if why.endswith("got `str`") else ""
    return f"{place or 'the body'}: {mistakes.explain(kind, why)}{quoted}"


def _fields(plain: Any) -> dict[str, Any]:  # noqa: ANN401 - a type
    """Return the types of the fields of a struct; none of any other type."""
    return get_type_hints(plain, include_extras=True) if isinstance(plain, type) and issubclass(plain, Struct) else {}
