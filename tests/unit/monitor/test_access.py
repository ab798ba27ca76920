"""Access to the monitor on a real port: keys, sessions, proxies, and the place from which somebody asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from anyio import to_thread

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.bootstrap.database import upgrade_database
from icu.bootstrap.roles import monitor
from icu.bootstrap.shared import Shared
from icu.config.api import Api
from icu.config.settings import Database, Secret, Settings
from icu.monitor.access.errors import ExcessError
from icu.monitor.access.gate import LOOK_EVERY, Caller, WardGate
from icu.monitor.access.shares import CHECK_EVERY, MAX_STREAMS, Exports
from icu.store.access.keys import add_key, revoke_key
from icu.store.access.lookup import LOOK_INTERVAL
from icu.store.access.users import add_user
from icu.store.commands.door import Author, Door
from tests.access import cheapen_passwords
from tests.faces import Face, serving, with_key
from tests.stores import execute, rows

EVA = Author("eva", "command line")
PASSWORD = "four random words"  # noqa: S105 - of nobody
SILENCE = {"seconds": 5}
PROXY = ("127.0.0.1",)


@asynccontextmanager
async def serving_monitor(url: str, *, tables: bool = True, **api: Any) -> AsyncIterator[Face]:
    """Serve a monitor with these settings of [api], behind the proxies that they name."""
    settings = Settings(database=Database(url), api=Api(**api))
    if tables:
        await to_thread.run_sync(upgrade_database, settings)
    build = lambda: monitor.app(Shared(settings), "127.0.0.1")[0]  # noqa: E731 - short, and used once
    async with serving(build, trusted_proxies=settings.api.trusted_proxies) as served:
        yield served


async def key(url: str, role: Role, name: str = "wall") -> str:
    """Add a key."""
    return (await add_key(Door(url), name, role, EVA)).reveal()


async def anna(url: str, role: Role = Role.NURSE) -> dict[str, str]:
    """Add the user Anna, and return what she types."""
    await add_user(Door(url), "anna", role, EVA, password=Secret(PASSWORD))
    return {"name": "anna", "password": PASSWORD}


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are cheap: what they cost is a matter of the store."""
    cheapen_passwords(monkeypatch)


@pytest.fixture
async def tables(url: str) -> str:
    """The URL of a database with tables."""
    await to_thread.run_sync(upgrade_database, Settings(database=Database(url)))
    return url


def forwarded(**more: str) -> dict[str, str]:
    """Return the headers of a proxy, for a client on another machine."""
    return {"X-Forwarded-For": "192.0.2.7", **{name.replace("_", "-"): value for name, value in more.items()}}


def morsel(response: httpx.Response) -> tuple[str, Any]:
    """Return the name of the cookie that a response sets, and its attributes."""
    [(name, found)] = SimpleCookie(response.headers["set-cookie"]).items()
    return name, found


async def test_a_log_in_on_this_machine(tables: str) -> None:
    """A person logs in, commands from the ward's own pages under their own name, and logs out."""
    typed = await anna(tables)
    async with serving_monitor(tables) as served:
        client, port = served.client, urlsplit(str(served.client.base_url)).port
        answer = await client.post("/session", json=typed)
        assert answer.status_code == 200
        state = answer.json()
        assert (state["open"], state["who"], state["role"], state["lapsed"]) == (False, "anna", "nurse", None)
        assert state["expires"]
        name, cookie = morsel(answer)
        assert name == f"icu-{port}"
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "strict", "/", "")
        assert (await client.get("/session")).json() == state
        assert (await client.get("/patients")).status_code == 200
        own = {"Origin": f"http://127.0.0.1:{port}"}
        for headers in ({}, {"Origin": "http://localhost:5173"}, {"Origin": "http://127.0.0.1:1"}):
            refused = await client.post("/ward/silence", json=SILENCE, headers=headers)
            assert (refused.status_code, "Origin" in refused.json()["detail"]) == (403, True), headers
        assert (await client.post("/ward/silence", json={"by": "Eve", **SILENCE}, headers=own)).status_code == 200
        assert rows(tables, "SELECT \"by\", source FROM audit WHERE command = 'silence'") == [("anna", "127.0.0.1")]
        assert (await client.delete("/session")).status_code == 403
        gone = await client.delete("/session", headers=own)
        assert (gone.status_code, gone.json()["role"], morsel(gone)[1]["max-age"]) == (200, "public", "0")
        assert rows(tables, "SELECT count(*) FROM sessions") == [(0,)]
        assert (await client.get("/patients")).status_code == 401


