"""Mistakes in settings, in words: what each accepts, by its name."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

from msgspec import Struct

from icu import mistakes
from icu.config.settings import (
    Api,
    Database,
    Kafka,
    Log,
    MonitorChild,
    PatientChild,
    Settings,
    SinkChild,
    Supervision,
    Transport,
)

_STRUCTS: Final = (Settings, Log, Transport, Kafka, Database, Api, Supervision, SinkChild, MonitorChild, PatientChild)
_KINDS: Final[Mapping[str, Any]] = {
    name: kind for struct in _STRUCTS for name, kind in get_type_hints(struct, include_extras=True).items()
}
"""The type of each setting. One name means the same wherever it stands."""
_ROLES: Final = ("sink", "data", "monitor", "patient")


def unknown(key: str) -> str:
    """What is wrong with a setting that there is not."""
    return f"there is no such setting{mistakes.suggestion(key, (*_KINDS, 'role'))}"


def explained(key: str, why: str) -> str:
    """Say what to write for the setting `key`, where msgspec says `why`."""
    missing = mistakes.missing(why)
    if missing:
        return f"{missing} is missing: {mistakes.wanted(_kind(missing))}"
    kind = _kind(key)
    if " `array`" not in why and get_origin(kind) is tuple:
        kind = get_args(kind)[0]  # it is said of one of the list
    if why.startswith("Expected") and (key == "child" or _is_table(kind)):
        brackets = "[[child]]" if key == "child" else f"[{key}]"
        return f"write {brackets} on a line of its own, and its settings below"
    return mistakes.explained(kind, why)


def quotes(key: str, why: str) -> str:
    """Say how a value is written in the file, where it is of another kind than the setting: with quotes, or without."""
    plain, _ = mistakes.bare(_kind(key))
    if plain in {bool, int, float, datetime}:
        return ", without quotes" if why.endswith("got `str`") else ""
    textual = plain in {str, UUID} or get_origin(plain) is Literal
    return ", in quotes" if textual and ", got `" in why else ""


def _kind(key: str) -> Any:  # noqa: ANN401 - the type of a setting
    """The type of a setting; `role` is msgspec's tag, and has none by itself. Struct for the file as a whole."""
    return Literal[tuple(_ROLES)] if key == "role" else _KINDS.get(key, Struct)


def _is_table(kind: Any) -> bool:  # noqa: ANN401 - the type of a setting
    return isinstance(kind, type) and issubclass(kind, Struct)


def parts(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - types, and what annotates them
    """A type, and all that it is made of."""
    yield kind
    for each in get_args(kind):
        yield from parts(each)
