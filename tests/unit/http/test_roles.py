"""Roles of all routes of all faces: each route has a row in a table, and is closed to whoever has less than it says."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from litestar import get
from litestar.routes import HTTPRoute

from icu.access.roles import Role
from icu.http.face import face
from icu.http.gate import VIEWER, needing
from icu.patient.patients import EmulatedPatients
from tests.faces import Face, close_ward, context, serving, serving_ward, with_key

# Rows of the monitor: role, methods and path.
MONITOR = """
public  GET               /
public  GET               /bedside/{patient_uuid}
public  GET               /web/{name}
public  GET,POST,DELETE   /session
public  GET               /health/live
public  GET               /health/ready
viewer  GET               /metrics
viewer  GET               /schema
viewer  GET               /schema/swagger
viewer  GET               /schema/openapi.json
viewer  GET               /schema/oauth2-redirect.html
viewer  GET               /schema/{path}
viewer  GET               /schema/files/{file_path}
viewer  GET               /patients
viewer  GET               /patient/{patient_uuid}/metrics
viewer  GET               /patient/{patient_uuid}/metrics/latest
viewer  GET               /patient/{patient_uuid}/news2
viewer  GET               /patient/{patient_uuid}/truth
viewer  GET               /patient/{patient_uuid}/limits
viewer  GET               /signs
viewer  GET               /scenarios
viewer  GET               /stream
viewer  GET               /supervisor
viewer  GET               /ward
viewer  GET               /ward/history
viewer  GET               /ward/limits
viewer  GET               /limits
viewer  GET               /alarms
viewer  GET               /alarms/history
viewer  GET               /alarms/statistics
admin   GET               /dead-letters
admin   GET               /dead-letters/reasons
nurse   GET               /audit
nurse   POST              /alarms/{alarm}/acknowledge
nurse   POST              /alarms/{alarm}/shelve
nurse   POST              /patient/{patient_uuid}/pause
nurse   POST              /patient/{patient_uuid}/standby
nurse   POST              /patient/{patient_uuid}/admit
nurse   POST              /patient/{patient_uuid}/discharge
nurse   POST              /patient/{patient_uuid}/limits/auto
nurse   POST              /patient/{patient_uuid}/scenario
nurse   POST              /ward/silence
nurse   PUT               /limits
nurse   PUT               /patient/{patient_uuid}/limits
nurse   PUT               /patient/{patient_uuid}/news2
"""

# Rows of the other faces. They know no keys: what is not public is for their own machine alone.
OPERATION = """
public  GET               /health/live
public  GET               /health/ready
public  GET               /metrics
viewer  GET               /schema
viewer  GET               /schema/swagger
viewer  GET               /schema/openapi.json
viewer  GET               /schema/oauth2-redirect.html
viewer  GET               /schema/{path}
viewer  GET               /schema/files/{file_path}
"""
BEDS = f"""{OPERATION}
viewer  GET               /patients
viewer  GET               /patient/{{patient_uuid}}/current
viewer  GET               /patient/{{patient_uuid}}/truth
nurse   POST              /patient/{{patient_uuid}}/scenario
"""
BED = f"""{BEDS}
viewer  GET               /
viewer  GET               /current
viewer  GET               /truth
nurse   POST              /scenario
"""
OTHERS = (OPERATION, BED, BEDS)

VALUES = {
    "patient_uuid": "2ce522e8-14d3-5e1f-819f-c9c1675903eb",
    "alarm": "ed915cae-de0a-5677-887c-137d456895f8",
    "name": "app/ward.js",
    "path": "nothing",
    "file_path": "swagger-ui.css",
}


def rows(table: str) -> dict[tuple[str, str], Role]:
    """Return the roles by method and path."""
    words = [line.split() for line in table.strip().splitlines() if line.strip()]
    return {(method, path): Role(role) for role, methods, path in words for method in methods.split(",")}


def routes(served: Face) -> Iterator[tuple[str, str]]:
    """Yield method and path of each route, but for OPTIONS, and HEAD, which is answered as GET is."""
    for route in served.app.routes:
        assert isinstance(route, HTTPRoute)
        for method in route.methods:
            if method not in {"OPTIONS", "HEAD"}:
                yield method, route.path_format


async def status(client: httpx.AsyncClient, method: str, path: str, **how: object) -> tuple[int, str]:
    """Return the status, and the sentence of a refusal. A stream is not read."""
    async with client.stream(method, path.format(**VALUES), **how) as answer:  # type: ignore[arg-type] - of any kind
        if answer.status_code not in {401, 403}:
            return answer.status_code, ""
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers.get("www-authenticate") == ("Bearer" if answer.status_code == 401 else None)
        await answer.aread()
        return answer.status_code, answer.json()["detail"]


@pytest.fixture
async def keys(faces: list[Face], tmp_path: Path) -> dict[Role, str]:
    """A key of each role, of the monitor's database."""
    return await close_ward(faces[0], f"sqlite:///{tmp_path / 'icu.db'}")