@pytest.mark.parametrize(
    "typed",
    [{"name": "anna", "password": "five random words"}, {"name": "eve", "password": PASSWORD}, {"key": "icu_no"}],
)
async def test_a_wrong_log_in(tables: str, typed: dict[str, str]) -> None:
    """It is 401 without a cookie, and says the same for a name that nobody has."""
    await anna(tables)
    async with serving_monitor(tables) as served:
        refused = await served.client.post("/session", json=typed)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert "set-cookie" not in refused.headers
        assert "key" in typed or refused.json()["detail"] == "name or password is wrong"


@pytest.mark.parametrize("typed", [{}, {"name": "anna"}, {"password": PASSWORD}, {"key": "k", "name": "anna"}])
async def test_half_a_log_in(tables: str, typed: dict[str, str]) -> None:
    """Neither a name with its password nor a key alone is 422."""
    await anna(tables)
    async with serving_monitor(tables) as served:
        assert (await served.client.post("/session", json=typed)).status_code == 422


async def test_a_password_over_plain_http(tables: str) -> None:
    """From another machine a password is refused with the remedy, a key is taken; over https both are."""
    typed, wall = await anna(tables), {"key": await key(tables, Role.VIEWER)}
    async with serving_monitor(tables, trusted_proxies=PROXY, hosts=("ward.example",)) as served:
        refused = await served.client.post("/session", json=typed, headers=forwarded())
        assert (refused.status_code, "tls_certificate" in refused.json()["detail"]) == (403, True)
        assert (await served.client.post("/session", json=wall, headers=forwarded())).status_code == 200
        secure = forwarded(X_Forwarded_Proto="https", Host="ward.example")
        name, cookie = morsel(await served.client.post("/session", json=typed, headers=secure))
        assert (name, cookie["secure"], cookie["path"], cookie["domain"]) == ("__Host-icu-443", True, "/", "")


async def test_a_proxy_that_nobody_named(tables: str) -> None:
    """Its words about its client are not believed: neither the scheme, nor that the client is this machine."""
    typed = await anna(tables)
    async with serving_monitor(tables) as served:
        for said in ({"X-Forwarded-Proto": "https"}, {"X-Forwarded-For": "127.0.0.1"}, {"Via": "1.1 x"}):
            assert (await served.client.post("/session", json=typed, headers=said)).status_code == 403, said
        viewer = await key(tables, Role.VIEWER)
        answer = await served.client.get("/patients", headers={**with_key(viewer), "Via": "1.1 x"})
        assert answer.status_code == 200


async def test_tls_may_be_required(tables: str) -> None:
    """Then plain HTTP from other machines is refused, with a valid key too; this machine needs none."""
    viewer = with_key(await key(tables, Role.VIEWER))
    async with serving_monitor(tables, trusted_proxies=PROXY, require_tls=True) as served:
        asked = [viewer, {**viewer, **forwarded()}, {**viewer, **forwarded(X_Forwarded_Proto="https")}]
        assert [(await served.client.get("/patients", headers=each)).status_code for each in asked] == [200, 403, 200]


async def test_people_whom_a_proxy_lets_in(tables: str) -> None:
    """A header of a named proxy is a person with a role; they command from the ward's own pages alone."""
    how = {"trusted_header": "X-Forwarded-User", "trusted_role_header": "X-Forwarded-Groups"}
    async with serving_monitor(tables, trusted_proxies=PROXY, **how) as served:
        client = served.client

        async def ask(groups: str, name: str = "okafor@ward", **more: str) -> httpx.Response:
            headers = forwarded(X_Forwarded_User=name, X_Forwarded_Groups=groups, **more)
            return await client.get("/session", headers=headers)

        assert (await ask("staff, nurse,viewer")).json()["who"] == "okafor@ward"
        assert [(await ask(each)).json().get("role") for each in ("viewer", "nurse, viewer", "admin")] == [
            "viewer",
            "nurse",
            "admin",
        ]
        assert [(await ask(each)).status_code for each in ("", "public", "staff")] == [401, 401, 401]
        assert (await ask("nurse", name="a b")).status_code == 401
        assert (await client.get("/patients", headers=forwarded())).status_code == 401
        nurse = forwarded(X_Forwarded_User="okafor", X_Forwarded_Groups="nurse")
        assert (await client.post("/ward/silence", json=SILENCE, headers=nurse)).status_code == 403
        own = {"Origin": str(client.base_url).rstrip("/")}
        assert (await client.post("/ward/silence", json=SILENCE, headers={**nurse, **own})).status_code == 200
        assert rows(tables, "SELECT \"by\", source FROM audit WHERE command = 'silence'") == [("okafor", "192.0.2.7")]


