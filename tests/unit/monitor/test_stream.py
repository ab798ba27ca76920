"""The live stream: no reading is missed or repeated, and no client is waited for."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import anyio
import anyio.lowlevel
import httpx
import psutil
import pytest
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream

from icu.config.settings import Ward
from icu.emulation import Emulation
from icu.http.asgi import serve
from icu.messages import Quality
from icu.monitor.access.shares import Streams
from icu.monitor.ages import Ages
from icu.monitor.app import Parts, create_app
from icu.monitor.broadcast import Broadcast, Update
from icu.monitor.emulation import Scenarios
from icu.monitor.freshness import Freshness
from icu.monitor.sse import Filter, encode
from icu.monitor.stream import MAX_QUEUED, EventStream
from icu.store.commands.door import Door
from icu.store.heartbeats import Beat, read_heartbeats
from icu.store.journal.entries import AlarmNews
from icu.store.journal.following import Batch, Follower
from icu.store.reader import Reader
from icu.store.writer import Writer
from icu.supervisor.view import ChildView
from icu.vitals.news2.inputs import MaxAges
from tests.faces import context, open_gate
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, desaturation, execute, put_alarm, store


class Event(NamedTuple):
    """A server-sent event."""

    id: int | None
    kind: str
    data: Any


class Stream:
    """A client of the stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.last_id: int | None = None

    async def event(self) -> Event:
        """Return the next event with data that is no beat."""
        with anyio.fail_after(10):
            while (event := await self.any_event()).kind == "beat":
                pass
        return event

    async def any_event(self) -> Event:
        """Return the next event with data."""
        kind, data = "message", None
        with anyio.fail_after(10):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last_id = int(value)
                elif name == "event":
                    kind = value
                elif name == "data":
                    data = json.loads(value)
                elif not line and data is not None:
                    return Event(self.last_id, kind, data)
        raise EOFError

    async def begun(self) -> None:
        """Wait until the client has its place in the stream."""
        with anyio.fail_after(10):
            async for line in self._lines:
                if line.startswith("id: "):
                    self.last_id = int(line.removeprefix("id: "))
                elif not line:
                    return


