"""A real nginx in front of a ward, with the lines of docs/proxy.md, and with the fewest possible."""

import json
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import anyio
import httpx
import pytest

from icu.access.roles import Role
from icu.messages import Position
from icu.store.writer import Writer, open_writer
from tests import web
from tests.brokers import certificates
from tests.conftest import Spawn
from tests.e2e.conftest import TIMEOUT, Program, Start
from tests.extras import program
from tests.faces import add_keys, with_key
from tests.nginx import BARE, DOCUMENTED, SETTINGS, Nginx, nginx_of
from tests.samples import ANNA, observation
from tests.stores import store
from tests.unit.monitor.test_stream import following, pulses


@pytest.fixture
def nginx(spawn: Spawn, tmp_path: Path) -> Nginx:
    """A function that starts nginx with these lines in its server, and returns the port."""
    return nginx_of(tmp_path, spawn)


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    """A writer of the monitor's database, which holds Anna's first reading."""
    async with open_writer(f"sqlite:///{tmp_path / 'icu.db'}", topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0, pulse=60)])
        yield writer


@pytest.fixture
async def keys(writer: Writer, tmp_path: Path) -> dict[Role, str]:
    """A key of each role."""
    assert writer
    return await add_keys(f"sqlite:///{tmp_path / 'icu.db'}")


@pytest.fixture
def monitor(keys: dict[Role, str], start: Start, tmp_path: Path) -> Program:
    """A monitor that accepts the proxy's name, and asks for a key."""
    assert keys
    (tmp_path / "supervisor.toml").write_text(SETTINGS)
    return start("run", "monitor").ready()


@pytest.fixture(params=[DOCUMENTED, BARE], ids=["documented", "bare"])
async def client(
    request: pytest.FixtureRequest, nginx: Nginx, monitor: Program, keys: dict[Role, str]
) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer who knows only the proxy, by its name."""
    port = nginx(request.param.replace("127.0.0.1:8000", f"127.0.0.1:{monitor.port}"))
    headers = {"Host": f"ward.example:{port}", **with_key(keys[Role.VIEWER])}
    base = f"http://127.0.0.1:{port}/icu/"
    async with httpx.AsyncClient(verify=web.NO_TLS, base_url=base, headers=headers, timeout=TIMEOUT) as client:
        yield client


async def test_the_link_leads_through_all_pages(client: httpx.AsyncClient, writer: Writer) -> None:
    """Link headers lead to each reading once; a large answer arrives compressed by the monitor, with its headers."""
    await store(writer, [observation(n) for n in range(1, 300)], start=1)
    path = f"patient/{ANNA}/metrics"
    found, url = [], urljoin(str(client.base_url), f"{path}?limit=70")
    while url:
        response = await client.get(url)
        assert response.status_code == 200, url
        found += response.json()
        url = urljoin(str(response.url), response.links["next"]["url"]) if "next" in response.links else ""
    whole = await client.get(path)
    assert (len(found), whole.headers["content-encoding"]) == (300, "gzip")
    assert "content-length" in whole.headers  # which nginx does not know of what it compresses itself
    assert found == whole.json() == (await client.get(path)).json()


@pytest.mark.parametrize("path", ["schema", "schema/", "schema/swagger"])
async def test_swagger_loads_and_tries_out(client: httpx.AsyncClient, keys: dict[Role, str], path: str) -> None:
    """Swagger's files, and the addresses that it sends requests to, are reachable behind the proxy."""
    page = await client.get(path)
    sources = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert len(sources) == 4
    for source in sources:
        assert (await client.get(urljoin(str(page.url), source))).status_code == 200, source
    shown, _ = json.JSONDecoder().raw_decode(page.text.partition("spec: ")[2])
    asked = await client.get("schema/openapi.json")
    for document, url in ((shown, page.url), (asked.json(), asked.url)):
        server = urljoin(str(url), document["servers"][0]["url"]).removesuffix("/")
        routes = document["paths"].items()
        paths = [each for each, methods in routes if "get" in methods and "{" not in each]
        paths.remove("/stream")  # it has no end
        # Audit and dead letters are no viewer's.
        headers = with_key(keys[Role.ADMIN])
        statuses = {each: (await client.get(f"{server}{each}", headers=headers)).status_code for each in paths}
        assert statuses.pop("/supervisor") == 503  # none runs here
        assert set(statuses.values()) == {200}, statuses


