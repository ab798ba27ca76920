"""OpenAPI documents of all faces."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faces import Face

FACES = range(4)


@pytest.fixture(params=FACES, ids=["monitor", "sink", "bed", "beds"])
async def document(request: pytest.FixtureRequest, faces: list[Face]) -> dict[str, Any]:
    """Return the document of a face."""
    return (await faces[request.param].client.get("/schema/openapi.json")).json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return each operation, with its path."""
    for path, methods in document["paths"].items():
        yield from ((path, operation) for operation in methods.values())


async def test_everything_is_described(document: dict[str, Any]) -> None:
    """The API, tags, routes, parameters, answers and fields have descriptions."""
    assert len(document["info"]["description"]) > 100
    tags = {each["name"]: each["description"] for each in document["tags"]}
    assert all(tags.values())
    for path, each in operations(document):
        assert each["summary"], path
        assert each["description"], path
        assert set(each["tags"]) <= set(tags), path
        assert [one["name"] for one in each.get("parameters", ()) if not one.get("description")] == [], path
        assert [one for one, answer in each["responses"].items() if not answer["description"]] == [], path
    for name, schema in document["components"]["schemas"].items():
        bare = [field for field, one in schema["properties"].items() if not one.get("description")]
        assert bare == [], name


async def test_no_route_keeps_back_what_it_may_answer(document: dict[str, Any]) -> None:
    """Each route documents 503 for too many connections, except for the check of liveness."""
    without = [path for path, each in operations(document) if "503" not in each["responses"]]
    assert without == ["/health/live"]
    assert [path for path, each in operations(document) if "400" not in each["responses"]] == []


async def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    """Every reference has a target, also those of the stream's events, which are written by hand."""
    for each in set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document))):
        assert each in document["components"]["schemas"]


async def test_enums_are_enums(document: dict[str, Any]) -> None:
    """Fields with a fixed set of words have it as an enum."""
    schemas = document["components"]["schemas"]
    assert schemas["Report"]["properties"]["status"]["enum"] == ["ok", "unavailable"]
    if "State" in schemas:
        assert set(schemas["State"]["properties"]["sex"]["enum"]) == {"female", "male"}
        assert "cardiac" in schemas["State"]["properties"]["condition"]["enum"]
