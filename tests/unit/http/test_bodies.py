"""Hostile bodies, to every route that takes one: answered by a problem, never by an error of the server."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
from loguru import logger

from icu.access.roles import Role
from icu.http.bodies import MAX_BODY
from icu.patient.patients import EmulatedPatients
from tests.bedsides import serving
from tests.faces import Face, close_ward, with_key
from tests.hostile import INVALID, MALFORMED
from tests.stores import rows
from tests.web import NO_TLS

ORDERS = {
    "bad utf-8": b'{"scenario": "\xff"}',
    "bad utf-8 in a name": b'{"\xff": 1}',
    "overlong utf-8": b'{"scenario": "\xc0\xaf"}',
    "surrogate in utf-8": b'{"scenario": "\xed\xa0\x80"}',
    "utf-8 cut in a letter": b'{"scenario": "\xd0"}',
    "lone surrogate": b'{"scenario": "\\ud800"}',
    "byte order mark": b'\xef\xbb\xbf{"scenario": "fever"}',
    "utf-16": '{"scenario": "fever"}'.encode("utf-16"),
    "NUL": b'{"scenario": "\\u0000"}',
    "bare NUL": b'{"scenario": "\x00"}',
    "an override": '{"scenario": "\u202ereve"}'.encode(),
    "a line feed": b'{"scenario": "fever\\n"}',
    "64 KB of a name": b'{"scenario": "' + b"a" * 65_536 + b'"}',
    "64 KB of a field": b'{"' + b"a" * 65_536 + b'": 1}',
    "a number of 5,000 digits": b'{"scenario": ' + b"9" * 5_000 + b"}",
    "2^64": b'{"scenario": 18446744073709551616}',
    "1e999": b'{"scenario": 1e999}',
    "deep objects": b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    "deep arrays that end": b'{"scenario":' + b"[" * 1_001 + b"]" * 1_001 + b"}",
    "more than is taken": b'{"scenario": "' + b"a" * MAX_BODY + b'"}',
    "the same twice": b'{"scenario": "fever", "scenario": "nonsense"}',
    "truncated": b'{"scenario": "fev',
    "a gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
}


def current_scenarios(*wards: EmulatedPatients) -> set[str]:
    """Current scenarios of all patients."""
    return {patients.truth(each.uuid).scenario for patients in wards for each in patients.identities}


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    """Send a body in chunks, without its length."""
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


async def test_every_route_that_takes_a_body_survives_all_of_them(
    faces: list[Face], one: EmulatedPatients, many: EmulatedPatients
) -> None:
    """400, 404 or 413, a short problem, and nothing happens; whether the length is told or not."""
    bodies = ORDERS | MALFORMED | INVALID
    asked = 0
    for face in faces:
        for path, methods in face.routes():
            for method in methods - {"GET", "HEAD", "OPTIONS", "DELETE"}:
                asked += 1
                for name, body in bodies.items():
                    for content in (body, in_chunks(body)):
                        await refused(face.client, method, path, content, name)
    assert asked == 16
    assert current_scenarios(one, many) == {""}


async def test_every_route_survives_them_with_a_key_too(faces: list[Face], tmp_path: Path) -> None:
    """The same of the monitor's routes, and log-in, by one who may do everything, and nothing happens in the ward."""
    url = f"sqlite:///{tmp_path / 'icu.db'}"
    monitor, keys = faces[0], await close_ward(faces[0], url)
    audit = rows(url, "SELECT count(*) FROM audit")
    monitor.client.headers.update(with_key(keys[Role.ADMIN]))
    asked = 0
    for path, methods in monitor.routes():
        for method in methods - {"GET", "HEAD", "OPTIONS", "DELETE"}:
            asked += 1
            for name, body in (ORDERS | MALFORMED | INVALID).items():
                await refused(monitor.client, method, path, body, name)
    assert asked == 13
    assert rows(url, "SELECT count(*) FROM audit") == audit


async def refused(
    client: httpx.AsyncClient, method: str, path: str, content: bytes | AsyncIterator[bytes], name: str
) -> None:
    """Send a body and check that it is refused."""
    response = await client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in {400, 404, 413, 422}, name
    assert response.headers["content-type"].startswith("application/problem+json"), name
    assert 0 < len(response.json()["detail"]) < 1_000, name
    assert "Traceback" not in response.text


async def test_refusals_say_what_is_wrong(faces: list[Face]) -> None:
    """A refusal names the mistake in words for the sender."""
    client = faces[2].client
    for body, status, why in [
        (ORDERS["bad utf-8"], 400, "not UTF-8"),
        (ORDERS["deep objects"], 400, "nests too deeply"),
        (ORDERS["more than is taken"], 413, f"at most {MAX_BODY} bytes"),
        (b"", 400, "the body is missing"),
        (b"[]", 400, "the body: write a JSON object"),
        (b"{}", 400, "scenario is missing"),
        (b'{"scenario": 5}', 400, "scenario: write text"),
        (b'{"scenaro": "fever"}', 400, "there is no field 'scenaro' here: accepted are scenario"),
        (b'{"scenario": fever}', 400, "the body is no JSON, from byte 18 on"),
        (ORDERS["truncated"], 400, "the body is no JSON, or not all of it"),
        (ORDERS["64 KB of a name"], 404, "choose one of"),
    ]:
        response = await client.post("/scenario", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == status
        assert why in response.json()["detail"]


async def test_the_last_of_two_equal_names_counts(faces: list[Face], one: EmulatedPatients) -> None:
    """As JSON readers have it."""
    order = b'{"scenario": "nonsense", "scenario": "fever"}'
    response = await faces[2].client.post("/scenario", content=order, headers={"Content-Type": "application/json"})
    assert response.status_code == 200
    assert current_scenarios(one) == {"fever"}


async def test_a_client_that_goes_away_in_the_middle_is_no_error(one: EmulatedPatients) -> None:
    """It has sent a part of an order: counted as its own mistake, without a stack in the log."""
    records: list[str] = []
    logger.add(records.append, format="{message}", level="WARNING")
    async with serving(one) as address, httpx.AsyncClient(verify=NO_TLS, base_url=address) as client:
        async with await anyio.connect_tcp("127.0.0.1", client.base_url.port or 0) as connection:
            await connection.send(b"POST /scenario HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n")
            await connection.send(b'Content-Type: application/json\r\n\r\n{"scenario": "fever"}')
        with anyio.fail_after(5):
            while 'method="POST",path="/scenario",status="400"} 1.0' not in (await client.get("/metrics")).text:
                await anyio.sleep(0.01)
    assert records == []
    assert current_scenarios(one) == {""}
