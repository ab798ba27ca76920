"""Dead letters over HTTP: pages, bytes that are no text, reasons, and hostile requests."""

from base64 import b64encode, urlsafe_b64encode
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest
from prometheus_client import CollectorRegistry

from icu.messages import Delivery, Position, Refusal
from icu.monitor import dead_letter_figures
from icu.monitor.dead_letter_figures import DeadLetterGauge, counting
from icu.store.commands.dead_letters import ask_replay, purge_of
from icu.store.commands.door import Author, Door
from icu.store.dead_letters.inserting import MAX_KEPT_BYTES
from icu.store.dead_letters.pages import Chosen
from icu.store.reader import Reader
from icu.store.writer import Writer
from tests.letters import ARRIVED, LATER, decode, refused, store_letters
from tests.samples import START, observation

INES = Author("Ines", "command line")


def letter(offset: int, value: bytes | None = b"?", reason: str = "malformed", **fields: Any) -> Refusal:
    """Make a refusal at an offset of partition 0."""
    return Refusal(Delivery(0, offset, fields.get("key"), value, fields.get("headers", ())), reason, "no JSON")


async def test_a_letter_is_served_whole(writer: Writer, monitor: httpx.AsyncClient, url: str) -> None:
    """Text as text, other bytes in base64, and what came of a replay."""
    await store_letters(writer, [letter(0, "schön\x00".encode(), key=b"\xff", headers=(("a", b"b"), ("c", b"\x80")))])
    await ask_replay(Door(url, wall=lambda: LATER / 1000), INES, ["0:0"], again=False)
    await writer.replay(decode, most=1, now=LATER + 1_000)
    [found] = (await monitor.get("dead-letters")).json()
    assert found.pop("outcome_detail")
    assert found == {
        "id": "icu.test/1/0:0",
        "topic": "icu.test",
        "log": 1,
        "partition": 0,
        "offset": 0,
        "arrived": "2026-01-31T12:00:02Z",
        "reason": "malformed",
        "detail": "no JSON",
        "key": "/w==",
        "key_is_base64": True,
        "value": "schön\x00",
        "value_is_base64": False,
        "size": 7,
        "is_cut": False,
        "headers": [
            {"name": "a", "value": "b", "is_base64": False},
            {"name": "c", "value": "gA==", "is_base64": True},
        ],
        "asked": "2026-01-31T13:00:00Z",
        "asked_by": "Ines",
        "replayed": "2026-01-31T13:00:01Z",
        "outcome": "malformed",
    }


