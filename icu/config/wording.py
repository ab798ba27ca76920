"""Mistakes in settings in plain words, with the accepted values by the setting's name."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

from msgspec import Struct

from icu import mistakes
from icu.config.settings import OTHER_NAMES, AnyChild, Settings


def kinds_of(struct: type) -> dict[str, Any]:
    """Map each setting of a struct, and of the structs in it, to its type. Equal names have equal types."""
    return {name: kind for each in _structs(struct) for name, kind in get_type_hints(each, include_extras=True).items()}


def roles_of(children: Any) -> list[str]:  # noqa: ANN401 - a union of structs
    """List the values of `role` for these structs, with the other names of roles."""
    tags = [str(each.__struct_config__.tag) for each in _structs_in(children)]
    return [name for tag in tags for name in (tag, *(other for other, role in OTHER_NAMES.items() if role == tag))]


def _structs(struct: type) -> Iterator[type]:
    yield struct
    for kind in get_type_hints(struct, include_extras=True).values():
        for each in _structs_in(kind):
            yield from _structs(each)


def _structs_in(kind: Any) -> Iterator[type[Struct]]:  # noqa: ANN401 - a type that may be made of others
    return (part for part in parts(kind) if isinstance(part, type) and issubclass(part, Struct))


def parts(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - types, and what annotates them
    """Yield a type, and all types that it is made of."""
    yield kind
    for each in get_args(kind):
        yield from parts(each)


_KINDS: Final[Mapping[str, Any]] = kinds_of(Settings)
# Types by section and key: two sections may have a key of the same name.
_PLACES: Final[Mapping[str, Any]] = {
    f"{section}.{name}": kind
    for section, table in get_type_hints(Settings).items()
    if isinstance(table, type) and issubclass(table, Struct)
    for name, kind in get_type_hints(table, include_extras=True).items()
}
_ROLES: Final = roles_of(AnyChild)


def unknown_setting(key: str) -> str:
    """Explain an unknown setting, with a suggestion if one is near."""
    return f"there is no such setting{mistakes.suggestion(key, (*_KINDS, 'role'))}"


def explain(place: str, why: str) -> str:
    """Explain what to write for a setting.

    Args:
        place: Name of the setting, behind the name of its section and a point if it has one.
        why: Message of msgspec, without its place.
    """
    key = place.rpartition(".")[2]
    missing = mistakes.missing_field(why)
    if missing:
        return f"{missing} is missing: {mistakes.describe(_kind(missing))}"
    kind = _kind(place)
    if " `array`" not in why and get_origin(kind) is tuple:
        kind = get_args(kind)[0]  # the message is about one element of the list
    if why.startswith("Expected") and (key == "child" or _is_table(kind)):
        brackets = "[[child]]" if key == "child" else f"[{key}]"
        return f"write {brackets} on a line of its own, and its settings below"
    return mistakes.explain(kind, why)


def quoting_hint(place: str, why: str) -> str:
    """Tell if a value of the wrong type should be written with or without quotes. Empty if quotes are no problem."""
    plain, _ = mistakes.strip_annotations(_kind(place))
    if plain in {bool, int, float, datetime}:
        return ", without quotes" if why.endswith("got `str`") else ""
    textual = plain in {str, UUID} or get_origin(plain) is Literal
    return ", in quotes" if textual and ", got `" in why else ""


def _kind(place: str) -> Any:  # noqa: ANN401 - the type of a setting
    """Return the type of a setting; Struct for the file as a whole."""
    key = place.rpartition(".")[2]
    # `role` is msgspec's tag, and so no field with a type.
    return Literal[tuple(_ROLES)] if key == "role" else _PLACES.get(place, _KINDS.get(key, Struct))


def _is_table(kind: Any) -> bool:  # noqa: ANN401 - the type of a setting
    return isinstance(kind, type) and issubclass(kind, Struct)