async def test_the_stream_is_not_held_back(client: httpx.AsyncClient, writer: Writer) -> None:
    """Each event arrives at once, though nginx compresses; a client that comes back misses nothing."""
    with anyio.fail_after(TIMEOUT):
        last = None
        while last is None:  # until the monitor has seen the database
            async with following(client) as stream:
                last = stream.last_id
    async with following(client) as stream:
        for n in (1, 2):
            await store(writer, [observation(n, pulse=60 + n)], start=n)
            assert pulses(await stream.event()) == [60 + n]
        last = stream.last_id
    await store(writer, [observation(3, pulse=63), observation(4, pulse=64)], start=3)
    async with following(client, last=last) as stream:
        assert pulses(await stream.event()) == [63, 64]
        await store(writer, [observation(5, pulse=65)], start=5)
        assert pulses(await stream.event()) == [65]


async def test_a_problem_names_the_path_outside(client: httpx.AsyncClient) -> None:
    """A problem names the requested path as seen from outside the proxy."""
    response = await client.get("patient/nobody/metrics")
    assert response.status_code == 404
    assert urljoin(str(response.url), response.json()["instance"]) == str(response.url)


async def test_an_unlisted_name_is_refused_with_advice(nginx: Nginx, monitor: Program) -> None:
    """The proxy forwards the Host of the browser, and an unlisted one is refused with advice."""
    port = nginx(DOCUMENTED.replace("127.0.0.1:8000", f"127.0.0.1:{monitor.port}"))
    refused = web.get(f"http://127.0.0.1:{port}/icu/patients", headers={"Host": "other.example"})
    assert refused.status_code == 400
    assert "`hosts` under [api]), behind a proxy the one" in refused.json()["detail"]


async def test_commands_need_a_nurse(nginx: Nginx, monitor: Program, keys: dict[Role, str]) -> None:
    """Behind the documented lines nobody commands without a nurse's key; the audit has the client's own address."""
    port = nginx(DOCUMENTED.replace("127.0.0.1:8000", f"127.0.0.1:{monitor.port}"))
    base, host = f"http://127.0.0.1:{port}/icu/", {"Host": f"ward.example:{port}"}
    async with httpx.AsyncClient(verify=web.NO_TLS, base_url=base, headers=host, timeout=TIMEOUT) as client:
        for headers, status in (({}, 401), (with_key(keys[Role.VIEWER]), 403), (with_key(keys[Role.NURSE]), 200)):
            answer = await client.post("ward/silence", json={"seconds": 60}, headers=headers)
            assert answer.status_code == status
        audit = await client.get("audit", headers=with_key(keys[Role.NURSE]))
        assert (audit.json()[0]["by"], audit.json()[0]["source"]) == ("key:nurse", "127.0.0.1")


def test_without_keys_a_proxy_serves_nobody(nginx: Nginx, start: Start, tmp_path: Path) -> None:
    """A ward that is open to its own machine is not made public by a proxy there: 403 with the line to type."""
    children = "".join(f'[[child]]\nrole = "{role}"\n' for role in ("sink", "monitor"))
    (tmp_path / "supervisor.toml").write_text(f"{SETTINGS}{children}")
    ward = start("supervise").ready()
    port = nginx(DOCUMENTED.replace("127.0.0.1:8000", f"127.0.0.1:{ward.port}"))
    for path in ("", "patients", "session", "health/live"):
        refused = web.get(f"http://127.0.0.1:{port}/icu/{path}", headers={"Host": "ward.example"})
        assert (refused.status_code, "python -m icu keys add" in refused.json()["detail"]) == (403, True)
    assert ward.get("/patients").status_code == 200
    assert ward.stop() == 0


async def test_pages_behind_tls_command_their_own_ward(
    nginx: Nginx, monitor: Program, keys: dict[Role, str], tmp_path: Path
) -> None:
    """A session begins with a cookie for https; only pages with the proxy's name and scheme may command with it."""
    program("openssl")
    certificates.authority(tmp_path / "ca.pem")
    lines = DOCUMENTED.replace("127.0.0.1:8000", f"127.0.0.1:{monitor.port}")
    port = nginx(lines, tls=certificates.server(tmp_path, tmp_path / "ca.pem"))
    own = f"https://ward.example:{port}"
    async with httpx.AsyncClient(
        verify=ssl.create_default_context(cafile=tmp_path / "ca.pem"), timeout=TIMEOUT
    ) as client:
        base, host = f"https://127.0.0.1:{port}/icu", {"Host": f"ward.example:{port}"}
        begun = await client.post(f"{base}/session", json={"key": keys[Role.NURSE]}, headers={**host, "Origin": own})
        cookie, _, attributes = begun.headers["set-cookie"].partition(";")
        assert cookie.startswith(f"__Host-icu-{port}=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= {each.strip() for each in attributes.split(";")}

        async def command(origin: str) -> int:
            headers = {**host, "Cookie": cookie, "Origin": origin}
            return (await client.post(f"{base}/ward/silence", json={"seconds": 60}, headers=headers)).status_code

        assert await command(own) == 200
        assert await command(f"http://ward.example:{port}") == await command("https://evil.example") == 403
