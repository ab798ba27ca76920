"""Parameters of a query: spans, cursors between pages, and their bounds."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from litestar.datastructures import MultiDict

from icu.bounds import TICK
from icu.monitor.errors import InvalidQueryError
from icu.monitor.queries import (
    Span,
    check_parameters,
    check_whole_number,
    make_cursor,
    next_link,
    parse_cursor,
    parse_span,
)
from icu.store.writer import Writer
from tests.samples import ANNA, START, observation
from tests.stores import store

NOON = "2026-01-31T12:00:00Z"


def test_a_span_may_be_empty() -> None:
    """A span of no length returns no reading, and is no mistake, since programs compute spans."""
    assert parse_span(NOON, NOON) == Span(START, START)
    assert parse_span(None, NOON) == Span(None, START)
    assert parse_span(NOON, None) == Span(START, None)


def test_a_span_goes_forward() -> None:
    """A span that ends a millisecond before its begin is a mistake."""
    with pytest.raises(InvalidQueryError, match="write an earlier `from`, or a later `to`"):
        parse_span("2026-01-31T12:00:00.001Z", NOON)


@pytest.mark.parametrize("form", [{}, {"format": "columns"}, {"format": "ndjson"}, {"every": "1s"}], ids=str)
async def test_a_span_is_of_any_precision(writer: Writer, monitor: httpx.AsyncClient, form: dict[str, str]) -> None:
    """A reading half a millisecond before `from` lies outside, and one as long before `to` lies inside."""
    await store(writer, [observation(0)])

    async def found(**span: str) -> bool:
        answer = (await monitor.get(f"patient/{ANNA}/metrics", params={**form, **span})).text
        return "720" in answer or '"pulse":72' in answer or '"count":1' in answer

    assert await found(**{"from": NOON})
    assert not await found(**{"from": "2026-01-31T12:00:00.0005Z"})
    assert not await found(to=NOON)
    assert await found(to="2026-01-31T12:00:00.0005Z")
    assert await found(to="9999-12-31T23:59:59.999999Z")


@pytest.mark.parametrize("zone", [" 03:00", " 0300", "+03:00", "+0300"])
def test_a_zone_whose_plus_became_a_space(zone: str) -> None:
    """A time that was pasted into an address keeps its zone, although its `+` became a space."""
    assert parse_span(f"2026-01-31T15:00:00{zone}", None).since == START


@pytest.mark.parametrize(
    "text", ["2026-01-31 12:00", "2026-01-31T12:00:00 03:00 ", "2026-01-31T12:00:00 3:00", "12:00"]
)
def test_other_spaces_are_no_plus(text: str) -> None:
    """Any other text is refused, with the name of the parameter."""
    with pytest.raises(InvalidQueryError, match="`to` is no time"):
        parse_span(None, text)


@pytest.mark.parametrize(
    "moment", [datetime(1970, 1, 1, tzinfo=UTC), START, START + TICK, datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)]
)
def test_a_cursor_comes_back_as_the_place_that_it_stands_for(moment: datetime) -> None:
    """A cursor keeps its place to the millisecond, and has no characters that an address must escape."""
    cursor = make_cursor(moment)
    assert parse_cursor(cursor) == moment
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_cursors_of_any_length_are_read() -> None:
    """Cursors are read without their padding, whatever it was."""
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=10**digits) for digits in range(13)]
    assert len({len(make_cursor(moment)) % 4 for moment in moments}) == 3
    assert [parse_cursor(make_cursor(moment)) for moment in moments] == moments


def test_the_next_page_is_of_the_same_query() -> None:
    """The next page has all parameters of the query, and the new cursor."""
    asked = [("from", NOON), ("limit", "2"), ("order", "asc"), ("cursor", "old")]
    target, _, relation = next_link(MultiDict(asked), make_cursor(START)).partition("; ")
    assert (target[:2], target[-1], relation) == ("<?", ">", 'rel="next"')
    assert parse_qs(target[2:-1]) == {"from": [NOON], "limit": ["2"], "order": ["asc"], "cursor": [make_cursor(START)]}


def test_a_parameter_stands_once() -> None:
    """A parameter that is given twice is a mistake, since one of them would be ignored."""
    check_parameters(MultiDict([("from", NOON), ("to", NOON)]), ("from", "to"))
    with pytest.raises(InvalidQueryError, match="the parameter to stands 2 times"):
        check_parameters(MultiDict([("to", NOON), ("to", NOON)]), ("from", "to"))


def test_a_typo_is_told_from_what_is_unknown() -> None:
    """A misspelt parameter gets the likely name, an unknown one the list of all."""
    with pytest.raises(InvalidQueryError, match="'limt' here: did you mean limit"):
        check_parameters(MultiDict([("limt", "5")]), ("limit", "order"))
    with pytest.raises(InvalidQueryError, match="'xyz' here: accepted are limit, order"):
        check_parameters(MultiDict([("xyz", "5")]), ("limit", "order"))
    with pytest.raises(InvalidQueryError, match="accepted are none"):
        check_parameters(MultiDict([("xyz", "5")]), ())


def test_a_whole_number_may_be_left_out() -> None:
    """A whole number may be absent, but not empty."""
    check_whole_number(MultiDict([("order", "asc")]), "limit")
    check_whole_number(MultiDict([("limit", "5")]), "limit")
    with pytest.raises(InvalidQueryError, match="`limit`"):
        check_whole_number(MultiDict([("limit", "")]), "limit")


async def test_the_borders_of_a_page(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A page has 1 to 10,000 readings; 1,000 without a limit."""
    await store(writer, [observation(n) for n in range(1_001)])
    sizes = []
    for limit in ({"limit": 1}, {}, {"limit": 10_000}):
        response = await monitor.get(f"patient/{ANNA}/metrics", params=limit)
        sizes.append((len(response.json()), "next" in response.links))
    assert sizes == [(1, True), (1_000, True), (1_001, False)]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit: write a whole number from 1 to 10000"),
        ("limit=abc", "limit: write a whole number from 1 to 10000"),
        ("order=up", "order: 'up' is none of asc, desc"),
        ("order=dsc", "order: 'dsc' is none of asc, desc; did you mean 'desc'?"),
        (f"cursor={'x' * 65}", "cursor: write text of at most 64 characters"),
        ("limit=0&order=up", "limit: write a whole number from 1 to 10000; order: 'up' is none of asc, desc"),
    ],
)
async def test_a_parameter_that_is_refused_says_what_it_may_be(
    writer: Writer, monitor: httpx.AsyncClient, query: str, said: str
) -> None:
    """A refused parameter says what is allowed in our words, not in a library's."""
    await store(writer, [observation()])
    response = await monitor.get(f"patient/{ANNA}/metrics?{query}")
    assert (response.status_code, response.json()["detail"]) == (400, said)


async def test_a_uuid_that_is_none_says_how_one_looks(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A malformed uuid in a query is refused with advice on its form, as in a path."""
    response = await monitor.get("stream", params={"patient": "anna"})
    assert (response.status_code, response.json()["detail"].partition(", ")[0]) == (400, "patient: write a uuid")


async def test_a_method_that_is_not_taken_is_named(monitor: httpx.AsyncClient) -> None:
    """A refused method is named, with where to find the allowed ones."""
    response = await monitor.post("patients")
    assert response.status_code == 405
    assert response.json()["detail"] == "POST is not taken at this path: /schema tells what is"
