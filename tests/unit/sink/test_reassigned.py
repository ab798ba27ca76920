"""Partitions that are dealt anew while the sink reads: it reads on with its new ones, from the stored positions."""

from collections.abc import Mapping, Sequence

import anyio
import pytest
from prometheus_client import CollectorRegistry

from icu.messages import Position, encode
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.store.errors import PositionConflictError
from icu.store.writer import Writer
from icu.transports.base import Assignment, Batch
from icu.transports.errors import NamesakeError, ReassignedError
from icu.transports.memory import MemoryConsumer, MemoryTransport
from tests.samples import START, observation
from tests.stores import rows


async def run_sink(transport: MemoryTransport, url: str, telemetry: Telemetry) -> None:
    """Run a sink."""
    await consume(
        transport=transport,
        alarms=MemoryTransport(topic="icu.alarms", waits_for_commits=False),
        database_url=url,
        telemetry=telemetry,
        batching=Batching(linger=0),
        now=START.timestamp,
    )


async def test_a_sink_waits_for_its_share_before_it_reads_the_offsets(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of a share that is lost are not stored; the offsets are read once the next share is there."""
    transport, telemetry = MemoryTransport(topic="icu.test", partitions=1), Telemetry(CollectorRegistry())
    steps: list[str] = []
    join, assign, fetch = MemoryConsumer.join, MemoryConsumer.assign, MemoryConsumer.fetch
    positions = Writer.positions

    async def joined(consumer: MemoryConsumer) -> None:
        steps.append("join")
        await join(consumer)

    async def read(writer: Writer) -> dict[int, Position]:
        steps.append("positions")
        return await positions(writer)

    async def assigned(consumer: MemoryConsumer, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        steps.append("assign")
        if steps.count("assign") == 2:
            raise ReassignedError("the partitions are dealt anew")
        return await assign(consumer, stored)

    async def fetched(consumer: MemoryConsumer, **options: float) -> Sequence[Batch]:
        batches = await fetch(consumer, **options)
        if batches and steps.count("assign") == 1:
            raise ReassignedError("the partitions are dealt anew")
        return batches

    for name, step in (("join", joined), ("assign", assigned), ("fetch", fetched)):
        monkeypatch.setattr(MemoryConsumer, name, step)
    monkeypatch.setattr(Writer, "positions", read)
    await transport.publish(encode([observation(0)]))
    async with anyio.create_task_group() as group:
        group.start_soon(run_sink, transport, url, telemetry)
        with anyio.fail_after(20):
            await transport.until_stored(0)
        assert telemetry.trouble is None
        group.cancel_scope.cancel()
    assert steps == ["join", "positions", "assign"] * 3
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_offsets_that_another_sink_moves_are_read_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another sink moves the offsets between reading and beginning, they are read again."""
    transport, telemetry = MemoryTransport(topic="icu.test", partitions=1), Telemetry(CollectorRegistry())
    begin, conflicts = Writer.begin, list[frozenset[int]]()

    async def begun(writer: Writer, stored: Mapping[int, Position], *, other_logs: frozenset[int]) -> None:
        if not conflicts:
            conflicts.append(frozenset(stored))
            raise PositionConflictError("the stored offsets were moved meanwhile")
        await begin(writer, stored, other_logs=other_logs)

    monkeypatch.setattr(Writer, "begin", begun)
    await transport.publish(encode([observation(0)]))
    async with anyio.create_task_group() as group:
        group.start_soon(run_sink, transport, url, telemetry)
        with anyio.fail_after(20):
            await transport.until_stored(0)
        group.cancel_scope.cancel()
    assert conflicts == [{0}]
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_a_sink_whose_name_another_has_ends(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sink ends with the error of a wrong setting, which names the setting, once another has its name."""

    async def fenced(*_: object, **__: object) -> None:
        raise NamesakeError("ward@host/sink-1", "icu-sink.icu.test")

    monkeypatch.setattr(MemoryConsumer, "fetch", fenced)
    with pytest.raises(NamesakeError, match="run sink --member NAME") as ended, anyio.fail_after(20):
        await run_sink(MemoryTransport(topic="icu.test"), url, Telemetry(CollectorRegistry()))
    assert ended.value.exit_code == 78