@asynccontextmanager
async def following(client: httpx.AsyncClient, last: int | str | None = None, **params: Any) -> AsyncIterator[Stream]:
    """Open a stream."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    async with client.stream("GET", "stream", params=params, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = Stream(response)
        await stream.begun()
        yield stream


def pulses(event: Event) -> list[float]:
    """Return the pulses of an event, which identify the readings here."""
    return [each["pulse"] for each in event.data]


@pytest.fixture
async def settled(writer: Writer, monitor: httpx.AsyncClient) -> httpx.AsyncClient:
    """A monitor whose watch has read the database once."""
    await store(writer, [observation(0, pulse=60)])
    with anyio.fail_after(10):
        while True:
            async with following(monitor) as stream:
                if stream.last_id is not None:
                    return monitor
            await anyio.sleep(0.05)


async def test_one_event_for_each_batch(writer: Writer, settled: httpx.AsyncClient) -> None:
    """An event has an array of the readings of one transaction, and its id rises."""
    async with following(settled) as stream:
        await store(writer, [observation(1, pulse=61), observation(2, pulse=62)], start=1)
        first = await stream.event()
        await store(writer, [observation(3, pulse=70)], start=3)
        second = await stream.event()
    assert (first.kind, pulses(first), pulses(second)) == ("readings", [61, 62], [70])
    assert first.data[0] == {
        "patient_uuid": str(ANNA),
        "timestamp": "2026-01-31T12:00:01Z",
        "pulse": 61,
        "resp_rate": 16,
        "bp": "120/80",
        "spo2": 98,
        "temperature": 36.6,
    }
    assert first.id is not None
    assert second.id is not None
    assert second.id > first.id


async def test_what_is_said_beside_the_signs(writer: Writer, settled: httpx.AsyncClient) -> None:
    """Mean pressure, time of measurement and doubt are in the stream where they were sent."""
    fields = {"map": 93, "bp_measured_at": START, "quality": Quality(spo2="motion", map="implausible")}
    async with following(settled) as stream:
        await store(writer, [observation(1, **fields), observation(2)], start=1)
        with_them, without = (await stream.event()).data
    said = {"map": 93, "bp_measured_at": "2026-01-31T12:00:00Z", "quality": {"spo2": "motion", "map": "implausible"}}
    assert with_them == {**without, "timestamp": "2026-01-31T12:00:01Z", **said}
    assert not said.keys() & without.keys()


async def test_browsers_may_follow(writer: Writer, settled: httpx.AsyncClient) -> None:
    """A front end under development may read the stream from another port; the allowance is for its origin only."""
    for headers, allowed in [({"Origin": "http://localhost:5173"}, "http://localhost:5173"), ({}, None)]:
        async with settled.stream("GET", "stream", headers=headers) as response:
            assert response.headers.get("access-control-allow-origin") == allowed


async def test_nothing_on_the_way_keeps_events_back(writer: Writer, settled: httpx.AsyncClient) -> None:
    """The headers forbid caches, buffers and compression, which would hold events back."""
    for encoding in ("gzip", "gzip, deflate, br, zstd", "identity"):
        async with settled.stream("GET", "stream", headers={"Accept-Encoding": encoding}) as response:
            assert {each.strip() for each in response.headers["cache-control"].split(",")} == {
                "no-store",
                "no-transform",
            }
            assert response.headers["x-accel-buffering"] == "no"
            assert "content-encoding" not in response.headers


async def test_head_of_the_stream_ends_at_once(writer: Writer, settled: httpx.AsyncClient) -> None:
    """HEAD has the headers of a stream, errors included, and takes no place in it."""
    with anyio.fail_after(5):
        head = await settled.head("stream")
        assert (head.status_code, head.content) == (200, b"")
        async with settled.stream("GET", "stream") as whole:
            assert head.headers["content-type"] == whole.headers["content-type"]
            assert head.headers["cache-control"] == whole.headers["cache-control"]
        assert (await settled.head("stream", params={"patient": "nobody"})).status_code == 400


async def test_one_patient_only(writer: Writer, settled: httpx.AsyncClient) -> None:
    """`?patient=` leaves out the other patients."""
    async with following(settled, patient=str(ANNA)) as stream:
        await store(writer, [observation(1, patient=BORIS, pulse=99)], start=1)
        await store(writer, [observation(2, patient=BORIS, pulse=99), observation(3, pulse=63)], start=2)
        assert pulses(await stream.event()) == [63]


async def test_a_client_that_comes_back_misses_nothing(writer: Writer, settled: httpx.AsyncClient) -> None:
    """A client that comes back first gets the readings stored meanwhile, also late arrivals of old times, each once."""
    async with following(settled) as stream:
        await store(writer, [observation(100, pulse=80)], start=1)
        last = (await stream.event()).id
    await store(writer, [observation(101, pulse=81)], start=2)
    await store(writer, [observation(-500, pulse=50)], start=3)
    async with following(settled, last) as stream:
        assert pulses(await stream.event()) == [81]
        assert pulses(await stream.event()) == [50]
        await store(writer, [observation(102, pulse=82)], start=4)
        assert pulses(await stream.event()) == [82]


async def test_a_client_comes_back_from_before_its_first_event(writer: Writer, settled: httpx.AsyncClient) -> None:
    """The begin of a stream has an id too: a connection lost before the first event loses nothing."""
    async with following(settled) as stream:
        begin = stream.last_id
    assert begin is not None
    await store(writer, [observation(1, pulse=61)], start=1)
    async with following(settled, begin) as stream:
        assert pulses(await stream.event()) == [61]


@pytest.mark.parametrize("last", ["garbage", "-5", "0", "1", str(2**63), "9" * 500, "1e3", "٣"])
async def test_an_id_that_is_not_in_the_journal_resets(writer: Writer, settled: httpx.AsyncClient, last: str) -> None:
    """A client with an unknown id gets a reset, and then new readings."""
    async with settled.stream("GET", "stream", headers=[(b"Last-Event-ID", last.encode())]) as response:
        stream = Stream(response)
        await stream.begun()
        assert (await stream.event()).kind == "reset"
        await store(writer, [observation(1, pulse=61)], start=1)
        assert pulses(await stream.event()) == [61]


async def test_an_id_older_than_the_journal_resets(writer: Writer, url: str, settled: httpx.AsyncClient) -> None:
    """A client with an id older than the bounded journal gets a reset."""
    async with following(settled) as stream:
        await store(writer, [observation(1)], start=1)
        last = (await stream.event()).id
    for place in range(2, 8):
        await store(writer, [observation(place)], start=place)
    execute(url, f"DELETE FROM journal WHERE batch <= {last}")
    async with following(settled, last) as stream:
        assert (await stream.event()).kind == "reset"


async def test_resuming_while_readings_pour_in(writer: Writer, settled: httpx.AsyncClient) -> None:
    """Between the past and the present no reading is lost or repeated, wherever they meet."""
    async with following(settled) as stream:
        await store(writer, [observation(1, pulse=1)], start=1)
        last = (await stream.event()).id
    seen: list[float] = []

    async def pour() -> None:
        for place in range(2, 200):
            await store(writer, [observation(place, pulse=place)], start=place)

    async with anyio.create_task_group() as group:
        group.start_soon(pour)
        while not seen or seen[-1] < 199:
            async with following(settled, last) as stream:
                for _ in range(17):
                    event = await stream.event()
                    seen += pulses(event)
                    last = event.id
                    if seen[-1] == 199:
                        break
    assert seen == list(range(2, 200))


async def test_a_crowd_of_streams_asks_the_database_once(
    writer: Writer, settled: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For what all of them want to know: connections to it are few, and a browser does not come back after a 503."""
    async with following(settled) as stream:
        await store(writer, [observation(1)], start=1)
        last = (await stream.event()).id
    asked = 0
    ask = Reader._ask

    async def counted(reader: Reader, question: Any) -> Any:
        nonlocal asked
        asked += question is not read_heartbeats  # each second, whoever follows
        return await ask(reader, question)

    monkeypatch.setattr(Reader, "_ask", counted)
    for _ in range(20):
        async with settled.stream("GET", "stream", params={"patient": str(ANNA)}, headers={"Last-Event-ID": str(last)}):
            pass
    assert asked == 1
    for _ in range(2):
        assert (await settled.get("stream", params={"patient": str(UUID(int=1))})).status_code == 404


