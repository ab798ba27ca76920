"""The monitor's OpenAPI document, compared with its answers."""

import re
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from icu.messages import Quality
from icu.monitor.formats.table import FORMATS
from icu.store.history.buckets import STATISTICS
from icu.store.writer import Writer
from icu.supervisor.view import ChildState
from icu.vitals.catalogue import NUMBERS, SIGNS
from tests.extras import extra
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, store
from tests.unit.monitor.test_stream import following, settled

__all__ = ["settled"]


@pytest.fixture
async def document(monitor: httpx.AsyncClient) -> dict[str, Any]:
    """The API's OpenAPI document."""
    return (await monitor.get(urljoin(str(monitor.base_url), "/schema/openapi.json"))).json()


@pytest.mark.parametrize("schema", ["Reading", "PatientReading"])
async def test_signs_have_units_ranges_and_examples(document: dict[str, Any], schema: str) -> None:
    """Signs have unit, range and example; a lower bound of 0 is there too."""
    fields = document["components"]["schemas"][schema]["properties"]
    for sign in NUMBERS:
        field = fields[sign.field]
        assert sign.unit in field["description"], sign.name
        assert (field["minimum"], field["maximum"]) == sign.limits, sign.name
        assert all(map(sign.can_be, field["examples"])), sign.name
        assert field["examples"], sign.name


async def test_pressures_match_their_pattern(document: dict[str, Any]) -> None:
    """Served pressures and the examples match the pattern, and other texts do not."""
    field = document["components"]["schemas"]["Reading"]["properties"]["bp"]
    assert "mm[Hg]" in field["description"]
    for text in [*field["examples"], "120/80", "119/-", "-/80", "119.5/80.25", "0/0"]:
        assert re.search(field["pattern"], text), text
    for text in ["", "120", "120/", "/80", "120/80/1", "a/b"]:
        assert not re.search(field["pattern"], text), text


