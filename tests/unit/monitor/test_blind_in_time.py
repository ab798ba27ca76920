"""Time until a monitor calls its ward blind, with a real sink on a real SQLite file, whose time a test lets pass."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import anyio
import pytest

from icu.monitor.freshness import Freshness
from icu.store.reader import Reader
from icu.transports.errors import TransportError
from icu.transports.memory import MemoryConsumer
from tests.clocks import forward_asyncio, pass_time
from tests.wards import WatchedWard

pytestmark = pytest.mark.parametrize("anyio_backend", [forward_asyncio()])

# Seconds within which every bed is shown blind.
LATEST = 15


@pytest.fixture
async def ward(url: str) -> AsyncIterator[WatchedWard]:
    """Ward without a sink that runs."""
    ward = WatchedWard(url)
    yield ward
    await ward.transport.aclose()
    await ward.alarms.aclose()


@pytest.fixture
async def freshness(url: str, ward: WatchedWard) -> AsyncIterator[Freshness]:
    """Freshness of the ward, in its time."""
    async with aclosing(Reader(url)) as reader:
        yield Freshness(reader, wall=ward.wall, steady=anyio.current_time)


async def blind_after(ward: WatchedWard, freshness: Freshness) -> float:
    """Pass time, with a look each second, until the ward is blind. Returns the seconds."""
    begun = ward.seconds
    while freshness.blind is None:
        pass_time(1)
        # For what the sink writes meanwhile, in threads.
        await anyio.sleep(0.05)
        await freshness.look()
        assert ward.seconds - begun < 2 * LATEST
    return ward.seconds - begun


async def test_a_sink_that_ends(ward: WatchedWard, freshness: Freshness) -> None:
    """Blind within 15 s after the sink's end, and not while it lives, though no reading comes."""
    async with ward.sink():
        await ward.send(0)
        await ward.until(40)
        await freshness.look()
        assert freshness.blind is None
    assert 5 < await blind_after(ward, freshness) <= LATEST
    assert freshness.behind() == "sink"


async def test_a_broker_that_goes_away(
    ward: WatchedWard, freshness: Freshness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blind within 15 s after the last fetch, while the sink lives on; and no longer when it reads again."""

    async def away(*_: object, **__: object) -> None:
        raise TransportError("the broker is away")

    async with ward.sink():
        await ward.send(0)
        await ward.until(20)
        await freshness.look()
        with monkeypatch.context() as broken:
            broken.setattr(MemoryConsumer, "fetch", away)
            broken.setattr(MemoryConsumer, "assign", away)
            assert 5 < await blind_after(ward, freshness) <= LATEST
            assert freshness.behind() == "transport"
            assert "the broker is away" in str(await freshness.trouble())
        with anyio.fail_after(200):
            while freshness.blind is not None:
                pass_time(1)
                await anyio.sleep(0.05)
                await freshness.look()


@pytest.mark.parametrize("fails", [True, False])
async def test_a_broker_that_takes_connections_alone(
    ward: WatchedWard, freshness: Freshness, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    """A broker that assigns partitions, and answers no fetch, is not there: blind within 15 s, and as one outage."""

    async def unanswered(*_: object, **__: object) -> tuple[()]:
        await anyio.sleep(0.5)
        if fails:
            raise TransportError("the broker does not answer")
        return ()

    async with ward.sink():
        await ward.send(0)
        await ward.until(20)
        await freshness.look()
    with monkeypatch.context() as broken:
        broken.setattr(MemoryConsumer, "fetch", unanswered)
        async with ward.sink():
            assert 5 < await blind_after(ward, freshness) <= LATEST
            since = freshness.blind_since
            for _ in range(30):
                pass_time(1)
                await anyio.sleep(0.05)
                await freshness.look()
                assert (freshness.blind_since, freshness.behind()) == (since, "transport")
