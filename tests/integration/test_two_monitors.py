"""Two monitors on one PostgreSQL: what is true at one is true at the other, and a client may ask either."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import anyio
import httpx
import pytest

from icu.access.roles import Role
from icu.bootstrap.roles import monitor
from icu.bootstrap.shared import Shared
from icu.config.api import Api
from icu.config.settings import Database, Settings
from icu.messages import Position
from icu.monitor.access.shares import CHECK_EVERY
from icu.monitor.broadcast import POLL_EVERY
from icu.store.access.keys import revoke_key
from icu.store.access.lookup import LOOK_INTERVAL
from icu.store.access.users import add_user
from icu.store.commands.door import Author, Door
from icu.store.writer import Writer, open_writer
from tests.access import PASSWORD
from tests.faces import add_keys, serving, with_key
from tests.samples import ANNA, observation
from tests.stores import desaturation, put_alarm, rows, store

NAME: Final = "ward.example"
EVA: Final = Author("eva", "command line")
NAMES: Final = (
    "SELECT DISTINCT application_name FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
ANNAS: Final = {"name": "anna", "password": PASSWORD.reveal()}


@pytest.fixture
async def writer(postgres_url: str) -> AsyncIterator[Writer]:
    """A writer to the database."""
    async with open_writer(postgres_url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        yield writer


@pytest.fixture
async def keys(postgres_url: str) -> dict[Role, str]:
    """A key of each role."""
    return await add_keys(postgres_url)


@pytest.fixture
async def monitors(postgres_url: str, keys: dict[Role, str]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients that know two monitors by one name, as behind a proxy. Nobody comes in without a key."""
    assert keys
    settings = Settings(database=Database(postgres_url), api=Api(hosts=(NAME,)))
    build = lambda: monitor.app(Shared(settings), "127.0.0.1")[0]  # noqa: E731 - short, and used once
    async with serving(build) as first, serving(build) as second:
        for each in (first, second):
            each.client.headers["Host"] = NAME
        yield [first.client, second.client]


class Watched:
    """A stream that is open: ids and data of its events, those of beats left out."""

    def __init__(self, response: httpx.Response, last: str) -> None:
        self._lines = response.aiter_lines()
        self.last = last

    async def event(self) -> tuple[str, Any]:
        """Return kind and data of the next event."""
        kind, data = "", None
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last = value
            elif name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
            elif not line and data is not None:
                if kind != "beat":
                    return kind, data
                kind, data = "", None
        raise EOFError

    async def until(self, kind: str) -> Any:
        """Return the data of the next event of a kind."""
        with anyio.fail_after(10):
            while (found := await self.event())[0] != kind:
                pass
        return found[1]


@asynccontextmanager
async def watching(client: httpx.AsyncClient, key: str, last: str = "") -> AsyncIterator[Watched]:
    """Open a stream, behind the event `last` if there is one."""
    headers = with_key(key) | ({"Last-Event-ID": last} if last else {})
    async with client.stream("GET", "/stream", headers=headers) as response:
        assert response.status_code == 200
        yield Watched(response, last)


async def until(ask: Any, expected: Any) -> None:
    """Ask until the answer is as expected."""
    found = None
    with anyio.move_on_after(10):
        while (found := await ask()) != expected:
            await anyio.sleep(0.05)
    assert found == expected


async def test_sessions_have_names(postgres_url: str, monitors: list[httpx.AsyncClient], keys: dict[Role, str]) -> None:
    """The server shows which sessions are monitors'."""
    for each in monitors:
        assert (await each.get("/patients", headers=with_key(keys[Role.VIEWER]))).status_code == 200
    names = rows(postgres_url, NAMES)
    assert names == [("icu-monitor",)]


async def test_a_session_is_good_at_each(postgres_url: str, monitors: list[httpx.AsyncClient]) -> None:
    """A log-in at one is one at the other, and so is its end. Failed ones are counted together."""
    first, second = monitors
    await add_user(Door(postgres_url), "anna", Role.NURSE, EVA, password=PASSWORD)
    for each in (first, second, first):
        wrong = await each.post("/session", json=ANNAS | {"password": "five random words"})
        assert wrong.status_code == 401
    assert set(rows(postgres_url, "SELECT failures FROM login_attempts")) == {(3,)}
    assert (await first.post("/session", json=ANNAS)).status_code == 200
    assert rows(postgres_url, "SELECT failures FROM login_attempts") == []
    second.cookies.update(first.cookies)

    async def status() -> int:
        return (await second.get("/patients")).status_code

    assert await status() == 200
    own = {"Origin": f"http://{NAME}"}
    assert (await second.post("/ward/silence", json={"seconds": 5}, headers=own)).status_code == 200
    assert (await first.delete("/session", headers=own)).status_code == 200
    await until(status, 401)
    assert LOOK_INTERVAL < 1