async def test_only_named_proxies_let_people_in(tables: str) -> None:
    """The same header from elsewhere is nobody; and where a proxy lets people in, nobody comes in without."""
    async with serving_monitor(tables, trusted_proxies=("192.0.2.1",), trusted_header="X-Forwarded-User") as served:
        for headers in ({}, {"X-Forwarded-User": "eve"}):
            assert (await served.client.get("/patients", headers=headers)).status_code == 401


async def test_who_asks(tables: str) -> None:
    """Without keys the ward is open; with one, whoever shows none is nobody, and a key is known by its name."""
    async with serving_monitor(tables) as served:
        assert (await served.client.get("/session")).json()["open"] is True
        wall = await key(tables, Role.VIEWER)
        with anyio.fail_after(10):
            while (found := (await served.client.get("/session")).json())["open"]:
                await anyio.sleep(0.05)
        assert (found["role"], found["who"]) == ("public", None)
        assert (await served.client.get("/patients")).status_code == 401
        found = (await served.client.get("/session", headers=with_key(wall))).json()
        assert (found["role"], found["who"]) == ("viewer", "key:wall")
        # What is revoked opens nothing.
        await revoke_key(Door(tables), "wall", EVA)
        with anyio.fail_after(10):
            while (await served.client.get("/patients", headers=with_key(wall))).status_code != 401:
                await anyio.sleep(0.05)
        assert (await served.client.get("/patients")).status_code == 401


async def test_a_database_that_is_away_at_the_start(url: str) -> None:
    """Nobody comes in before it has told if there are keys; only what is public is served."""
    async with serving_monitor(url, tables=False) as served:
        refused = await served.client.get("/signs")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert "if there are keys" in refused.json()["detail"]
        assert (await served.client.get("/health/live")).status_code == 200
        await to_thread.run_sync(upgrade_database, Settings(database=Database(url)))
        assert (await served.client.get("/signs")).status_code == 200