async def test_the_page_says_where_the_next_one_is(
    writer: Writer, monitor: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    """The Link header is described as it is sent, and no other route but the lists of what is long has one."""
    await store(writer, [observation(0), observation(1)])
    answer = await monitor.get(f"patient/{ANNA}/metrics", params={"limit": 1})
    assert 'rel="next"' in answer.headers["link"]
    described = {
        path: each["get"]["responses"]["200"].get("headers", {}).get("Link")
        for path, each in document["paths"].items()
        if "get" in each
    }
    link = described.pop("/api/patient/{patient_uuid}/metrics")
    assert link["schema"] == {"type": "string"}
    assert 'rel="next"' in link["description"]
    for path in ("/api/alarms/history", "/api/dead-letters"):
        assert described.pop(path)["schema"] == {"type": "string"}
    assert set(described.values()) == {None}


async def test_the_streams_events(writer: Writer, settled: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """Each event has the fields that its description requires, and its data match theirs."""
    [content] = document["paths"]["/api/stream"]["get"]["responses"]["200"]["content"].items()
    assert content[0] == "text/event-stream"
    described = {each["properties"]["event"]["const"]: each for each in content[1]["schema"]["items"]["oneOf"]}
    assert set(described) == {"readings", "patients", "alarms", "beat", "reset"}
    assert described["alarms"]["properties"]["data"]["contentSchema"]["items"] == {"$ref": "#/components/schemas/Alarm"}
    assert described["beat"]["properties"]["data"]["contentSchema"] == {"$ref": "#/components/schemas/Beat"}
    data = described["readings"]["properties"]["data"]
    assert (data["type"], data["contentMediaType"]) == ("string", "application/json")
    assert data["contentSchema"] == {"type": "array", "items": {"$ref": "#/components/schemas/PatientReading"}}
    reading = document["components"]["schemas"]["PatientReading"]
    signs = {each.field: each.example for each in NUMBERS}
    everything = {**signs, "bp_measured_at": START, "quality": Quality(spo2="motion")}
    async with following(settled) as stream:
        await store(writer, [observation(3_600, **everything), observation(3_601)], start=1, arrived=NOON)
        event = await stream.event()
        await store(writer, [observation(3_602, patient=BORIS)], start=3, arrived=NOON)
        news = await stream.event()
    async with following(settled, last="unknown") as stream:
        reset = await stream.event()
    assert (event.kind, reset.kind, reset.data) == ("readings", "reset", {})
    names = document["components"]["schemas"]["PatientName"]
    assert described["patients"]["properties"]["data"]["contentSchema"]["items"] == {
        "$ref": "#/components/schemas/PatientName"
    }
    assert (news.kind, set(news.data[0]), set(names["required"])) == ("patients", *[set(names["properties"])] * 2)
    assert set(described["readings"]["required"]) == {"event", "id", "data"}
    assert set(described["patients"]["required"]) == {"event", "data"}
    assert re.search(described["readings"]["properties"]["id"]["pattern"], str(event.id))
    whole, bare = event.data
    assert set(whole) == set(reading["properties"])
    assert set(bare) == set(reading["required"]) | {"clock_ahead_seconds"}


async def test_the_states_of_children_are_those_of_the_supervisor(document: dict[str, Any]) -> None:
    """The document has exactly the states of the supervisor, which the monitor does not import."""
    state = document["components"]["schemas"]["ChildStatus"]["properties"]["state"]
    assert state["enum"] == list(ChildState)


async def test_orders_of_time_are_an_enum(document: dict[str, Any]) -> None:
    """The order of readings is an enum, and numbers have bounds."""
    parameters = {
        each["name"]: each["schema"]
        for each in document["paths"]["/api/patient/{patient_uuid}/metrics"]["get"]["parameters"]
    }
    assert set(parameters["order"]["enum"]) == {"asc", "desc"}
    assert (parameters["limit"]["minimum"], parameters["limit"]["maximum"]) == (1, 10_000)
    assert parameters["from"]["format"] == parameters["to"]["format"] == "date-time"


async def test_metrics_in_every_format(writer: Writer, monitor: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """Each media type that comes is described, and no other; so is the name of a file."""
    extra("pyarrow")
    await store(writer, [observation(0)])
    route = document["paths"]["/api/patient/{patient_uuid}/metrics"]["get"]
    parameters = {each["name"]: each["schema"] for each in route["parameters"]}
    assert parameters["format"]["enum"] == list(FORMATS)
    described = route["responses"]["200"]
    found = set()
    for form in FORMATS:
        answer = await monitor.get(f"patient/{ANNA}/metrics", params={"format": form})
        found.add(answer.headers["content-type"])
    assert found == set(described["content"])
    assert "Content-Disposition" in described["headers"]
    assert (
        described["content"]["text/csv; charset=utf-8"]["example"]
        in (await monitor.get(f"patient/{ANNA}/metrics", params={"format": "csv"})).text
    )


async def test_buckets_and_columns(writer: Writer, monitor: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """The description has the fields of the answers; lines hold the items of the array."""
    await store(writer, [observation(n, map=93, quality=Quality(spo2="motion")) for n in range(2)])
    content = document["paths"]["/api/patient/{patient_uuid}/metrics"]["get"]["responses"]["200"]["content"]
    readings, buckets, *columns = content["application/json"]["schema"]["oneOf"]
    assert content["application/x-ndjson"]["schema"]["items"]["oneOf"] == [readings["items"], buckets["items"]]
    bucket = document["components"]["schemas"]["Bucket"]
    assert [name for name in bucket["properties"] if name != "timestamp"] == [each.name for each in SIGNS]
    [answer] = (await monitor.get(f"patient/{ANNA}/metrics", params={"every": "1min"})).json()
    assert set(answer) == set(bucket["properties"])
    statistics = document["components"]["schemas"]["Statistics"]
    assert set(answer["pulse"]) == set(statistics["properties"]) == set(statistics["required"]) == set(STATISTICS)
    for schema, every in zip(columns, ({}, {"every": "1s"}), strict=True):
        query = {"format": "columns", **every}
        answer = (await monitor.get(f"patient/{ANNA}/metrics", params=query)).json()
        assert set(answer) <= set(schema["properties"])
        assert set(answer["columns"]) == set(schema["properties"]["columns"]["properties"])
