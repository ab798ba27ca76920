"""`GET /supervisor`: the state of the whole ward."""

from urllib.parse import urljoin

import httpx

from icu.supervisor.view import ChildState, ChildView


async def test_the_children_are_nested(monitor: httpx.AsyncClient, children: list[ChildView]) -> None:
    """Each child has its state, restarts, time and trouble; a supervisor has its own children."""
    bed = ChildView("bed-1", ChildState.BACKOFF, restarts=3, last_error="ValueError: no")
    children += [ChildView("sink", ChildState.RUNNING, uptime=2.5, detail="pid 7"), ChildView("beds", children=(bed,))]
    response = await monitor.get("supervisor")
    assert response.status_code == 200
    nothing = {"restarts": 0, "uptime": 0.0, "detail": None, "last_error": None, "children": []}
    expected_bed = {**nothing, "id": "bed-1", "state": "backoff", "restarts": 3, "last_error": "ValueError: no"}
    assert response.json() == [
        {**nothing, "id": "sink", "state": "running", "uptime": 2.5, "detail": "pid 7"},
        {**nothing, "id": "beds", "state": "pending", "children": [expected_bed]},
    ]


async def test_without_a_supervisor_it_is_503(monitor: httpx.AsyncClient) -> None:
    """Without a supervisor the problem says what to start, and when to ask again."""
    response = await monitor.get("supervisor")
    assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
    assert response.headers["retry-after"]
    assert "python -m icu supervise" in response.json()["detail"]


async def test_it_takes_no_parameters(monitor: httpx.AsyncClient, children: list[ChildView]) -> None:
    """A query is refused, since it would be ignored."""
    children.append(ChildView("sink"))
    assert (await monitor.get("supervisor", params={"id": "sink"})).status_code == 400


async def test_it_is_described(monitor: httpx.AsyncClient) -> None:
    """OpenAPI has the path, its answers and their fields."""
    schema = (await monitor.get(urljoin(str(monitor.base_url), "/schema/openapi.json"))).json()
    described = schema["paths"]["/api/supervisor"]["get"]
    assert {"200", "400", "503"} <= set(described["responses"])
    properties = schema["components"]["schemas"]["ChildStatus"]["properties"]
    assert set(properties) == {"id", "state", "restarts", "uptime", "detail", "last_error", "children"}
    assert "backoff" in properties["state"]["description"]
