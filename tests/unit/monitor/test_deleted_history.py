"""Answers about spans of which a part was deleted: nothing of it is served, and a header says so once."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from icu.store.writer import Writer
from tests.histories import times_of, varied
from tests.rolled_histories import HOUR, MINUTE, delete, roll_up, set_state
from tests.samples import ANNA
from tests.stores import NOON, store

METRICS = f"patient/{ANNA}/metrics"
ONE = "2026-01-31T13:00:00Z"
DAY = {"from": "2026-01-31T00:00:00Z", "to": "2026-02-01T00:00:00Z"}


@pytest.fixture(autouse=True)
async def _deleted(writer: Writer, url: str) -> None:
    """Three hours of readings, of which the first two are about to be deleted, and its minutes are."""
    await store(writer, varied(180, step=[60]))
    roll_up(url, until=NOON + 3 * HOUR)
    delete(url, raw=0, minute=NOON + HOUR)
    set_state(url, raw_horizon=NOON + 2 * HOUR)


def milliseconds(reading: dict[str, Any]) -> int:
    """Time of a reading after noon."""
    return round(datetime.fromisoformat(reading["timestamp"]).timestamp() * 1_000) - NOON


async def test_pages(monitor: httpx.AsyncClient) -> None:
    """The one with the oldest readings says where they begin; no other has anything to tell."""
    for order, told in (("desc", [False, True]), ("asc", [True, False])):
        query = {"limit": "30", "order": order}
        pages = [await monitor.get(METRICS, params=query)]
        while "link" in pages[-1].headers:
            pages.append(await monitor.get(f"{METRICS}{pages[-1].headers['link'].partition('>')[0][1:]}"))
        assert ["history-from" in each.headers for each in pages] == told
        assert {each.headers.get("history-from") for each in pages} - {None} == {"2026-01-31T14:00:00Z"}
        times = sorted(milliseconds(reading) for page in pages for reading in page.json())
        assert times == list(range(2 * HOUR, 3 * HOUR, MINUTE))


async def test_a_page_of_what_there_is(monitor: httpx.AsyncClient) -> None:
    """A span that lacks nothing has no header, and one that lacks all is empty."""
    answer = await monitor.get(METRICS, params={"from": "2026-01-31T14:00:00Z"})
    assert (len(answer.json()), "history-from" in answer.headers) == (60, False)
    answer = await monitor.get(METRICS, params={"to": ONE})
    assert (answer.json(), answer.headers["history-from"]) == ([], "2026-01-31T14:00:00Z")


@pytest.mark.parametrize(
    ("query", "lines"),
    [({"format": "ndjson"}, 60), ({"format": "csv"}, 61), ({"every": "90s", "format": "ndjson"}, 40)],
)
async def test_whole_spans(monitor: httpx.AsyncClient, query: dict[str, str], lines: int) -> None:
    """They begin at the horizon of the readings, of which alone they can be made."""
    answer = await monitor.get(METRICS, params={**DAY, **query})
    assert answer.headers["history-from"] == "2026-01-31T14:00:00Z"
    assert (
        len(answer.text.splitlines()) == {"ndjson": 60, "csv": 61}[query["format"]] * (2 if "every" in query else 3) / 3
    )


@pytest.mark.parametrize(
    ("every", "ends", "told", "buckets"),
    [
        ("1min", DAY, (ONE, None), 120),
        ("1h", DAY, (None, None), 3),
        ("1h", {**DAY, "from": "2026-01-31T12:30:00Z"}, (ONE, None), 2),
        ("1min", {**DAY, "from": "2026-01-31T13:00:30Z"}, ("2026-01-31T13:01:00Z", None), 119),
        ("1min", {"to": "2026-01-31T13:10:30Z"}, (ONE, "2026-01-31T13:10:00Z"), 10),
        ("1min", {"from": "2026-01-31T14:00:30Z", "to": "2026-01-31T14:10:30Z"}, (None, None), 10),
    ],
)
async def test_statistics(
    monitor: httpx.AsyncClient, every: str, ends: dict[str, str], told: tuple[str | None, str | None], buckets: int
) -> None:
    """They are made from what is kept; minutes and hours that the span cuts there are left out, and told."""
    answer = await monitor.get(METRICS, params={**ends, "every": every, "format": "columns"})
    assert (answer.headers.get("history-from"), answer.headers.get("history-until")) == told
    columns = answer.json()
    counts = columns["columns"]["pulse"]["count"]
    assert len(times_of(columns, len(counts))) == len(counts) == buckets


@pytest.mark.parametrize("query", [{}, {"every": "1min"}, {"every": "90s"}, {"format": "ndjson"}])
@pytest.mark.parametrize("begin", [{}, {"from": "1969-01-31T12:00:30Z"}])
async def test_nothing_is_deleted(
    monitor: httpx.AsyncClient, url: str, query: dict[str, str], begin: dict[str, str]
) -> None:
    """Then there is nothing to tell, however far back the question goes."""
    set_state(url, raw_horizon=None, minute_horizon=None, hour_horizon=None)
    answer = await monitor.get(METRICS, params={"to": DAY["to"], **begin, **query})
    assert answer.status_code == 200
    assert not {"history-from", "history-until"} & set(answer.headers)


@pytest.mark.parametrize("begin", [{}, {"from": "1969-01-31T12:00:00Z"}])
async def test_nothing_is_deleted_of_a_trend(monitor: httpx.AsyncClient, url: str, begin: dict[str, str]) -> None:
    """Then there is nothing to tell of scores either, and they begin with the first reading."""
    set_state(url, raw_horizon=None, minute_horizon=None, hour_horizon=None)
    answer = await monitor.get(f"patient/{ANNA}/news2", params={"to": DAY["to"], "every": "1h", **begin})
    assert (answer.json()["scores"][0]["time"], "history-from" in answer.headers) == ("2026-01-31T12:00:00Z", False)


async def test_a_client_that_has_the_answer(monitor: httpx.AsyncClient, url: str) -> None:
    """Gets 304 while the same is left, and the rest once more was deleted."""
    for query in ({}, {"format": "ndjson"}, {"every": "15min"}, {"every": "90s"}):
        set_state(url, raw_horizon=NOON + 2 * HOUR, minute_horizon=NOON + HOUR)
        tag = (await monitor.get(METRICS, params={**DAY, **query})).headers["etag"]
        held = {"If-None-Match": tag}
        assert (await monitor.get(METRICS, params={**DAY, **query}, headers=held)).status_code == 304
        set_state(url, raw_horizon=NOON + 3 * HOUR, minute_horizon=NOON + 2 * HOUR)
        assert (await monitor.get(METRICS, params={**DAY, **query}, headers=held)).status_code == 200


async def test_the_ward(monitor: httpx.AsyncClient) -> None:
    """Its patients have what each alone has."""
    answer = await monitor.get("ward/history", params={**DAY, "every": "1min"})
    assert answer.headers["history-from"] == ONE
    [anna] = answer.json()["patients"]
    alone = await monitor.get(METRICS, params={**DAY, "every": "1min", "format": "columns"})
    assert anna["columns"] == alone.json()["columns"]
    assert "history-from" not in (await monitor.get("ward/history", params={**DAY, "every": "1h"})).headers


async def test_a_trend_of_scores(monitor: httpx.AsyncClient) -> None:
    """It begins at the horizon, with values from then on alone."""
    query = {**DAY, "every": "1min"}
    answer = await monitor.get(f"patient/{ANNA}/news2", params=query)
    assert answer.headers["history-from"] == "2026-01-31T14:00:00Z"
    alone = await monitor.get(f"patient/{ANNA}/news2", params={**query, "from": "2026-01-31T14:00:00Z"})
    assert "history-from" not in alone.headers
    assert answer.json()["scores"] == alone.json()["scores"]
    assert answer.json()["scores"][0]["time"] == "2026-01-31T14:00:00Z"
    assert "history-from" not in (await monitor.get(f"patient/{ANNA}/news2")).headers


async def test_the_headers_are_described(monitor: httpx.AsyncClient) -> None:
    """In OpenAPI, on each route that sends them; and a page of another origin may read them."""
    paths = (await monitor.get("../schema/openapi.json")).json()["paths"]
    described = {
        path
        for path, each in paths.items()
        if "History-From" in each.get("get", {}).get("responses", {}).get("200", {}).get("headers", {})
    }
    assert described == {
        "/api/patient/{patient_uuid}/metrics",
        "/api/patient/{patient_uuid}/news2",
        "/api/ward/history",
    }
    answer = await monitor.get(METRICS, headers={"Origin": "http://localhost:3000"})
    assert "History-From" in answer.headers["access-control-expose-headers"]