async def test_each_route_of_the_monitor_has_its_role(faces: list[Face], keys: dict[Role, str]) -> None:
    """Without a key 401, with too small a role 403 that names the one it needs, else whatever the route answers."""
    monitor, table = faces[0], rows(MONITOR)
    assert set(routes(monitor)) == set(table)
    for (method, path), needed in table.items():
        for role in Role:
            headers = {} if role is Role.PUBLIC else with_key(keys[role])
            found, why = await status(monitor.client, method, path, headers=headers)
            if role.allows(needed):
                assert found not in {401, 403} or path == "/session", (method, path, role, found, why)
            elif role is Role.PUBLIC:
                assert (found, "needs a key" in why) == (401, True), (method, path)
            else:
                assert (found, f"the role {needed.value};" in why) == (403, True), (method, path, role)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - told, not done
async def test_other_faces_serve_others_health_and_figures(
    tmp_path: Path, one: EmulatedPatients, many: EmulatedPatients, host: str
) -> None:
    """On loopback they serve all that they have, but through no proxy; elsewhere health and figures alone."""
    async with serving_ward(tmp_path, one=one, many=many, host=host, insecure=True) as faces:
        for served, table in zip(faces[1:], map(rows, OTHERS), strict=True):
            assert set(routes(served)) == set(table)
            for (method, path), needed in table.items():
                is_served = needed is Role.PUBLIC or host == "127.0.0.1"
                found, why = await status(served.client, method, path)
                assert (found != 403, bool(why)) == (is_served, not is_served), (method, path)
                forwarded, _ = await status(served.client, method, path, headers={"Forwarded": "for=10.0.0.7"})
                assert (forwarded == 403) == (needed is not Role.PUBLIC), (method, path)


@get("/forgotten")
async def forgotten() -> str:
    """A route that names no role."""
    return "secret"


@get("/named", opt=VIEWER)
async def named() -> str:
    """A route that names one."""
    return "shown"


@pytest.fixture
async def careless() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a face one of whose routes names no role."""
    async with serving(lambda: face(context(), title="T", handlers=[forgotten, named])) as served:
        yield served.client


async def test_a_route_without_a_role_is_closed(careless: httpx.AsyncClient) -> None:
    """It answers 403 to everybody, on loopback too; OPTIONS, which Litestar answers, and preflights pass."""
    refused = await careless.get("/forgotten")
    assert (refused.status_code, "names no role" in refused.json()["detail"]) == (403, True)
    assert (await careless.get("/named")).text == "shown"
    assert (await careless.options("/forgotten")).headers["allow"] == "GET, HEAD, OPTIONS"
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "GET"}
    assert (await careless.options("/forgotten", headers=asked)).status_code == 204


def test_a_role_is_given_by_layers() -> None:
    """A router may name the role of handlers that are made elsewhere."""
    assert needing(Role.VIEWER) == VIEWER
