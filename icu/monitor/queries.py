"""What a request's query may say beyond its types: no typos, no repeats, and a cursor that only we can read."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, TypeAlias
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.datastructures import MultiDict

from icu.bounds import parse_whole
from icu.monitor.errors import InvalidQueryError
from icu.store.readings import from_milliseconds, milliseconds

AnyRequest: TypeAlias = Request[Any, Any, Any]

_Aware: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


def check(query: MultiDict[str], known: Iterable[str]) -> None:
    """InvalidQueryError for a parameter that is unknown or stands twice: ignoring it would answer another question."""
    names = list(known)
    for name in query:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"accepted are {', '.join(names) or 'none'}"
            raise InvalidQueryError(f"there is no parameter {name[:40]!r} here: {hint}")
        if len(query.getall(name)) > 1:
            raise InvalidQueryError(f"the parameter {name} stands {len(query.getall(name))} times: give it once")


def check_whole(query: MultiDict[str], name: str) -> None:
    """InvalidQueryError for a number that is not written as a whole one: 1e3 and 5.0 are taken for such before."""
    text = query.get(name)
    try:
        parse_whole("0" if text is None else text)
    except ValueError as exc:
        raise InvalidQueryError(f"`{name}`: {exc}") from exc


class Span(NamedTuple):
    """A stretch of time, open at either end where that is None."""

    since: datetime | None
    until: datetime | None


def span_of(since: str | None, until: str | None) -> Span:
    """The stretch that `from` and `to` ask for."""
    span = Span(_moment("from", since), _moment("to", until))
    if span.since and span.until and span.since > span.until:
        raise InvalidQueryError("`from` is later than `to`: no reading can lie between them")
    return span


def cursor_of(moment: datetime) -> str:
    """The opaque text that stands for a place between two pages."""
    return urlsafe_b64encode(str(milliseconds(moment)).encode()).decode().rstrip("=")


def moment_of(cursor: str) -> datetime:
    """The place that a cursor of ours stands for."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return from_milliseconds(parse_whole(urlsafe_b64decode(padded.encode("ascii")).decode("ascii")))
    except (ValueError, OverflowError, OSError) as exc:
        raise InvalidQueryError("the cursor is not one that this API gave: begin without one") from exc


def next_link(query: MultiDict[str], last: datetime) -> str:
    """The Link header (RFC 8288) to the next page: the same address and query, from where this page ended."""
    parameters = {**query.dict(), "cursor": [cursor_of(last)]}
    return f'<?{urlencode(parameters, doseq=True)}>; rel="next"'


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    # In a query `+` means a space: people who paste +03:00 as it stands meant the zone.
    text = re.sub(r" (?=[0-9]{2}:?[0-9]{2}\Z)", "+", text)
    try:
        return msgspec.convert(text, _Aware)
    except (msgspec.ValidationError, OverflowError) as exc:
        raise InvalidQueryError(
            f"`{name}` is no time: write it with its zone, for instance 2026-01-31T12:00:00Z"
        ) from exc
