"""HTTP face of every role: health, metrics, and pages that need no network."""

import re
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPMethod
from pathlib import Path
from urllib.parse import urljoin

import anyio
import httpx
import pytest
from anyio import to_thread
from litestar import Litestar, get
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath
from litestar.response import Stream
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter

from icu.http.asgi import serve
from icu.http.face import face
from icu.http.files import files
from icu.http.gate import PUBLIC, VIEWER
from icu.http.health import Health
from icu.store.errors import StoreCorruptError
from tests.faces import context, serving
from tests.web import NO_TLS


@get("/thing/{name:str}", opt=VIEWER)
async def thing(name: FromPath[str]) -> str:
    """A route with a template."""
    return name


@get("/broken", opt=VIEWER)
async def broken() -> None:
    """Raise an unexpected error."""
    raise RuntimeError("a secret of the program")


@get("/damaged", opt=VIEWER)
async def damaged() -> None:
    """Raise a reader's error about a file that is no database."""
    raise StoreCorruptError("icu.db is damaged: restore it from a copy")


@get("/endless", opt=VIEWER)
async def endless() -> Stream:
    """Send a beginning, and no end."""

    async def beginning() -> AsyncIterator[bytes]:
        yield b"begun"
        yield b"and more"
        await anyio.sleep_forever()

    return Stream(beginning())


@pytest.fixture
def moments() -> list[float]:
    """Return the times of the face's clock, one after the other; 0 from then on."""
    return []


@pytest.fixture
def health() -> Health:
    """A health without checks."""
    return Health()