async def test_clients_that_stall_while_they_catch_up_hold_no_connection(
    writer: Writer, reader: Reader, url: str
) -> None:
    """Clients that come back and read nothing hold no connection to the database."""
    for place in range(2):
        await store(writer, [observation(place)], start=place, arrived=NOON)
    broadcast = Broadcast(reader)
    stalled = 0

    async def send(message: Any) -> None:
        nonlocal stalled
        if b"readings" in message.get("body", b""):
            stalled += 1
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        for _ in range(20):
            stream = EventStream(broadcast, None, NOON + 2, Streams(open_gate(url)))
            group.start_soon(stream, {"type": "http", "state": {}}, anyio.sleep_forever, send)
        with anyio.fail_after(10):
            while stalled < 20:
                await anyio.sleep(0.01)
            await reader.patients(now=START)
        group.cancel_scope.cancel()


async def test_a_quiet_stream_beats(writer: Writer, settled: httpx.AsyncClient) -> None:
    """Each second comes the server's time, without an id, also to one who follows a single patient."""
    async with following(settled, patient=str(ANNA)) as stream:
        begin = stream.last_id
        first, second = await stream.any_event(), await stream.any_event()
    assert (first.kind, first.id, second.id) == ("beat", begin, begin)
    assert set(first.data) == {"time", "blind_since", "unwatched", "behind"}
    passed = datetime.fromisoformat(second.data["time"]) - datetime.fromisoformat(first.data["time"])
    assert passed >= timedelta(seconds=0.9)


async def test_beats_without_a_database(writer: Writer, settled: httpx.AsyncClient, url: str) -> None:
    """A stream that is open beats on while the database is away."""
    async with following(settled) as stream:
        file = anyio.Path(url.removeprefix("sqlite:///"))
        await file.rename(file.with_suffix(".away"))
        while (await settled.get("patients")).status_code != 503:
            await anyio.sleep(0.01)
        kinds = {(await stream.any_event()).kind for _ in range(2)}
    assert kinds == {"beat"}


