"""Origins of pages that may change something: every method, on every route of every face."""

from collections.abc import AsyncIterator
from http import HTTPMethod
from itertools import product
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio import to_thread
from litestar import Litestar, WebSocket, delete, patch, put, websocket
from litestar.params import JSONBody

from icu.http.face import face
from icu.http.gate import VIEWER
from icu.messages import uuid_of_name
from icu.patient.patients import EmulatedPatients
from tests.faces import LISTED, Face, context, serving, serving_ward
from tests.web import NO_TLS

UNSAFE = [*(set(HTTPMethod) - {"GET", "HEAD", "OPTIONS"}), "BREW"]
FOREIGN = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1@evil.example",
    "https://ward.example.evil.example",
    "https://ward.example:8443",
    "null",
    "",
]
ORDER = {"scenario": "fever"}
PATHS = ["/scenario", f"/patient/{uuid_of_name('Anna')}/scenario"]


def scenarios(*wards: EmulatedPatients) -> set[str]:
    """Current scenarios of all patients."""
    return {patients.truth(each.uuid).scenario for patients in wards for each in patients.identities}


def of_problem(response: httpx.Response) -> int:
    """Return the status of an answer that must be a problem."""
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["detail"]
    return response.status_code


@pytest.mark.usefixtures("h11")
async def test_no_page_of_elsewhere_commands(faces: list[Face], one: EmulatedPatients, many: EmulatedPatients) -> None:
    """403 on all routes that take the method, whatever the body says it is; nothing has happened."""
    refused = set()
    for each in faces:
        for (path, methods), method, kind in product(each.routes(), UNSAFE, ["text/plain", "application/json"]):
            headers = {"Origin": "https://evil.example", "Content-Type": kind}
            response = await each.client.request(method, path, json=ORDER, headers=headers)
            assert of_problem(response) == (403 if method in methods else 405), (method, path, headers)
            if response.status_code == 403:
                refused.add(path)
    taking = {path for each in faces for path, methods in each.routes() if methods & set(UNSAFE)}
    assert refused == taking > {*PATHS, "/limits", "/ward/silence"}
    assert scenarios(one, many) == {""}


async def test_foreign_origins(faces: list[Face]) -> None:
    """Origins that resemble a known one, and `null`, are foreign: the error says what to do."""
    for each, origin in product(faces[2:], FOREIGN):
        response = await each.client.post(PATHS[1], json=ORDER, headers={"Origin": origin})
        assert of_problem(response) == 403, origin
        assert "cors_origins" in response.json()["detail"]
        assert "access-control-allow-origin" not in response.headers


async def test_known_origins(faces: list[Face]) -> None:
    """Programs, the server's own pages, pages of this machine and listed ones may command; the last two may read
    answers."""
    for each in faces[2:]:
        own = str(each.client.base_url).rstrip("/")
        for origin in (None, own, "http://localhost:5173", "https://[::1]", LISTED):
            headers = {} if origin is None else {"Origin": origin}
            response = await each.client.post(PATHS[1], json=ORDER, headers=headers)
            assert (response.status_code, response.json()["scenario"]) == (200, "fever"), origin
            assert response.headers.get("access-control-allow-origin") == origin


async def test_a_server_of_somebody_elses(tmp_path: Path, one: EmulatedPatients, many: EmulatedPatients) -> None:
    """On a foreign ASGI server, the address of the connection decides: loopback pages are known on loopback only,
    and own pages are those of the request's scheme."""
    async with serving_ward(tmp_path, one=one, many=many, insecure=True) as faces:
        for address, origin, status in [
            ("http://127.0.0.1", "http://localhost:5173", 503),  # it gets as far as the database, which is not there
            ("http://192.168.1.5", "http://localhost:5173", 403),
            ("http://192.168.1.5", "http://192.168.1.5", 503),
            ("https://192.168.1.5", "https://192.168.1.5", 503),
            ("https://192.168.1.5", "http://192.168.1.5", 403),
            ("https://192.168.1.5", "https://192.168.1.5:8443", 403),
        ]:
            transport = httpx.ASGITransport(faces[0].app)
            async with httpx.AsyncClient(verify=NO_TLS, transport=transport, base_url=address) as client:
                silence = {"by": "Anna", "seconds": 5}
                response = await client.post("/ward/silence", json=silence, headers={"Origin": origin})
                assert response.status_code == status, (address, origin)


