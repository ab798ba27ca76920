"""The brief's paths, with their parameters and pages."""

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import UUID, uuid4

import anyio
import httpx
import pytest

from icu.messages import Quality
from icu.monitor.ages import Ages
from icu.store.reader import Reader
from icu.store.writer import Writer
from icu.vitals.catalogue import SIGNS
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, store

METRICS = f"patient/{ANNA}/metrics"


async def pages(client: httpx.AsyncClient, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    """Return all pages, by the Link header."""
    found = []
    response = await client.get(path, params=params)
    while True:
        assert response.status_code == 200, response.text
        found.append(response.json())
        link = response.links.get("next")
        if link is None:
            return found
        response = await client.get(urljoin(str(response.url), link["url"]))


def seconds(readings: list[dict[str, Any]]) -> list[float]:
    """Return the seconds after START."""
    return [(datetime.fromisoformat(each["timestamp"]) - START).total_seconds() for each in readings]


async def test_patients_with_their_latest_reading(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """The answer is an array of patients, each with its latest reading in the brief's names, and its age."""
    arrived = round(datetime.now(UTC).timestamp() * 1000) - 2_000
    await store(writer, [observation(0), observation(5, bp="119.5/-", spo2=None, temperature=37.06)], arrived=arrived)
    await store(writer, [observation(0, patient=BORIS)], start=2, arrived=arrived)
    anna, boris = (await monitor.get("patients")).json()
    assert (anna["uuid"], anna["name"], boris["name"]) == (str(ANNA), "Anna", "Boris")
    assert anna["latest"] == {
        "timestamp": "2026-01-31T12:00:05Z",
        "pulse": 72,
        "resp_rate": 16,
        "bp": "119.5/-",
        "spo2": None,
        "temperature": 37.06,
    }
    assert 2 <= anna["latest_age_seconds"] < 10


async def test_patients_are_sorted_by_name(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """The order ignores case, compares numbers as numbers, and has patients without a name at the end."""
    names = ["Иван", "bed 10", None, "Bed 2", "Anna", "Dora", "boris", "Bed 2b", "10", "9", None]
    sent = [observation(0, patient=UUID(int=number), patient_name=name) for number, name in enumerate(names, start=1)]
    await store(writer, sent)
    patients = (await monitor.get("patients")).json()
    assert [each["name"] for each in patients] == [
        *("9", "10", "Anna", "Bed 2", "Bed 2b", "bed 10", "boris", "Dora", "Иван"),
        *(None, None),
    ]
    assert [each["uuid"] for each in patients[-2:]] == [str(UUID(int=3)), str(UUID(int=11))]


async def test_what_is_said_beside_the_signs(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Mean pressure, time of measurement and doubt are in every answer, only for readings that have them."""
    doubt = Quality(bp="damped", temperature="probe-off", map="implausible")
    measured = START - timedelta(minutes=5, milliseconds=250)
    more = observation(5, map=93.25, bp_measured_at=measured, quality=doubt, temperature=None)
    await store(writer, [observation(0), more], arrived=NOON + 6_000)
    newest, oldest = (await monitor.get(METRICS)).json()
    assert newest == {
        "timestamp": "2026-01-31T12:00:05Z",
        "pulse": 72,
        "resp_rate": 16,
        "bp": "120/80",
        "spo2": 98,
        "temperature": None,
        "map": 93.25,
        "bp_measured_at": "2026-01-31T11:54:59.750000Z",
        "quality": {"bp": "damped", "temperature": "probe-off", "map": "implausible"},
    }
    assert set(oldest) == {"timestamp", "pulse", "resp_rate", "bp", "spo2", "temperature"}
    assert (await monitor.get(f"{METRICS}/latest")).json() == newest
    assert [each["latest"] for each in (await monitor.get("patients")).json()] == [newest]


@pytest.mark.parametrize("field", ["map", "bp_measured_at", "quality"])
async def test_each_is_said_by_itself(writer: Writer, monitor: httpx.AsyncClient, field: str) -> None:
    """A reading may have one of the three without the others; a mean pressure of 0 is a value."""
    said = {"map": 0, "bp_measured_at": START, "quality": Quality(pulse="motion")}
    await store(writer, [observation(0, **{field: said[field]})])
    [reading] = (await monitor.get(METRICS)).json()
    assert {"map", "bp_measured_at", "quality"} & set(reading) == {field}


async def test_a_doubt_of_another_version_is_passed_over(writer: Writer, monitor: httpx.AsyncClient, url: str) -> None:
    """Signs in the quality that only a newer sink knows are left out."""
    await store(writer, [observation(0, quality=Quality(spo2="motion"))])
    with sqlite3.connect(url.removeprefix("sqlite:///")) as other:
        other.execute("""UPDATE patient_metrics SET quality = '{"spo2":"motion","unheard_of":"implausible"}'""")
    other.close()
    [reading] = (await monitor.get(METRICS)).json()
    assert reading["quality"] == {"spo2": "motion"}


async def test_no_patient_yet(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """An empty ward is an empty array."""
    assert (await monitor.get("patients")).json() == []


async def test_newest_first_unless_asked(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Readings come newest first, unless `order` is asc."""
    await store(writer, [observation(n) for n in range(5)])
    assert seconds((await monitor.get(METRICS)).json()) == [4, 3, 2, 1, 0]
    assert seconds((await monitor.get(METRICS, params={"order": "asc"})).json()) == [0, 1, 2, 3, 4]


async def test_a_span_holds_its_beginning_and_not_its_end(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A span includes `from` and excludes `to`, so that spans can be joined; any time zone is accepted."""
    await store(writer, [observation(n) for n in range(10)])
    found = await monitor.get(METRICS, params={"from": "2026-01-31T12:00:02Z", "to": "2026-01-31T15:00:05+03:00"})
    assert seconds(found.json()) == [4, 3, 2]
    found = await monitor.get(f"{METRICS}?from=2026-01-31T15:00:08+03:00")
    assert seconds(found.json()) == [9, 8]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_hold_everything_once(writer: Writer, monitor: httpx.AsyncClient, order: str) -> None:
    """Pages by `next` have each reading once, in order, also while new ones arrive."""
    await store(writer, [observation(n) for n in range(25)])
    found = await pages(monitor, METRICS, limit=10, order=order)
    assert [len(page) for page in found] == [10, 10, 5]
    expected = list(range(25)) if order == "asc" else list(reversed(range(25)))
    assert seconds([each for page in found for each in page]) == expected


async def test_a_full_last_page_has_no_next(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A full last page has no `next`, which would be an empty page."""
    await store(writer, [observation(n) for n in range(20)])
    assert [len(page) for page in await pages(monitor, METRICS, limit=10)] == [10, 10]


async def test_the_latest_reading(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """The latest reading is the newest by time; a late arrival does not replace it."""
    await store(writer, [observation(60)], arrived=NOON)
    await store(writer, [observation(0)], start=1, arrived=NOON + 100)
    found = await monitor.get(f"{METRICS}/latest")
    assert seconds([found.json()]) == [60]


async def test_a_clock_that_once_ran_ahead_does_not_hide_the_present(
    writer: Writer, monitor: httpx.AsyncClient
) -> None:
    """A reading of next year does not stay the latest for a year."""
    now = datetime.now(UTC)
    ahead = (now - START).total_seconds() + 365 * 86_400
    await store(writer, [observation(ahead)], arrived=round(now.timestamp() * 1000) - 1_000)
    await store(writer, [observation(10)], start=1, arrived=round(now.timestamp() * 1000))
    assert seconds([(await monitor.get(f"{METRICS}/latest")).json()]) == [10]


async def test_a_reading_that_is_days_ahead_says_so(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A reading with a time days ahead is the newest, and is flagged in every answer."""
    await store(writer, [observation(0), observation(3 * 86_400)], arrived=NOON + 500)
    newest, oldest = (await monitor.get(METRICS)).json()
    assert newest["clock_ahead_seconds"] == 3 * 86_400 - 0.5
    assert "clock_ahead_seconds" not in oldest
    assert (await monitor.get(f"{METRICS}/latest")).json() == newest
    assert [each["latest"] for each in (await monitor.get("patients")).json()] == [newest]


@pytest.mark.parametrize(("ahead", "said"), [(299.999, False), (300, False), (300.001, True)])
async def test_from_when_on_a_clock_is_wrong(
    writer: Writer, monitor: httpx.AsyncClient, ahead: float, said: bool
) -> None:
    """Up to five minutes ahead are not flagged."""
    await store(writer, [observation(ahead)], arrived=NOON)
    assert ("clock_ahead_seconds" in (await monitor.get(f"{METRICS}/latest")).json()) == said


@pytest.mark.parametrize("left", [400, 200, 1, 0, -1, -4, -20])
async def test_the_time_comes_that_was_ahead(writer: Writer, reader: Reader, left: int) -> None:
    """Readings of three days ago do not become the latest again when the time of a future one comes."""
    then = 3 * 86_400
    await store(writer, [observation(then + n) for n in range(-3, 4)], arrived=NOON)
    sent = then - left - 5.5
    await store(writer, [observation(sent)], start=7, arrived=NOON + round(sent * 1000))
    [anna] = await reader.patients(now=START + timedelta(seconds=then - left))
    assert anna.latest is not None
    assert anna.latest.timestamp == START + timedelta(seconds=sent)


async def test_a_dead_bed_while_the_clock_is_set_back(
    writer: Writer, monitor: httpx.AsyncClient, ages: Ages, set_by: list[float]
) -> None:
    """The monitor notices the step by itself; until then the age is null, and it is never less than the time passed."""
    await store(writer, [observation(0)], arrived=round(datetime.now(UTC).timestamp() * 1000) - 60_000)
    await ages.check_clocks()
    set_by.append(-3_600)
    age = None
    with anyio.fail_after(10):
        while age is None:
            [anna] = (await monitor.get("patients")).json()
            age = anna["latest_age_seconds"]
    assert 60 <= age < 3_600


async def test_a_dead_bed_after_the_clock_was_set_back(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A monitor whose latest reading lies in the future returns a null age, never 0 seconds."""
    arrived = round(datetime.now(UTC).timestamp() * 1000) + 3_600_000
    await store(writer, [observation(0)], arrived=arrived)
    [anna] = (await monitor.get("patients")).json()
    assert anna["latest"] is not None
    assert anna["latest_age_seconds"] is None


HOSTILE: dict[str, tuple[str, int]] = {
    "unknown patient": (f"patient/{uuid4()}/metrics", 404),
    "unknown patient's latest": (f"patient/{uuid4()}/metrics/latest", 404),
    "no uuid": ("patient/anna/metrics", 404),
    "path out of here": ("patient/..%2f..%2fetc%2fpasswd/metrics", 404),
    "NUL": ("patient/%00/metrics", 404),
    "bad utf-8": ("patient/%ff/metrics", 404),
    "no such path": ("patient", 404),
    "limit 0": (f"{METRICS}?limit=0", 400),
    "limit -1": (f"{METRICS}?limit=-1", 400),
    "limit 10001": (f"{METRICS}?limit=10001", 400),
    "limit 2^63": (f"{METRICS}?limit={2**63}", 400),
    "limit of 5,000 digits": (f"{METRICS}?limit={'9' * 5_000}", 400),
    "limit empty": (f"{METRICS}?limit=", 400),
    "limit with an exponent": (f"{METRICS}?limit=1e3", 400),
    "limit with an underscore": (f"{METRICS}?limit=1_000", 400),
    "limit with a point": (f"{METRICS}?limit=5.0", 400),
    "limit in other digits": (f"{METRICS}?limit=%D9%A5", 400),
    "limit of a word": (f"{METRICS}?limit=many", 400),
    "limit twice": (f"{METRICS}?limit=1&limit=2", 400),
    "order sideways": (f"{METRICS}?order=sideways", 400),
    "from garbage": (f"{METRICS}?from=yesterday", 400),
    "from empty": (f"{METRICS}?from=", 400),
    "from naive": (f"{METRICS}?from=2026-01-31T12:00:00", 400),
    "from year 0": (f"{METRICS}?from=0000-01-01T00:00:00Z", 400),
    "to 30 February": (f"{METRICS}?to=2026-02-30T00:00:00Z", 400),
    "from after to": (f"{METRICS}?from=2026-01-31T12:00:01Z&to=2026-01-31T12:00:00Z", 400),
    "a typo": (f"{METRICS}?limt=5", 400),
    "5,000 parameters": (f"{METRICS}?{'&'.join(f'p{n}=1' for n in range(5_000))}", 400),
    "cursor garbage": (f"{METRICS}?cursor=!!!", 400),
    "cursor of a number too large": (f"{METRICS}?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk", 400),
    "cursor not ascii": (f"{METRICS}?cursor=%D0%96", 400),
    "every of nothing": (f"{METRICS}?every=", 400),
    "every without a unit": (f"{METRICS}?every=60", 400),
    "every 0s": (f"{METRICS}?every=0s", 400),
    "every below a second": (f"{METRICS}?every=0.999s", 400),
    "every above a day": (f"{METRICS}?every=86400.001s", 400),
    "every of 2 days": (f"{METRICS}?every=2d", 400),
    "every between milliseconds": (f"{METRICS}?every=1.0005s", 400),
    "every -1s": (f"{METRICS}?every=-1s", 400),
    "every 1e3s": (f"{METRICS}?every=1e3s", 400),
    "every in other digits": (f"{METRICS}?every=%D9%A5s", 400),
    "every of 5,000 digits": (f"{METRICS}?every={'9' * 5_000}s", 400),
    "every twice": (f"{METRICS}?every=1s&every=1min", 400),
    "every with a limit": (f"{METRICS}?every=1min&limit=5", 400),
    "every with an order": (f"{METRICS}?every=1min&order=asc", 400),
    "format of garbage": (f"{METRICS}?format=xml", 400),
    "format empty": (f"{METRICS}?format=", 400),
    "format in capitals": (f"{METRICS}?format=CSV", 400),
    "format twice": (f"{METRICS}?format=csv&format=json", 400),
    "csv with a limit": (f"{METRICS}?format=csv&limit=5", 400),
    "columns with an order": (f"{METRICS}?format=columns&order=desc", 400),
    "ndjson with a cursor": (f"{METRICS}?format=ndjson&cursor=MA", 400),
    "columns of nobody": (f"patient/{uuid4()}/metrics?format=columns", 404),
    "buckets of nobody": (f"patient/{uuid4()}/metrics?every=1min", 404),
    "patients take no parameter": ("patients?limit=5", 400),
    "stream of an unknown patient": (f"stream?patient={uuid4()}", 404),
    "stream of garbage": ("stream?patient=anna", 400),
}


@pytest.mark.parametrize(("path", "status"), HOSTILE.values(), ids=HOSTILE)
async def test_hostile_requests_get_a_problem(
    writer: Writer, monitor: httpx.AsyncClient, path: str, status: int
) -> None:
    """Hostile requests get 4xx problem details (RFC 9457) that say what is wrong, never a 500."""
    await store(writer, [observation(0)])
    response = await monitor.get(path)
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]
    assert 0 < len(problem["detail"]) < 1_000
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    "span",
    [
        "from=0001-01-01T00:00:00Z",
        "to=9999-12-31T23:59:59-14:00",
        "from=0001-01-01T00:00:00%2B14:00",
        "to=9999-12-31T00:00:00Z",
    ],
)
async def test_times_at_the_edge_of_the_calendar(writer: Writer, monitor: httpx.AsyncClient, span: str) -> None:
    """A span at the limits of dates is answered, or refused by a problem."""
    await store(writer, [observation(0)])
    assert (await monitor.get(f"{METRICS}?{span}")).status_code in {200, 400}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "PATCH"])
async def test_other_methods_are_refused(writer: Writer, monitor: httpx.AsyncClient, method: str) -> None:
    """The API refuses every method except GET and HEAD."""
    response = await monitor.request(method, "patients")
    assert response.status_code == 405
    assert response.headers["content-type"].startswith("application/problem+json")


async def test_bodies_and_hosts_that_nobody_asked_for(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A large body on a GET has no effect; an unknown Host is refused, by the stream too."""
    response = await monitor.request("GET", "patients", content=b"x" * 10_000_000)
    assert response.status_code in {200, 400, 413}
    for path in ("patients", "stream"):
        response = await monitor.get(path, headers={"Host": "evil.example"})
        assert (response.status_code, "evil" in response.text) == (400, False)


async def test_links_do_not_repeat_the_address(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """`next` is only a query, so that it works behind any proxy."""
    await store(writer, [observation(n) for n in range(3)])
    response = await monitor.get(METRICS, params={"limit": 1}, headers={"Host": "ward.example"})
    assert response.headers["link"].startswith("<?limit=1&cursor=")


async def test_a_missing_database_is_said(monitor: httpx.AsyncClient) -> None:
    """Without a database every path returns 503 with what to start; the monitor recovers by itself."""
    for path in ("patients", METRICS, "stream"):
        response = await monitor.get(path)
        assert response.status_code == 503
        assert "start the sink" in response.json()["detail"]
        assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:80", "https://ward.example"]
)
async def test_browsers_on_loopback_and_listed_ones_may_call(
    writer: Writer, monitor: httpx.AsyncClient, origin: str
) -> None:
    """CORS allows pages of loopback without any setting, and listed ones."""
    response = await monitor.get("patients", headers={"Origin": origin})
    assert response.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "null",
    ],
)
async def test_other_origins_may_not(writer: Writer, monitor: httpx.AsyncClient, origin: str) -> None:
    """An origin that resembles loopback is not allowed."""
    response = await monitor.get("patients", headers={"Origin": origin})
    assert "access-control-allow-origin" not in response.headers


async def description(monitor: httpx.AsyncClient) -> Any:
    """The API's OpenAPI document."""
    return (await monitor.get(urljoin(str(monitor.base_url), "/schema/openapi.json"))).json()


async def test_the_description_says_what_a_reading_may_lack(monitor: httpx.AsyncClient) -> None:
    """The brief's fields are required; the others are optional, with descriptions."""
    schemas = (await description(monitor))["components"]["schemas"]
    reading = schemas["Reading"]
    assert set(reading["required"]) == {"timestamp", "pulse", "resp_rate", "bp", "spo2", "temperature"}
    optional = set(reading["properties"]) - set(reading["required"])
    assert optional == {each.field for each in SIGNS if each.optional} | {
        "bp_measured_at",
        "quality",
        "clock_ahead_seconds",
    }
    assert all(reading["properties"][name]["description"] for name in optional)
    assert set(schemas["Quality"]["properties"]) == {each.field for each in SIGNS}
    assert all("implausible" in each["description"] for each in schemas["Quality"]["properties"].values())


async def test_the_description_says_what_is_answered(monitor: httpx.AsyncClient) -> None:
    """Each path documents its statuses; the stream documents events."""
    paths = (await description(monitor))["paths"]
    documented = {path: set(each["get"]["responses"]) for path, each in paths.items() if "get" in each}
    assert documented["/api/patients"] == {"200", "400", "503"}
    assert documented["/api/patient/{patient_uuid}/metrics"] == {"200", "304", "400", "404", "406", "429", "503"}
    assert documented["/api/stream"] == {"200", "400", "404", "429", "503"}
    assert documented["/metrics"] == {"200", "400", "503"}
    assert list(paths["/api/stream"]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