@asynccontextmanager
async def streaming(client: httpx.AsyncClient, secret: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Open a stream that has begun."""
    async with client.stream("GET", "/stream", headers=with_key(secret)) as answer:
        assert answer.status_code == 200
        parts = answer.aiter_raw()
        await anext(parts)
        yield parts


async def test_a_stream_ends_with_its_key(tables: str) -> None:
    """Within a second of the revocation; others go on."""
    wall, other = await key(tables, Role.VIEWER), await key(tables, Role.VIEWER, "other")
    async with (
        serving_monitor(tables) as served,
        streaming(served.client, other) as goes_on,
        streaming(served.client, wall) as ends,
    ):
        await revoke_key(Door(tables), "wall", EVA)
        with anyio.fail_after(10), pytest.raises(httpx.HTTPError):
            async for _ in ends:
                pass
        await anext(goes_on)
        assert CHECK_EVERY + LOOK_INTERVAL < 1
        gate: WardGate = served.app.dependencies["gate"].dependency()
        assert await gate.access.principal(other) is not None


async def test_a_stream_without_a_key_ends_when_the_ward_closes(tables: str) -> None:
    """It was opened while nobody needed a key. With the first one it ends as if its own had been revoked."""
    async with (
        serving_monitor(tables) as served,
        served.client.stream("GET", "/stream") as answer,
    ):
        parts = answer.aiter_raw()
        await anext(parts)
        wall = await key(tables, Role.VIEWER)
        with anyio.fail_after(10), pytest.raises(httpx.HTTPError):
            async for _ in parts:
                pass
        assert CHECK_EVERY + LOOK_EVERY < 1
        async with streaming(served.client, wall) as goes_on:
            await anext(goes_on)


async def test_a_nurses_stream_goes_on_when_the_role_is_over(tables: str) -> None:
    """The session falls back to viewing, and may no longer command; the ward stays in sight."""
    typed = await anna(tables)
    async with serving_monitor(tables) as served:
        client = served.client
        await client.post("/session", json=typed)
        async with client.stream("GET", "/stream") as answer:
            parts = answer.aiter_raw()
            await anext(parts)
            execute(tables, "UPDATE sessions SET role_until = 1")
            execute(tables, "UPDATE access_state SET changes = changes + 1")
            with anyio.fail_after(10):
                while (found := (await client.get("/session")).json())["lapsed"] is None:
                    await anyio.sleep(0.05)
            assert (found["role"], found["lapsed"], found["expires"]) == ("viewer", "nurse", None)
            for _ in range(2):
                await anext(parts)
        own = {"Origin": str(client.base_url).rstrip("/")}
        refused = await client.post("/ward/silence", json=SILENCE, headers=own)
        assert (refused.status_code, "log in again" in refused.json()["detail"]) == (403, True)


async def test_streams_of_one_key(tables: str) -> None:
    """One key has fifty at a time, whatever it opens them for; another key has its own."""
    wall, other = await key(tables, Role.VIEWER), await key(tables, Role.VIEWER, "other")
    async with serving_monitor(tables) as served, anyio.create_task_group() as group:
        opened = 0

        async def stream() -> None:
            nonlocal opened
            async with streaming(served.client, wall):
                opened += 1
                await anyio.sleep_forever()

        for _ in range(MAX_STREAMS):
            group.start_soon(stream)
        with anyio.fail_after(30):
            while opened < MAX_STREAMS:
                await anyio.sleep(0.02)
        refused = await served.client.get("/stream", headers=with_key(wall))
        assert (refused.status_code, "50 streams" in refused.json()["detail"]) == (429, True)
        assert refused.headers["retry-after"] == "2"
        async with streaming(served.client, other):
            pass
        group.cancel_scope.cancel()


async def test_one_large_answer_at_a_time() -> None:
    """A second one is refused for the same person, and taken after the first; where nobody has a name, all are."""
    exports, asked = Exports(), anyio.Event()

    async def endless(_scope: Any, _receive: Any, _send: Any) -> None:
        asked.set()
        await anyio.sleep_forever()

    async def whole(_scope: Any, _receive: Any, _send: Any) -> None:
        return

    eve: Any = {"state": {"icu.caller": Caller(Principal("eve", "user", Role.VIEWER), "t")}}
    nobody: Any = {"state": {}}
    nothing: Any = None
    async with anyio.create_task_group() as group:
        group.start_soon(exports.one_at_a_time(endless), eve, nothing, nothing)
        group.start_soon(exports.one_at_a_time(endless), nobody, nothing, nothing)
        await asked.wait()
        with pytest.raises(ExcessError):
            await exports.one_at_a_time(whole)(eve, nothing, nothing)
        await exports.one_at_a_time(whole)(nobody, nothing, nothing)
        group.cancel_scope.cancel()
    await exports.one_at_a_time(whole)(eve, nothing, nothing)


async def test_secrets_are_nowhere(tables: str, caplog: pytest.LogCaptureFixture) -> None:
    """Keys, passwords and tokens stand in no body, no figure and no log, whatever is done with them."""
    typed, wall = await anna(tables), await key(tables, Role.ADMIN)
    bodies: list[str] = []
    async with serving_monitor(tables) as served:
        client = served.client
        answers = [
            await client.post("/session", json=typed),
            await client.get("/session"),
            await client.post("/session", json={"key": wall}),
            await client.post("/session", json={"key": wall, "password": PASSWORD}),
            await client.post("/session", json={"name": PASSWORD, "password": wall}),
            await client.post("/session", json={"password": 12345678901234, "name": "anna"}),
            await client.post("/session", content=f'{{"key": "{wall}', headers={"Content-Type": "application/json"}),
            await client.get("/patients", headers=with_key(f"{wall}x")),
            await client.get("/nowhere", headers=with_key(wall)),
            await client.get("/metrics", headers=with_key(wall)),
            await client.get("/audit", headers=with_key(wall)),
        ]
        token = answers[0].headers["set-cookie"].partition("=")[2].partition(";")[0]
        bodies = [each.text for each in answers]
    for secret in (wall, PASSWORD, token, "12345678901234"):
        assert not [each for each in (*bodies, caplog.text) if secret in each]
