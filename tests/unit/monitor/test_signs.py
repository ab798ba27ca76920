"""The catalogue of signs over HTTP, compared with the one of the program and with what readings hold."""

from typing import Any
from urllib.parse import urljoin

import httpx
import msgspec
import pytest

from icu.alarms.defaults import WARD
from icu.store.writer import Writer
from icu.vitals.catalogue import SIGNS
from tests.samples import ANNA, observation
from tests.stores import store


async def test_each_sign_by_its_name(monitor: httpx.AsyncClient) -> None:
    """All of the catalogue, in its order, without a database; the pressure's halves are signs of their own."""
    signs = (await monitor.get("signs")).json()["signs"]
    limits = msgspec.to_builtins(WARD.conditions)
    by_sign: dict[str, dict[str, Any]] = {each.name: {} for each in SIGNS}
    for name, found in limits.items():
        by_sign[{"asystole": "pulse", "apnoea": "resp_rate"}.get(name, name.partition(".")[0])][name] = found
    assert signs == [
        {
            "name": each.name,
            "field": each.field,
            "title": each.title,
            "unit": each.unit,
            "loinc": each.loinc,
            "minimum": each.limits.low,
            "maximum": each.limits.high,
            "decimals": each.decimals,
            "optional": each.optional,
            "default_limits": by_sign[each.name],
        }
        for each in SIGNS
    ]
    [systolic] = [each for each in signs if each["name"] == "systolic"]
    [spo2] = [each for each in signs if each["name"] == "spo2"]
    assert spo2["default_limits"]["spo2.low"]["values"] == {"medium": 90, "high": 80}
    assert (systolic["field"], systolic["unit"], systolic["loinc"]) == ("bp", "mm[Hg]", "8480-6")


async def test_each_field_of_a_reading_leads_to_its_signs(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A client finds every value of a reading there, and no sign is out of reach."""
    await store(writer, [observation(0, map=93)])
    [reading] = (await monitor.get(f"patient/{ANNA}/metrics")).json()
    answer = (await monitor.get("signs")).json()
    assert list(answer["fields"]) == [name for name in reading if name != "timestamp"]
    assert answer["fields"]["bp"] == ["systolic", "diastolic"]
    assert [name for names in answer["fields"].values() for name in names] == [each.name for each in SIGNS]


async def test_it_is_not_sent_again_to_a_client_that_has_it(monitor: httpx.AsyncClient) -> None:
    """304 without a body, with the same tag and lifetime; a weak tag, a list and * count too."""
    whole = await monitor.get("signs")
    tag = whole.headers["etag"]
    assert (whole.status_code, whole.headers["content-type"]) == (200, "application/json")
    assert whole.headers["cache-control"] == "public, max-age=3600"
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await monitor.get("signs", headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b""), held
        assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "public, max-age=3600")
        assert "content-type" not in again.headers


@pytest.mark.parametrize("held", ['"other"', 'W/"other"', "", "other, *"])
async def test_it_is_sent_to_a_client_that_has_another(monitor: httpx.AsyncClient, held: str) -> None:
    """An older program's catalogue, or no tag of ours."""
    answer = await monitor.get("signs", headers={"If-None-Match": held})
    assert (answer.status_code, len(answer.json()["signs"])) == (200, len(SIGNS))


async def test_head_has_the_same_headers(monitor: httpx.AsyncClient) -> None:
    """A client may ask for the tag alone."""
    whole, head = await monitor.get("signs"), await monitor.head("signs")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", whole.headers["etag"])


async def test_parameters_are_refused(monitor: httpx.AsyncClient) -> None:
    """There is one catalogue: a filter would be ignored."""
    assert (await monitor.get("signs?name=pulse")).status_code == 400


async def test_it_is_described(monitor: httpx.AsyncClient) -> None:
    """With each field of the answer, its headers, and the 304."""
    document: Any = (await monitor.get(urljoin(str(monitor.base_url), "/schema/openapi.json"))).json()
    responses = document["paths"]["/api/signs"]["get"]["responses"]
    assert set(responses) == {"200", "304", "400", "503"}
    assert set(responses["200"]["headers"]) == {"ETag", "Cache-Control"}
    assert responses["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Signs"}
    answer = (await monitor.get("signs")).json()
    schemas = document["components"]["schemas"]
    assert set(schemas["Signs"]["properties"]) == set(answer)
    entry = schemas["SignEntry"]
    assert set(entry["required"]) == set(entry["properties"]) == set(answer["signs"][0])
    assert all(each["description"] for each in entry["properties"].values())
