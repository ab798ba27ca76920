"""Mistakes in words: what a setting accepts, with an example or a suggestion, in place of msgspec's own terms."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from icu.config.settings import OTHER_NAMES, AnyChild, Settings


def kinds_of(struct: type) -> dict[str, Any]:
    """The type of each setting of a struct, and of the structs in it. One name means the same wherever it stands."""
    return {name: kind for each in _structs(struct) for name, kind in get_type_hints(each, include_extras=True).items()}


def roles_of(children: Any) -> list[str]:  # noqa: ANN401 - a union of structs
    """The words for `role` that mean one of these structs, other names included."""
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
    """A type, and all that it is made of."""
    yield kind
    for each in get_args(kind):
        yield from parts(each)


_KINDS: Final[Mapping[str, Any]] = kinds_of(Settings)
_ROLES: Final = roles_of(AnyChild)
_REFUSED: Final = re.compile(r"\AInvalid (?:enum )?value '(?P<word>.*)'\Z", re.DOTALL)


def unknown(key: str) -> str:
    """What is wrong with a setting that there is not."""
    return f"there is no such setting{suggestion(key, (*_KINDS, 'role'))}"


def explained(key: str, why: str) -> str:
    """What is wrong with the setting `key`, from what msgspec says of it."""
    match = _REFUSED.match(why)
    if match:
        return refused(match["word"], _ROLES if key == "role" else _choices(key))
    if " matching regex " in why:
        return _description(key)
    return f"{why[0].lower()}{why[1:]}"


def refused(word: str, accepted: Sequence[str]) -> str:
    """Explain a word that is none of the accepted ones."""
    return f"{word[:80]!r} is none of {', '.join(accepted)}{suggestion(word, accepted)}"


def suggestion(word: str, known: Sequence[str]) -> str:
    """`; did you mean ...?`, or nothing. Whether letters are large or small makes no difference."""
    spelt = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), spelt, n=1)
    return f"; did you mean {spelt[near[0]]!r}?" if near else ""


def _choices(key: str) -> tuple[str, ...]:
    return next(get_args(part) for part in parts(_KINDS[key]) if get_origin(part) is Literal)


def _description(key: str) -> str:
    return next(part.description for part in parts(_KINDS[key]) if isinstance(part, Meta) and part.description)