async def test_a_blind_ward_is_said_in_the_beat(writer: Writer, settled: httpx.AsyncClient) -> None:
    """A client that follows the stream alone learns that nobody is watched, and why."""
    await writer.beat(Beat(NOON, 0))
    async with following(settled) as stream:
        with anyio.fail_after(10):
            while (event := await stream.any_event()).data["blind_since"] is None:
                assert event.kind == "beat"
    assert (event.data["blind_since"], event.data["behind"]) == ("2026-01-31T12:00:00Z", "sink")


async def test_beats_drop_nobody(reader: Reader) -> None:
    """A client that reads nothing has one beat in its queue, and all of its places for batches but that."""
    broadcast = Broadcast(reader)
    queue, taken = anyio.create_memory_object_stream[Update | bytes](MAX_QUEUED)
    scope = anyio.CancelScope()
    broadcast.subscribe(queue, scope)
    for _ in range(3 * MAX_QUEUED):
        broadcast.beat(b"beat")
    for number in range(MAX_QUEUED - 1):
        broadcast._offer(Update((), number))
        broadcast.beat(b"beat")
    assert (scope.cancel_called, len(broadcast)) == (False, 1)
    assert await taken.receive() == b"beat"
    assert all(isinstance(taken.receive_nowait(), Update) for _ in range(MAX_QUEUED - 1))
    broadcast.close()
    broadcast.beat(b"beat")
    taken.close()


async def test_alarms_are_numbered_with_the_readings(writer: Writer, settled: httpx.AsyncClient, url: str) -> None:
    """An alarm that changes comes as it is served, under an id of its own, from which a client goes on."""
    await put_alarm(url, desaturation())
    async with following(settled) as stream:
        await store(writer, [observation(1, pulse=61)], start=1)
        reading = await stream.event()
        answer = await settled.post(f"/alarms/{desaturation().id}/acknowledge", json={"by": "Eva", "seen": 1})
        alarm = await stream.event()
        await store(writer, [observation(2, pulse=62)], start=2)
        later = await stream.event()
    assert [each.kind for each in (reading, alarm, later)] == ["readings", "alarms", "readings"]
    assert alarm.data == [answer.json()]
    assert reading.id is not None
    assert (alarm.id, later.id) == (reading.id + 1, reading.id + 2)
    async with following(settled, reading.id) as stream:
        assert await stream.event() == alarm
    async with following(settled, alarm.id) as stream:
        assert pulses(await stream.event()) == [62]


async def test_alarms_of_one_patient_only(reader: Reader) -> None:
    """`?patient=` leaves out alarms of others, but not the ward's own."""
    news = [AlarmNews(ANNA, "start", '{"a":1}'), AlarmNews(None, "start", '{"b":2}'), AlarmNews(BORIS, "end", "{}")]
    batch = Batch(7, alarms=news)
    assert encode([batch], frozenset([ANNA])) == b'id: 7\nevent: alarms\ndata: [{"a":1},{"b":2}]\n\n'
    assert encode([Batch(7, alarms=news[2:])], frozenset([ANNA])) == b""
    assert encode([batch], None).count(b"{") == 3


async def test_a_slow_client_is_dropped_and_the_others_are_not(reader: Reader) -> None:
    """A client with a full queue is dropped; the others go on, and memory stays bounded."""
    broadcast = Broadcast(reader)
    slow, slow_queue = anyio.create_memory_object_stream[Update | bytes](MAX_QUEUED)
    quick, quick_queue = anyio.create_memory_object_stream[Update | bytes](MAX_QUEUED)
    slow_scope, quick_scope = anyio.CancelScope(), anyio.CancelScope()
    broadcast.subscribe(slow, slow_scope)
    broadcast.subscribe(quick, quick_scope)
    for number in range(MAX_QUEUED + 1):
        broadcast._offer(Update((), number))
        await take(quick_queue)
    assert slow_scope.cancel_called
    assert not quick_scope.cancel_called
    assert len(broadcast) == 1
    slow.close()
    slow_queue.close()
    quick_queue.close()
    broadcast.close()


