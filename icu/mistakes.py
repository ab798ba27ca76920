"""Mistakes in plain words, for settings, options and requests: what to write, in place of a library's messages."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

from msgspec import Meta

# Messages of msgspec. `explain` has a text for all messages that none of these matches.
_REFUSED: Final = re.compile(r"\AInvalid (?:enum )?value '(?P<word>.*)'\Z", re.DOTALL)
_MISSING: Final = re.compile(r"\AObject missing required field `(?P<name>.+)`\Z")
_UNKNOWN: Final = re.compile(r"\AObject contains unknown field `(?P<name>.+)`\Z", re.DOTALL)

# Descriptions of values by type, to follow "write".
_NOUNS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list, in square brackets",
    Path: "a path",
    UUID: "a uuid, for instance 6f1c2e1e-5d5b-4c5b-9d55-0d1f3b0e6a11",
    datetime: "a time with its zone, for instance 2026-01-31T12:00:00Z",
}


def explain(kind: Any, why: str) -> str:  # noqa: ANN401 - the type of a value
    """Explain what to write.

    Args:
        kind: Type of the value.
        why: Message of msgspec, or of one of our hooks.
    """
    if why[:1].islower():  # messages of msgspec begin with a capital, and ours do not: they are plain already
        return why
    refusal = _REFUSED.match(why)
    if refusal and (words := choices(kind)):
        return explain_choice(refusal["word"], words)
    if " of length " in why:  # the description of a pattern may not mention the length
        return f"write {_noun(*strip_annotations(kind))}"
    return describe(kind)


def missing_field(why: str) -> str | None:
    """Return the name of the missing field; None for any other message of msgspec."""
    match = _MISSING.match(why)
    return match["name"] if match else None


def unknown_field(why: str) -> str | None:
    """Return the name of the unknown field; None for any other message of msgspec."""
    match = _UNKNOWN.match(why)
    return match["name"] if match else None


def describe(kind: Any, *more: Meta) -> str:  # noqa: ANN401 - a type, and what annotates it
    """Describe the values of a type, for instance `write a whole number from 1 to 65535`.

    Args:
        kind: Type, which may be annotated.
        more: Further bounds.
    """
    plain, own = strip_annotations(kind)
    bounds = [*own, *more]
    described = [each.description for each in bounds if each.pattern and each.description]
    return described[0] if described else f"write {_noun(plain, bounds)}"


def strip_annotations(kind: Any) -> tuple[Any, list[Meta]]:  # noqa: ANN401 - a type, and what annotates it
    """Split a type from its annotations and from `| None`.

    Returns:
        The plain type, and the bounds among the annotations.
    """
    if get_origin(kind) is Annotated:
        inner, *notes = get_args(kind)
        plain, bounds = strip_annotations(inner)
        return plain, [*bounds, *(each for each in notes if isinstance(each, Meta))]
    if get_origin(kind) in {Union, UnionType}:
        return strip_annotations(next(each for each in get_args(kind) if each is not NoneType))
    return kind, []


def choices(kind: Any) -> Sequence[str]:  # noqa: ANN401 - a type, and what annotates it
    """List the values of a Literal; none for any other type."""
    plain, _ = strip_annotations(kind)
    return get_args(plain) if get_origin(plain) is Literal else ()


def explain_choice(word: str, accepted: Sequence[str]) -> str:
    """Explain that a word is none of the accepted ones, with a suggestion if one is near."""
    return f"{word[:80]!r} is none of {', '.join(accepted)}{suggestion(word, accepted)}"


def suggestion(word: str, accepted: Sequence[str]) -> str:
    """Suggest the nearest accepted word, as `; did you mean ...?`. Empty if none is near. Ignores case."""
    spelt = {each.lower(): each for each in accepted}
    near = get_close_matches(word.lower(), spelt, n=1)
    return f"; did you mean {spelt[near[0]]!r}?" if near else ""


def _noun(plain: Any, bounds: Sequence[Meta]) -> str:  # noqa: ANN401 - a type
    if get_origin(plain) is Literal:
        return f"one of {', '.join(map(str, get_args(plain)))}"
    noun = _NOUNS.get(get_origin(plain) or plain, "a JSON object")
    if plain is str:
        span = _span([each.min_length for each in bounds], [each.max_length for each in bounds])
        return f"{noun} of {span} characters" if span else noun
    span = _span([each.ge for each in bounds], [each.le for each in bounds])
    if span:
        return f"{noun} {'of' if span.startswith('at') else 'from'} {span}"
    return noun


def _span(lowest: Sequence[float | None], highest: Sequence[float | None]) -> str:
    """Format bounds: `1 to 200`, `at least 1`, `at most 200`, or nothing."""
    least = next((_digits(each) for each in lowest if each is not None), "")
    most = next((_digits(each) for each in highest if each is not None), "")
    if least and most:
        return f"{least} to {most}"
    return f"at least {least}" if least else f"at most {most}" if most else ""


def _digits(number: float) -> str:
    """Format a number as people write it: 86400, not 86400.0."""
    return f"{int(number)}" if number == int(number) else f"{number:g}"