@pytest.fixture
async def client(health: Health, moments: list[float]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running face."""
    registry = CollectorRegistry()
    Counter("icu_test", "Something", registry=registry).inc(3)
    build = partial(
        face,
        context(version="1.2.3", health=health, registry=registry, cors_origins=["https://ward.example"]),
        title="Test",
        handlers=[thing, endless, broken, damaged],
        clock=lambda: moments.pop(0) if moments else 0.0,
    )
    app = await to_thread.run_sync(build)
    async with anyio.create_task_group() as group:
        address = await group.start(partial(serve, app, host="127.0.0.1", port=0))
        async with httpx.AsyncClient(verify=NO_TLS, base_url=address) as client:
            yield client
        group.cancel_scope.cancel()


async def test_live_and_ready(client: httpx.AsyncClient, health: Health) -> None:
    """A face is alive in any state, and ready only while all checks pass; otherwise it says which do not."""

    async def trouble() -> str:
        return "the database is locked"

    assert (await client.get("/health/ready")).json() == {"status": "ok", "checks": {}}
    health.add("sink", trouble)
    response = await client.get("/health/ready")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "checks": {"sink": "the database is locked"}}
    assert (await client.get("/health/live")).status_code == 200


async def test_figures_for_prometheus(client: httpx.AsyncClient) -> None:
    """Prometheus gets the role's metrics, and the requests by template and status."""
    await client.get("/health/live")
    await client.get("/no/such/path")
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "icu_test_total 3.0" in response.text
    assert 'icu_http_requests_total{method="GET",path="/health/live",status="200"} 1.0' in response.text
    assert "/no/such/path" not in response.text


def figures(text: str, name: str) -> dict[str, float]:
    """Return the series of a metric, by labels."""
    lines = [each.rpartition(" ") for each in text.splitlines() if re.match(rf"{name}[{{ ]", each)]
    return {series.removeprefix(name): float(value) for series, _, value in lines}


async def test_readiness_is_a_figure(client: httpx.AsyncClient, health: Health) -> None:
    """Readiness is a metric, equal to `/health/ready` at each scrape, in both directions."""
    trouble: list[str] = []

    async def check() -> str | None:
        return trouble[0] if trouble else None

    health.add("sink", check)
    for said, ready in (([], 1), (["the database is locked"], 0), ([], 1)):
        trouble[:] = said
        assert figures((await client.get("/metrics")).text, "icu_ready") == {"": ready}
        assert ((await client.get("/health/ready")).status_code == 200) == bool(ready)


async def test_the_time_to_an_answer(client: httpx.AsyncClient, moments: list[float]) -> None:
    """The duration of requests is a histogram by method and template, from the arrival of the request on."""
    for seconds, path in ((0.004, "/thing/anna"), (0.3, "/thing/boris"), (20.0, "/nowhere")):
        moments += [100.0, 100.0 + seconds]
        await client.get(path)
    text = (await client.get("/metrics")).text
    labels = 'method="GET",path="/thing/{name}"'
    name = "icu_http_request_duration_seconds"
    assert figures(text, f"{name}_count") == {f"{{{labels}}}": 2, '{method="GET",path="none"}': 1}
    assert figures(text, f"{name}_sum")[f"{{{labels}}}"] == pytest.approx(0.304)
    buckets = figures(text, f"{name}_bucket")
    assert [buckets[f'{{le="{most}",{labels}}}'] for most in ("0.0025", "0.005", "0.25", "0.5", "+Inf")] == [
        0,
        1,
        1,
        2,
        2,
    ]


async def test_a_stream_takes_as_long_as_its_beginning(client: httpx.AsyncClient, moments: list[float]) -> None:
    """The duration of a stream ends with its headers, not when its client leaves."""
    moments += [100.0, 100.25]
    async with client.stream("GET", "/endless") as response:
        received = b""
        async for chunk in response.aiter_raw():
            received += chunk
            if received == b"begunand more":
                break
        moments += [900.0, 900.0]
        text = (await client.get("/metrics")).text
        assert figures(text, "icu_http_request_duration_seconds_sum") == {'{method="GET",path="/endless"}': 0.25}
        assert figures(text, "icu_http_request_duration_seconds_count") == {'{method="GET",path="/endless"}': 1}


@pytest.mark.usefixtures("h11")
async def test_clients_make_no_figures(client: httpx.AsyncClient) -> None:
    """Invented methods and paths make no labels: methods are the known nine, or `other`, and paths are templates."""
    known = {str(each) for each in HTTPMethod}
    for method in [*sorted(known - {"CONNECT"}), "get", "BREW", *(f"M{number}" for number in range(50))]:
        await client.request(method, "/health/live")
        await client.request(method, f"/invented/{method}")
    text = (await client.get("/metrics")).text
    for name in ("icu_http_requests_total", "icu_http_request_duration_seconds_count"):
        series = figures(text, name)
        methods = {re.findall('method="(.*?)"', each)[0] for each in series}
        paths = {re.findall('path="(.*?)"', each)[0] for each in series}
        assert methods == known - {"CONNECT"} | {"other"}
        assert paths == {"/health/live", "none"}


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://ward.example"])
async def test_pages_that_may_call_may_send_any_header(client: httpx.AsyncClient, origin: str) -> None:
    """Allowed pages may send any header, such as trace context, for which browsers ask before."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,traceparent,x-a"}
    response = await client.options("/health/live", headers={"Origin": origin, **asked})
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == origin
    allowed = {each.strip() for each in response.headers["access-control-allow-headers"].lower().split(",")}
    assert allowed >= {"content-type", "traceparent", "x-a"}
    for foreign in ("https://evil.example", "null"):
        response = await client.options("/health/live", headers={"Origin": foreign, **asked})
        assert "access-control-allow-origin" not in response.headers


async def test_pages_that_may_call_may_read_errors(client: httpx.AsyncClient) -> None:
    """Allowed pages may read every error, wherever it was raised."""
    origin = {"Origin": "http://localhost:5173"}
    for method, path, status in [("GET", "/broken", 500), ("GET", "/nowhere", 404), ("PUT", "/broken", 405)]:
        response = await client.request(method, path, headers=origin)
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (status, origin["Origin"])


async def test_an_unforeseen_error_keeps_its_secrets(client: httpx.AsyncClient) -> None:
    """A 500 is a problem too, without internals."""
    response = await client.get("/broken")
    assert response.status_code == 500
    assert response.headers["content-type"].startswith("application/problem+json")
    assert "secret" not in response.text


async def test_a_damaged_database_is_503(client: httpx.AsyncClient) -> None:
    """A damaged database is answered by 503 with advice, not by 500."""
    response = await client.get("/damaged")
    assert (response.status_code, response.json()["detail"]) == (503, "icu.db is damaged: restore it from a copy")


@pytest.mark.parametrize("name", ["nope", "%00", "a" * 300, "swagger-ui.css/x", "%2e%2e/%2e%2e/etc/passwd", "%ff"])
async def test_files_that_cannot_be(client: httpx.AsyncClient, name: str) -> None:
    """A path that no file can have is not found, as any missing file."""
    response = await client.get(f"/schema/files/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("path", ["/schema", "/schema/", "/schema/swagger", "/schema/swagger/"])
async def test_pages_need_no_network(client: httpx.AsyncClient, path: str) -> None:
    """All files of the OpenAPI page come from this server, behind any proxy."""
    page = (await client.get(path)).text
    sources = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page)
    assert len(sources) == 4
    for source in sources:
        assert source.startswith("."), source
        assert (await client.get(urljoin(path, source))).status_code == 200
    assert not re.findall(r"https?://(?!www\.w3\.org|127\.0\.0\.1)", page)


async def test_the_schema_documents_the_problems(client: httpx.AsyncClient) -> None:
    """The OpenAPI document has this program's version and the problems."""
    schema = (await client.get("/schema/openapi.json")).json()
    assert (schema["info"]["title"], schema["info"]["version"]) == ("Test", "1.2.3")
    assert "503" in schema["paths"]["/health/ready"]["get"]["responses"]


def closed(connection: ASGIConnection, _handler: BaseRouteHandler) -> None:
    """A guard that refuses every request for things."""
    if connection.scope["path"].startswith("/api/"):
        raise NotAuthorizedException("show a key")


def strict(app: ASGIApp) -> ASGIApp:
    """Middleware that sets a policy for pages."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message)["content-security-policy"] = "default-src 'self'"
            await send(message)

        await app(scope, receive, add)

    return answer


async def test_pages_guards_and_middleware_are_handed_in(health: Health, tmp_path: Path) -> None:
    """Files are served beside the API, outside its prefix; guards and middleware apply to both."""
    (tmp_path / "page.html").write_text("<p>the ward</p>")

    def build() -> Litestar:
        return face(
            context(version="1.2.3", health=health),
            title="Test",
            handlers=[thing],
            prefix="/api",
            beside=[files("/ward", tmp_path, opt=PUBLIC)],
            guards=[closed],
            middleware=[strict],
        )

    async with serving(build) as served:
        page = await served.client.get("/ward/page.html")
        assert (page.status_code, page.text) == (200, "<p>the ward</p>")
        assert page.headers["content-security-policy"] == "default-src 'self'"
        refused = await served.client.get("/api/thing/monitor")
        assert (refused.status_code, refused.json()["detail"]) == (401, "show a key")
        assert (await served.client.get("/api/ward/page.html")).status_code == 404
