"""Routes of the dead letters: records that could not be stored, page by page, and counted by reason."""

from typing import Annotated, Final

from litestar import Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from icu.bounds import parse_whole
from icu.http.gate import ADMIN
from icu.http.problems import documented
from icu.messages import Reason
from icu.monitor.errors import InvalidQueryError
from icu.monitor.parameters import from_parameter, to_parameter
from icu.monitor.queries import (
    NO_CURSOR,
    AnyRequest,
    Span,
    check_parameters,
    check_whole_number,
    decode_cursor,
    encode_cursor,
    next_link,
    parse_span,
)
from icu.store.dead_letters.entries import DeadLetterEntry, ReasonEntry, letter_entry, reason_entry
from icu.store.dead_letters.ids import parse_key
from icu.store.dead_letters.pages import Chosen, LetterPlace, count_reasons, letter_page
from icu.store.reader import Reader
from icu.store.readings import from_milliseconds, milliseconds

# Letters on a page, at most, which is built in memory: each has a value of up to 64 KiB.
MAX_PAGE: Final = 50
# Characters of a cursor: those of a topic, three numbers and a time, in base64.
_MAX_CURSOR: Final = 500

_ArrivedFrom = Annotated[str | None, from_parameter("Arrived not before this time, with its zone")]
_ArrivedTo = Annotated[str | None, to_parameter("Arrived before this time, with its zone")]


@get(
    "/dead-letters",
    summary="Records that could not be stored, the newest first",
    tags=["ward"],
    opt=ADMIN,
    response_description="The dead letters",
    response_headers=[
        ResponseHeader(
            "Link",
            documentation_only=True,
            value="",
            description='To the next page, with rel="next" (RFC 8288); absent on the last one',
        )
    ],
    responses=documented(400, 503),
)
async def list_dead_letters(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    since: _ArrivedFrom = None,
    until: _ArrivedTo = None,
    reason: Annotated[Reason | None, QueryParameter(description="Only of this reason")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="Letters on a page")] = 20,
    cursor: Annotated[
        str | None, QueryParameter(max_length=_MAX_CURSOR, description="From the Link header of the page before")
    ] = None,
) -> Response[list[DeadLetterEntry]]:
    """Each with its reason and its bytes. They stay after a replay, which `python -m icu dead-letters` asks for.

    Each page leads to the next one by a `Link` header with `rel="next"`.
    """
    query = request.query_params
    check_parameters(query, ("from", "to", "reason", "limit", "cursor"))
    check_whole_number(query, "limit")
    chosen, after = _chosen(parse_span(since, until), reason), None if cursor is None else _parse_cursor(cursor)
    async with reader.connection(await reader.look()) as connection:
        page = await letter_page(connection, chosen, limit=limit, after=after, with_values=True)
    link = {} if page.last is None else {"Link": next_link(query, _make_cursor(page.last))}
    return Response([letter_entry(each) for each in page.letters], headers=link)


@get(
    "/dead-letters/reasons",
    summary="Numbers of dead letters by reason, the most frequent first",
    tags=["ward"],
    opt=ADMIN,
    response_description="The reasons",
    responses=documented(400, 503),
)
async def count_dead_letters(
    request: AnyRequest, reader: NamedDependency[Reader], since: _ArrivedFrom = None, until: _ArrivedTo = None
) -> list[ReasonEntry]:
    """A reason without letters is absent."""
    check_parameters(request.query_params, ("from", "to"))
    chosen = _chosen(parse_span(since, until), None)
    async with reader.connection(await reader.look()) as connection:
        return [reason_entry(each) for each in await count_reasons(connection, chosen)]


def _chosen(span: Span, reason: Reason | None) -> Chosen:
    return Chosen(
        reason=reason,
        since=None if span.since is None else milliseconds(span.since),
        before=None if span.until is None else milliseconds(span.until),
    )


def _make_cursor(last: LetterPlace) -> str:
    return encode_cursor(f"{last.arrived} {last.key}")


def _parse_cursor(cursor: str) -> LetterPlace:
    try:
        arrived, _, key = decode_cursor(cursor).partition(" ")
        # Back and forth, as the other cursors: a time beyond all years is none.
        return LetterPlace(milliseconds(from_milliseconds(parse_whole(arrived))), parse_key(key))
    except (ValueError, OverflowError, OSError) as exc:
        raise InvalidQueryError(NO_CURSOR) from exc