async def test_a_revoked_key_is_refused_at_each(
    postgres_url: str, monitors: list[httpx.AsyncClient], keys: dict[Role, str]
) -> None:
    """Its open streams end at each monitor, and another key is good."""
    ended: list[httpx.AsyncClient] = []
    async with anyio.create_task_group() as group:
        begun = [anyio.Event() for _ in monitors]

        async def follow(client: httpx.AsyncClient, event: anyio.Event) -> None:
            async with watching(client, keys[Role.VIEWER]) as stream:
                event.set()
                with suppress(EOFError, httpx.HTTPError):
                    while True:
                        await stream.event()
            ended.append(client)

        for client, event in zip(monitors, begun, strict=True):
            group.start_soon(follow, client, event)
            await event.wait()
        await revoke_key(Door(postgres_url), Role.VIEWER.value, EVA)
        with anyio.fail_after(10):
            while len(ended) < len(monitors):
                await anyio.sleep(0.05)
        for client in monitors:
            assert (await client.get("/patients", headers=with_key(keys[Role.VIEWER]))).status_code == 401
            assert (await client.get("/patients", headers=with_key(keys[Role.NURSE]))).status_code == 200
    assert CHECK_EVERY + LOOK_INTERVAL < 1


async def test_a_command_at_one_is_seen_at_the_other(
    postgres_url: str, monitors: list[httpx.AsyncClient], keys: dict[Role, str], writer: Writer
) -> None:
    """Acknowledgement, pause and limits at one are in the other's stream, alarms and patients."""
    first, second = monitors
    nurse = with_key(keys[Role.NURSE])
    await store(writer, [observation(0)])
    await put_alarm(postgres_url, desaturation())

    async def patient() -> dict[str, Any]:
        [found] = (await second.get("/patients", headers=nurse)).json()
        return found

    # Once, so that it keeps them in memory.
    assert (await patient())["paused"] is None
    async with watching(second, keys[Role.VIEWER]) as stream:
        with anyio.fail_after(10):
            await anext(stream._lines)
        acknowledged = await first.post(
            f"/alarms/{desaturation().id}/acknowledge", json={"by": "-", "seen": 1}, headers=nurse
        )
        assert acknowledged.status_code == 200
        [told] = await stream.until("alarms")
        assert (told["signal"], told["acknowledged"]["by"]) == ("acknowledged", "key:nurse")
        [active] = (await second.get("/alarms", headers=nurse)).json()
        assert active["acknowledged"]["by"] == "key:nurse"
        assert (await patient())["alarm"]["signal"] == "acknowledged"

    paused = await first.post(f"/patient/{ANNA}/pause", json={"by": "-", "seconds": 60}, headers=nurse)
    assert paused.status_code == 200

    async def paused_by() -> str | None:
        found = (await patient())["paused"]
        return found and str(found["by"])

    await until(paused_by, "key:nurse")
    limits = {"by": "-", "version": 0, "conditions": {"pulse.high": {"values": {"high": 160}}}}
    assert (await first.put("/limits", json=limits, headers=nurse)).status_code == 200
    assert (await second.put("/limits", json=limits, headers=nurse)).status_code == 409
    assert (await second.get("/limits", headers=nurse)).json()["version"] == 1
    assert POLL_EVERY < 1


async def test_a_stream_goes_on_at_the_other(
    monitors: list[httpx.AsyncClient], keys: dict[Role, str], writer: Writer
) -> None:
    """A client that changes the monitor with each event, while readings come, misses none and gets none twice."""
    key, seen, last = keys[Role.VIEWER], list[str](), ""
    await store(writer, [observation(0)])

    async def send() -> None:
        for second in range(1, 200):
            await store(writer, [observation(second)], start=second)
            await anyio.sleep(0.01)

    async with watching(monitors[0], key) as stream:
        with anyio.fail_after(10):
            while not last:
                last = (await anext(stream._lines)).partition("id: ")[2]
    async with anyio.create_task_group() as group:
        group.start_soon(send)
        for client in itertools.cycle(monitors):
            async with watching(client, key, last) as stream:
                seen += [each["timestamp"] for each in await stream.until("readings")]
                last = stream.last
            if len(seen) >= 199:
                break
    assert len(seen) == len(set(seen)) == 199
    assert seen == sorted(seen)
