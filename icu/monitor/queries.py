"""Rules for a request's query beyond its types: no unknown or repeated parameters, spans, and opaque cursors."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Container, Iterable
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Final, NamedTuple, TypeAlias
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request
from litestar.datastructures import MultiDict

from icu.bounds import parse_duration, parse_whole
from icu.monitor.errors import InvalidQueryError
from icu.store.readings import from_milliseconds, milliseconds

AnyRequest: TypeAlias = Request[Any, Any, Any]

# Milliseconds of a bucket.
SHORTEST_BUCKET: Final = 1_000
LONGEST_BUCKET: Final = 86_400_000

NO_CURSOR: Final = "the cursor is not one that this API gave: begin without one"

_Aware: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


def check_parameters(query: MultiDict[str], known: Iterable[str], *, repeatable: Container[str] = ()) -> None:
    """Check the names of the parameters: ignoring a misspelt one would answer another question.

    Args:
        query: Of the request.
        known: Names of all parameters of the route.
        repeatable: Those of them that may stand several times.

    Raises:
        InvalidQueryError: A parameter is unknown, or given twice.
    """
    names = list(known)
    for name in query:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"accepted are {', '.join(names) or 'none'}"
            raise InvalidQueryError(f"there is no parameter {name[:40]!r} here: {hint}")
        if name not in repeatable and len(query.getall(name)) > 1:
            raise InvalidQueryError(f"the parameter {name} stands {len(query.getall(name))} times: give it once")


def check_whole_number(query: MultiDict[str], name: str) -> None:
    """Check that a number is written with digits alone: the type's own parser takes 1e3 and 5.0 too.

    Raises:
        InvalidQueryError: It is not.
    """
    text = query.get(name)
    try:
        parse_whole("0" if text is None else text)
    except ValueError as exc:
        raise InvalidQueryError(f"`{name}`: {exc}") from exc


class Span(NamedTuple):
    """A span of time; None leaves an end open."""

    since: datetime | None
    until: datetime | None


def parse_span(since: str | None, until: str | None) -> Span:
    """Parse the parameters `from` and `to`.

    Raises:
        InvalidQueryError: One is no time with a zone, or `from` is the later one.
    """
    span = Span(_parse_time("from", since), _parse_time("to", until))
    if span.since and span.until and span.since > span.until:
        raise InvalidQueryError("`from` is later than `to`: write an earlier `from`, or a later `to`")
    return span


def parse_every(text: str) -> int:
    """Parse the parameter `every`, from SHORTEST_BUCKET to LONGEST_BUCKET.

    Returns:
        Milliseconds.

    Raises:
        InvalidQueryError: It is no such span of time.
    """
    try:
        # To the microsecond: 1.001 s are 1,001 ms, whatever the floating point says.
        every = round(1_000 * parse_duration(text), 3)
    except ValueError as exc:
        raise InvalidQueryError(f"`every`: {exc}") from exc
    if not SHORTEST_BUCKET <= every <= LONGEST_BUCKET or every != int(every):
        raise InvalidQueryError("`every`: write a span of time from 1s to 1d, to the millisecond, for instance 1min")
    return int(every)


def make_cursor(moment: datetime) -> str:
    """Make the opaque text for a time between two pages."""
    return encode_cursor(str(milliseconds(moment)))


def parse_cursor(cursor: str) -> datetime:
    """Parse a cursor of `make_cursor`.

    Raises:
        InvalidQueryError: It is not one.
    """
    try:
        return from_milliseconds(parse_whole(decode_cursor(cursor)))
    except (ValueError, OverflowError, OSError) as exc:
        raise InvalidQueryError(NO_CURSOR) from exc


def make_place(moment: int, identity: str) -> str:
    """Make the opaque text for a place between two pages whose entries may share a time."""
    return encode_cursor(f"{moment}/{identity}")


def parse_place(cursor: str) -> tuple[int, str]:
    """Parse a cursor of `make_place`.

    Raises:
        InvalidQueryError: It is not one.
    """
    try:
        moment, _, identity = decode_cursor(cursor).partition("/")
        return milliseconds(from_milliseconds(parse_whole(moment))), str(UUID(identity))
    except (ValueError, OverflowError, OSError) as exc:
        raise InvalidQueryError(NO_CURSOR) from exc


def next_link(query: MultiDict[str], cursor: str) -> str:
    """Make the Link header (RFC 8288) to the next page: the same address and query, from the end of this page.

    The target is relative, so that it leads through a proxy that strips a path.
    """
    parameters = {**query.dict(), "cursor": [cursor]}
    return f'<?{urlencode(parameters, doseq=True)}>; rel="next"'


def encode_cursor(text: str) -> str:
    """Make a text opaque."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Return the text of a cursor. ValueError where it is none."""
    # The padding is left out of URLs, and restored here.
    padded = cursor + "=" * (-len(cursor) % 4)
    return urlsafe_b64decode(padded.encode("ascii")).decode("ascii")


def _parse_time(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    # In a query `+` means a space: a pasted +03:00 arrives with one, and means the zone.
    text = re.sub(r" (?=[0-9]{2}:?[0-9]{2}\Z)", "+", text)
    try:
        return _to_millisecond(msgspec.convert(text, _Aware))
    except (msgspec.ValidationError, OverflowError) as exc:
        raise InvalidQueryError(
            f"`{name}` is no time: write it with its zone, for instance 2026-01-31T12:00:00Z"
        ) from exc


def _to_millisecond(moment: datetime) -> datetime:
    """Round up to a millisecond, to which readings are stored: the one before lies before this moment."""
    rest = moment.microsecond % 1_000
    try:
        return moment + timedelta(microseconds=1_000 - rest) if rest else moment
    except OverflowError:  # the last millisecond of all
        return moment