async def test_a_dropped_client_keeps_nothing(
    reader: Reader, writer: Writer, url: str, emulation: Emulation, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection of a dropped client is closed at once, though it reads nothing, without an error in the log."""
    await store(writer, [observation(0)])
    broadcast = Broadcast(reader)
    parts = Parts(
        gate=open_gate(url),
        reader=reader,
        ages=Ages(reader),
        broadcast=broadcast,
        freshness=Freshness(reader),
        door=Door(url),
        ward=Ward("icu", 0),
        fetch_children=nobody,
        emulation=emulation,
        scenarios=Scenarios(list),
        max_ages=MaxAges(),
    )
    build = partial(create_app, context(), parts)
    app = await to_thread.run_sync(build)
    async with anyio.create_task_group() as group:
        address = await group.start(partial(serve, app, host="127.0.0.1", port=0))
        port = int(address.rpartition(":")[2])
        async with await anyio.connect_tcp("127.0.0.1", port) as client:
            await client.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await client.receive(10)
            with anyio.fail_after(10):
                for number in itertools.count(2 * NOON):
                    broadcast._offer(Large(number))
                    await anyio.lowlevel.checkpoint()
                    if not len(broadcast):
                        break
                while accepted(port):
                    await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert not caplog.records


async def nobody() -> list[ChildView]:
    """No children."""
    return []


class Large(Update):
    """An event larger than the buffers between two programs, once a few have been sent."""

    def __init__(self, number: int) -> None:
        super().__init__([Batch(number + 1, [])], number)

    def encoded(self, patients: Filter) -> bytes:
        """Return a comment of a megabyte."""
        return b":" + b"x" * 1_000_000 + b"\n\n"


def accepted(port: int) -> int:
    """Return the descriptors of the server's connections."""
    found = psutil.Process().net_connections("tcp")
    return sum(each.laddr.port == port and bool(each.raddr) for each in found)


async def take(queue: MemoryObjectReceiveStream[Update | bytes]) -> None:
    """Read as a client that keeps up."""
    await queue.receive()


async def test_streams_end_when_the_server_stops(writer: Writer, settled: httpx.AsyncClient) -> None:
    """An open stream does not delay the stop, which the fixture begins while this stream is open."""
    request = settled.build_request("GET", "stream")
    response = await settled.send(request, stream=True)
    assert response.status_code == 200


async def test_what_is_stored_before_the_first_look_is_not_hidden(url: str, writer: Writer) -> None:
    """A client that subscribed before the watch could read the database gets a reset."""
    reader = Reader(url)
    broadcast = Broadcast(reader)
    sender, queue = anyio.create_memory_object_stream[Update | bytes](MAX_QUEUED)
    broadcast.subscribe(sender, anyio.CancelScope())
    await store(writer, [observation(1)])
    async with anyio.create_task_group() as group:
        group.start_soon(broadcast.run)
        with anyio.fail_after(5):
            assert (await queue.receive()).restart
        broadcast.close()
        group.cancel_scope.cancel()
    queue.close()
    await reader.aclose()


async def test_a_client_that_subscribes_while_the_watch_skips_ahead_misses_nothing(
    url: str, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that subscribes while the watch, without clients, asks for the end of the journal misses nothing."""
    asked, answer = anyio.Event(), anyio.Event()
    ask = Follower.end

    async def slow_end(follower: Follower) -> int:
        if broadcast._last_batch is not None:
            asked.set()
            await answer.wait()
        return await ask(follower)

    monkeypatch.setattr(Follower, "end", slow_end)
    reader = Reader(url)
    broadcast = Broadcast(reader)
    sender, queue = anyio.create_memory_object_stream[Update | bytes](MAX_QUEUED)
    await store(writer, [observation(0)])
    async with anyio.create_task_group() as group:
        group.start_soon(broadcast.run)
        with anyio.fail_after(5):
            while broadcast._last_batch is None:
                await anyio.sleep(0.01)
            await store(writer, [observation(1, pulse=61)], start=1)
            await asked.wait()
            subscription = broadcast.subscribe(sender, anyio.CancelScope())
            await store(writer, [observation(2, pulse=62)], start=2)
            answer.set()
            update = await queue.receive()
        group.cancel_scope.cancel()
    assert update.before == subscription.seen
    assert [each.pulse for batch in update.batches for each in batch.readings] == [61, 62]
    queue.close()
    broadcast.close()
    await reader.aclose()
