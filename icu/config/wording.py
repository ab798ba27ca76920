"""Mistakes in settings, in words: what each accepts, by its name."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

from msgspec import Struct

from icu import mistakes
from icu.config.settings import OTHER_NAMES, AnyChild, Settings


def kinds_of(struct: type) -> dict[str, Any]:
    """Map each setting of a struct, and of the structs in it, to its type. A name means the same wherever it stands."""
    return {name: kind for each in _structs(struct) for name, kind in get_type_hints(each, include_extras=True).items()}


def roles_of(children: Any) -> list[str]:  # noqa: ANN401 - a union of structs
    """List the words for `role` that mean one of these structs, other names included."""
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
_ROLES: Final = roles_of(AnyChild)


def unknown_setting(key: str) -> str:
    """What is wrong with a setting that there is not."""
    return f"there is no such setting{mistakes.suggestion(key, (*_KINDS, 'role'))}"


def explain(key: str, why: str) -> str:
    """Say what to write for the setting `key`, where msgspec says `why`."""
    missing = mistakes.missing_field(why)
    if missing:
        return f"{missing} is missing: {mistakes.describe(_kind(missing))}"
    kind = _kind(key)
    if " `array`" not in why and get_origin(kind) is tuple:
        kind = get_args(kind)[0]  # it is said of one of the list
    if why.startswith("Expected") and (key == "child" or _is_table(kind)):
        brackets = "[[child]]" if key == "child" else f"[{key}]"
        return f"write {brackets} on a line of its own, and its settings below"
    return mistakes.explain(kind, why)


def quoting_hint(key: str, why: str) -> str:
    """Say how a value is written in the file, where it is of another kind than the setting: with quotes, or without."""
    plain, _ = mistakes.strip_annotations(_kind(key))
    if plain in {bool, int, float, datetime}:
        return ", without quotes" if why.endswith("got `str`") else ""
    textual = plain in {str, UUID} or get_origin(plain) is Literal
    return ", in quotes" if textual and ", got `" in why else ""


def _kind(key: str) -> Any:  # noqa: ANN401 - the type of a setting
    """The type of a setting; `role` is msgspec's tag, and has none by itself. Struct for the file as a whole."""
    return Literal[tuple(_ROLES)] if key == "role" else _KINDS.get(key, Struct)


def _is_table(kind: Any) -> bool:  # noqa: ANN401 - the type of a setting
    return isinstance(kind, type) and issubclass(kind, Struct)