async def test_one_foreign_origin_of_two_is_enough(faces: list[Face]) -> None:
    """A request with two Origin headers, as from a browser and a proxy, is refused if one of them is foreign."""
    for first, second in [(LISTED, "https://evil.example"), ("https://evil.example", LISTED)]:
        headers = [("Origin", first), ("Origin", second)]
        assert of_problem(await faces[2].client.post("/scenario", json=ORDER, headers=headers)) == 403


NOT_JSON = [
    None,
    "",
    "text/plain",
    "text/plain; application/json",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/jsonp",
    "application/notjson",
    "application/json, text/plain",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    "application/+json",
]


async def test_a_body_is_json(faces: list[Face], one: EmulatedPatients, many: EmulatedPatients) -> None:
    """415 for whatever a form, or a page without leave, can send; a page that may ask may read why."""
    for each, kind, body in product(faces[2:], NOT_JSON, [b'{"scenario": "fever"}', None]):
        headers = {"Origin": LISTED} | ({} if kind is None else {"Content-Type": kind})
        response = await each.client.post(PATHS[1], content=body or in_chunks(), headers=headers)
        assert of_problem(response) == 415, headers
        assert "application/json" in response.json()["detail"]
        assert response.headers["access-control-allow-origin"] == LISTED
    assert scenarios(one, many) == {""}


async def in_chunks() -> AsyncIterator[bytes]:
    """Send an order in chunks, without its length."""
    yield b'{"scenario": "fever"}'


JSON = [
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/vnd.icu.v1+json",
]


async def test_ways_to_say_json(faces: list[Face]) -> None:
    """JSON is recognised with parameters of its type."""
    for kind in JSON:
        response = await faces[2].client.post("/scenario", content=in_chunks(), headers={"Content-Type": kind})
        assert response.status_code == 200, kind


@put("/put", opt=VIEWER)
async def put_something(data: JSONBody[dict[str, int]]) -> dict[str, int]:
    """Take a body."""
    return data


@patch("/patch", opt=VIEWER)
async def patch_something() -> None:
    """Take none."""


@delete("/delete", opt=VIEWER)
async def delete_something() -> None:
    """Take none."""


@websocket("/socket", opt=VIEWER)
async def listen(socket: WebSocket[Any, Any, Any]) -> None:
    """Accept a client."""
    await socket.accept()


def later() -> Litestar:
    """A face with more kinds of routes than exist yet."""
    handlers = [put_something, patch_something, delete_something, listen]
    return face(context(hosts=[]), title="T", handlers=handlers)


async def test_routes_of_later_are_no_exception() -> None:
    """New routes follow the same rules by themselves; requests without a body need no type."""
    async with serving(later) as served:
        for method, path in [("PUT", "/put"), ("PATCH", "/patch"), ("DELETE", "/delete")]:
            body = {"json": {"a": 1}} if path == "/put" else {}
            foreign = await served.client.request(method, path, headers={"Origin": "https://evil.example"}, **body)
            assert of_problem(foreign) == 403
            assert (await served.client.request(method, path, **body)).status_code in {200, 204}


@pytest.mark.parametrize(("origin", "first"), [(b"https://evil.example", "close"), (b"http://localhost", "accept")])
async def test_web_sockets_too(origin: bytes, first: str) -> None:
    """A foreign WebSocket is closed before it is accepted: browsers open them across origins without asking."""
    scope = {
        "type": "websocket",
        "path": "/socket",
        "raw_path": b"/socket",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"origin", origin)],
        "server": ("127.0.0.1", 80),
        "scheme": "ws",
        "subprotocols": [],
    }
    app = await to_thread.run_sync(later)
    answers: list[str] = []

    async def send(message: Any) -> None:
        answers.append(message["type"])

    messages = iter(["websocket.connect", "websocket.disconnect"])

    async def receive() -> Any:
        return {"type": next(messages), "code": 1000}

    with anyio.fail_after(5):
        await app(scope, receive, send)
    assert answers[0] == f"websocket.{first}"
