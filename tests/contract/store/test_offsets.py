"""Offsets guard each transaction: it continues the stored position of each partition, or stores nothing."""

import pytest

from icu.messages import Delivery, Position, Refusal
from icu.store.errors import PositionConflictError
from icu.store.writer import Writer
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest
from tests.samples import delivery, observation
from tests.stores import NOON, observed, rows, store

UNREADABLE = Refusal(Delivery(0, 0, None, b"?"), "malformed", "no JSON")


async def test_records_beyond_a_gap_are_not_stored(writer: Writer, url: str) -> None:
    """A sink that was stalled may be ahead of the database: the records between would be lost."""
    await store(writer, [observation(0)])
    with pytest.raises(PositionConflictError):
        await store(writer, [observation(5)], start=5)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]
    assert await writer.positions() == {0: Position(1, "m")}


async def test_one_partition_that_was_moved_holds_up_the_transaction(writer: Writer, url: str) -> None:
    """One moved offset refuses the transaction, though the other partitions continue theirs."""
    await writer.begin({0: Position(0, "m"), 1: Position(7, "m")}, other_logs=frozenset())
    here, there = observation(0), observation(1)
    moves = [Move(0, 0, Position(1, "m")), Move(1, 5, Position(6, "m"))]
    deliveries = [delivery(here), delivery(there, partition=1, offset=5)]
    with pytest.raises(PositionConflictError):
        await writer.write(WriteRequest(observed(here, there), deliveries, [], moves), arrived=NOON)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(0,)]
    assert await writer.positions() == {0: Position(0, "m"), 1: Position(7, "m")}


async def test_a_dead_letter_that_comes_again_is_kept_once(writer: Writer, url: str) -> None:
    """A sink that reads on from an earlier offset, of a restored copy for instance, gets past its dead letters."""
    await store(writer, [], refusals=[UNREADABLE])
    await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
    await store(writer, [observation(0)], refusals=[UNREADABLE])
    assert rows(url, 'SELECT "offset", reason FROM dead_letters') == [(0, "malformed")]
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_each_partition_counts_its_own_logs(writer: Writer, url: str) -> None:
    """A broker may lose one disk of several: dead letters carry the log number of their own partition."""
    positions = {0: Position(0, "m"), 1: Position(0, "m")}
    await writer.begin(positions, other_logs=frozenset())
    await writer.begin(positions, other_logs=frozenset({1}))
    refusals = [UNREADABLE, Refusal(Delivery(1, 0, None, b"?"), "malformed", "no JSON")]
    moves = [Move(partition, 0, Position(1, "m")) for partition in positions]
    await writer.write(WriteRequest([], [], refusals, moves), arrived=NOON)
    assert rows(url, "SELECT partition, log FROM dead_letters ORDER BY 1") == [(0, 1), (1, 2)]
