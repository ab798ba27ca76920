"""A broker that goes away while the sink reads: the sink reports trouble, and goes on from its stored position."""

import anyio
import pytest
from prometheus_client import CollectorRegistry

from icu.messages import encode
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.transports.errors import TransportError
from icu.transports.memory import MemoryConsumer, MemoryTransport
from tests.samples import START, observation
from tests.stores import rows


async def test_what_is_waited_for_is_said_until_it_is_there(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trouble is reported from the failed fetch on until the next success, however long the retry takes."""
    transport, telemetry, back = MemoryTransport(topic="icu.test"), Telemetry(CollectorRegistry()), anyio.Event()
    assign, fetch = MemoryConsumer.assign, MemoryConsumer.fetch

    async def away(*_: object, **__: object) -> None:
        monkeypatch.setattr(MemoryConsumer, "fetch", fetch)
        monkeypatch.setattr(MemoryConsumer, "assign", assign_later)
        raise TransportError("the broker is away")

    async def assign_later(consumer: MemoryConsumer, stored: dict) -> object:
        await back.wait()
        return await assign(consumer, stored)

    monkeypatch.setattr(MemoryConsumer, "fetch", away)
    async with anyio.create_task_group() as group:

        async def sink() -> None:
            await consume(
                transport=transport,
                alarms=MemoryTransport(topic="icu.alarms", waits_for_commits=False),
                database_url=url,
                telemetry=telemetry,
                batching=Batching(linger=0),
                now=START.timestamp,
            )

        group.start_soon(sink)
        with anyio.fail_after(20):
            while telemetry.trouble != "the broker is away":
                await anyio.sleep(0.01)
            await transport.publish(encode([observation(0)]))
            back.set()
            await transport.until_stored(0)
        assert telemetry.trouble is None
        group.cancel_scope.cancel()
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]