async def test_values_that_are_missing_or_cut(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A tombstone has no value, a long one its first 64 KiB."""
    long = b"\x80" * (MAX_KEPT_BYTES + 1)
    await store_letters(writer, [letter(0, None, "tombstone"), letter(1, long), letter(2, long[:-1])])
    exact, cut, tombstone = (await monitor.get("dead-letters")).json()
    assert (tombstone["value"], tombstone["value_is_base64"], tombstone["is_cut"]) == (None, False, False)
    assert cut["value"] == b64encode(long[:-1]).decode()
    assert (cut["is_cut"], cut["size"], exact["is_cut"]) == (True, MAX_KEPT_BYTES + 1, False)


async def test_pages_lead_to_all_letters_once(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """The newest first, through letters of one arrival and of two logs, with the filters kept in the link."""
    await store_letters(writer, [letter(n) for n in range(4)])
    await writer.begin({0: Position(0, "m")}, other_logs=frozenset({0}))
    await store_letters(writer, [*(letter(n) for n in range(3)), letter(3, reason="key")], arrived=ARRIVED + 1_000)
    found, path = [], "dead-letters?limit=2&reason=malformed"
    while path:
        answer = await monitor.get(path)
        assert len(answer.json()) <= 2
        found += [each["id"].removeprefix("icu.test/") for each in answer.json()]
        path = "dead-letters" + answer.links["next"]["url"] if "next" in answer.links else ""
    assert found == ["2/0:2", "2/0:1", "2/0:0", "1/0:3", "1/0:2", "1/0:1", "1/0:0"]


async def test_a_span_of_arrivals(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """`from` is included, `to` is not, for the letters and for the counts of reasons."""
    await store_letters(writer, [letter(0)], arrived=ARRIVED)
    await store_letters(writer, [letter(1), letter(2, reason="key")], start=1, arrived=ARRIVED + 1_000)
    begin, end = (f"{START + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}" for n in (2, 3))
    assert [each["offset"] for each in (await monitor.get(f"dead-letters?from={end}")).json()] == [2, 1]
    assert [each["offset"] for each in (await monitor.get(f"dead-letters?from={begin}&to={end}")).json()] == [0]
    reasons = await monitor.get("dead-letters/reasons")
    assert reasons.json() == [
        {"reason": "malformed", "count": 2, "newest": "2026-01-31T12:00:03Z"},
        {"reason": "key", "count": 1, "newest": "2026-01-31T12:00:03Z"},
    ]
    assert [each["count"] for each in (await monitor.get(f"dead-letters/reasons?to={end}")).json()] == [1]


async def test_none_at_all(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """No letters are an empty array, without a link."""
    answer = await monitor.get("dead-letters")
    assert (answer.json(), answer.links) == ([], {})
    assert (await monitor.get("dead-letters/reasons")).json() == []


def cursor(text: str) -> str:
    """Encode a cursor as the API does."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


HOSTILE = {
    "limit 0": "dead-letters?limit=0",
    "limit 51": "dead-letters?limit=51",
    "limit 2^63": f"dead-letters?limit={2**63}",
    "limit of 5,000 digits": f"dead-letters?limit={'9' * 5_000}",
    "limit empty": "dead-letters?limit=",
    "limit with an exponent": "dead-letters?limit=1e1",
    "limit twice": "dead-letters?limit=1&limit=2",
    "reason twice": "dead-letters?reason=key&reason=invalid",
    "reason of 65 characters": f"dead-letters?reason={'x' * 65}",
    "from garbage": "dead-letters?from=yesterday",
    "from naive": "dead-letters?from=2026-01-31T12:00:00",
    "from after to": "dead-letters?from=2026-01-31T12:00:01Z&to=2026-01-31T12:00:00Z",
    "a typo": "dead-letters?reson=key",
    "cursor garbage": "dead-letters?cursor=!!!",
    "cursor empty": "dead-letters?cursor=",
    "cursor not ascii": "dead-letters?cursor=%D0%96",
    "cursor of bad utf-8": "dead-letters?cursor=_w",
    "cursor of 501 letters": f"dead-letters?cursor={'A' * 501}",
    "cursor without a letter": f"dead-letters?cursor={cursor('1 ')}",
    "cursor without a topic": f"dead-letters?cursor={cursor('1 1/0:0')}",
    "cursor of a time beyond all years": f"dead-letters?cursor={cursor(f'{10**29} t/1/0:0')}",
    "cursor of an offset beyond 64 bits": f"dead-letters?cursor={cursor(f'1 t/1/0:{2**64}')}",
    "cursor of a path": f"dead-letters?cursor={cursor('1 ../../1/0:0')}",
    "cursor in other digits": f"dead-letters?cursor={cursor('1 t/1/0:٣')}",
    "reasons with a limit": "dead-letters/reasons?limit=1",
    "reasons from garbage": "dead-letters/reasons?from=x",
}


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_requests_get_a_problem(writer: Writer, monitor: httpx.AsyncClient, path: str) -> None:
    """400 with problem details that say what is wrong, never a 500."""
    await store_letters(writer, [letter(0)])
    response = await monitor.get(path)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    assert 0 < len(response.json()["detail"]) < 1_000


@pytest.mark.parametrize("reason", ["%00", "%27%20OR%201=1--", "no-such-reason", "%F0%9F%92%8A"])
async def test_words_that_are_no_reason(writer: Writer, monitor: httpx.AsyncClient, reason: str) -> None:
    """400 that lists the reasons, where an empty page would tell that all is well."""
    await store_letters(writer, [letter(0)])
    answer = await monitor.get(f"dead-letters?reason={reason}")
    assert (answer.status_code, "malformed" in answer.text) == (400, True)
    assert (await monitor.get("dead-letters?reason=tombstone")).json() == []


async def test_without_a_database(monitor: httpx.AsyncClient) -> None:
    """503 that says what to start."""
    for path in ("dead-letters", "dead-letters/reasons"):
        answer = await monitor.get(path)
        assert (answer.status_code, "start the sink" in answer.text) == (503, True)


async def test_the_letters_are_counted_for_the_figures(writer: Writer, url: str) -> None:
    """Counts by reason are figures: shown once counted, again after each change, and gone with the last letter."""
    registry = CollectorRegistry()
    gauge = DeadLetterGauge(registry)

    async def shows(reason: str, count: float | None) -> None:
        with anyio.fail_after(20):
            while registry.get_sample_value("icu_dead_letters", {"reason": reason}) != count:
                await anyio.sleep(0.01)

    await store_letters(writer, refused(observation(1), observation(2)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dead_letter_figures, "COUNT_EVERY", 0.01)
        async with aclosing(Reader(url)) as reader, counting(reader, gauge):
            await shows("invalid", 2)
            await store_letters(writer, [letter(2)], start=2)
            await shows("malformed", 1)
            await purge_of(Door(url), INES, Chosen(reason="invalid"))
            await shows("invalid", None)
            await shows("malformed", 1)
