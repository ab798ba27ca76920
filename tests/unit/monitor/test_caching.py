"""Entity tags of histories: 304 while the readings are the same, and never when they are not."""

from collections.abc import Mapping

import httpx
import pytest

from icu.messages import Quality
from icu.monitor import metrics
from icu.store.history import patient as history
from icu.store.writer import Writer
from tests.extras import extra
from tests.histories import varied
from tests.samples import ANNA, BORIS, observation
from tests.stores import execute, restored, store

METRICS = f"patient/{ANNA}/metrics"
CLOSED = {"from": "2026-01-31T12:00:00Z", "to": "2026-01-31T13:00:00Z"}
FORMS = [
    {},
    {"limit": "10"},
    {"format": "ndjson"},
    {"format": "columns"},
    {"format": "csv"},
    {"format": "parquet"},
    {"every": "1min"},
    {"every": "1min", "format": "columns"},
]


@pytest.fixture(params=FORMS, ids=str)
def query(request: pytest.FixtureRequest) -> dict[str, str]:
    """A request for a span that has ended, in each form."""
    if "parquet" in request.param.values():
        extra("pyarrow")
    return {**CLOSED, **request.param}


@pytest.fixture(autouse=True)
def _many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of few readings each."""
    monkeypatch.setattr(history, "SUMMED", 7)


async def get(monitor: httpx.AsyncClient, query: Mapping[str, str], held: str = "") -> httpx.Response:
    """The answer to a client that holds an older one under this tag."""
    return await monitor.get(METRICS, params=query, headers={"If-None-Match": held} if held else {})


async def test_a_client_that_has_the_answer(writer: Writer, monitor: httpx.AsyncClient, query: dict[str, str]) -> None:
    """Gets 304 without a body, whatever the form; a list, * and a tag without its W/ count too."""
    await store(writer, varied(40))
    whole = await get(monitor, query)
    tag = whole.headers["etag"]
    assert tag.startswith('W/"')
    assert whole.headers["cache-control"] == "private, no-cache"
    for held in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = await get(monitor, query, held)
        assert (again.status_code, again.content) == (304, b""), held
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == whole.headers[name]
    assert (await get(monitor, query, 'W/"other"')).content == whole.content
    lines = [("If-None-Match", '"other"'), ("If-None-Match", tag)]
    assert (await monitor.get(METRICS, params=query, headers=lines)).status_code == 304
    head = await monitor.head(METRICS, params=query)
    assert (head.status_code, head.headers["etag"]) == (200, tag)
    assert (await monitor.head(METRICS, params=query, headers={"If-None-Match": tag})).status_code == 304


# Of a reading that is neither the first nor the last, and on the page of the newest.
ONE = "WHERE timestamp = (SELECT timestamp FROM patient_metrics ORDER BY timestamp DESC LIMIT 1 OFFSET 5)"
CHANGES = {
    "a late reading": "INSERT INTO patient_metrics (patient_id, timestamp, lag)"
    f" SELECT patient_id, timestamp + 1, lag FROM patient_metrics {ONE}",
    "a reading that is gone": f"DELETE FROM patient_metrics {ONE}",
    "another time": f"UPDATE patient_metrics SET timestamp = timestamp + 1 {ONE}",
    "another arrival": f"UPDATE patient_metrics SET lag = -600000 {ONE}",
    "another value": f"UPDATE patient_metrics SET temperature = 3711 {ONE}",
    "no value": f"UPDATE patient_metrics SET systolic = NULL {ONE}",
    "another word": f'UPDATE patient_metrics SET quality = \'{{"spo2":"damped"}}\' {ONE}',
    "another sign": f"""UPDATE patient_metrics SET quality = '{{"temperature":"off"}}' {ONE}""",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_span_that_has_changed(
    writer: Writer, monitor: httpx.AsyncClient, url: str, query: dict[str, str], change: str
) -> None:
    """Is sent anew: readings that arrive late, and what people change by hand."""
    sent = [observation(5 * n, bp="120/80", pulse=70 + n, quality=Quality(spo2="motion")) for n in range(40)]
    await store(writer, sent)
    before = await get(monitor, query)
    execute(url, change)
    after = await get(monitor, query, before.headers["etag"])
    assert (after.status_code, after.headers["etag"] == before.headers["etag"]) == (200, False)


async def test_a_late_reading_of_the_sink(writer: Writer, monitor: httpx.AsyncClient, query: dict[str, str]) -> None:
    """Makes another answer; readings behind the span, and of others, do not."""
    await store(writer, varied(40))
    tag = (await get(monitor, query)).headers["etag"]
    await store(writer, [observation(7_200), observation(12, patient=BORIS)], start=40)
    assert (await get(monitor, query, tag)).status_code == 304
    await store(writer, [observation(198)], start=42)
    assert (await get(monitor, query, tag)).status_code == 200


async def test_another_database(writer: Writer, monitor: httpx.AsyncClient, url: str, query: dict[str, str]) -> None:
    """With as many readings of the same times, which arrived at the same time, has another tag."""
    await store(writer, [observation(5 * n) for n in range(20)])
    tag = (await get(monitor, query)).headers["etag"]
    restored(url, "UPDATE patient_metrics SET pulse = pulse + 100")
    assert (await get(monitor, query, tag)).status_code == 200


@pytest.mark.parametrize("open_span", [{}, {"from": CLOSED["from"]}])
@pytest.mark.parametrize("form", FORMS[:4], ids=str)
async def test_a_span_without_an_end(
    writer: Writer, monitor: httpx.AsyncClient, open_span: dict[str, str], form: dict[str, str]
) -> None:
    """Has no tag: it changes with each reading."""
    await store(writer, varied(40))
    response = await get(monitor, {**open_span, **form}, "*")
    assert response.status_code == 200
    assert "etag" not in response.headers


async def test_pages_have_tags_of_their_own(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A page and the next one, and one with the same readings behind which there are more."""
    await store(writer, [observation(5 * n) for n in range(3)])
    first = await get(monitor, {**CLOSED, "limit": "3", "order": "asc"})
    await store(writer, [observation(100)], start=3)
    again = await get(monitor, {**CLOSED, "limit": "3", "order": "asc"}, first.headers["etag"])
    assert again.content == first.content
    assert (again.status_code, "link" in first.headers, "link" in again.headers) == (200, False, True)


async def test_tagged_answers_are_compressed(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A weak tag is that of both bodies; without them a page of a closed span would be the larger one."""
    await store(writer, varied(500))
    query = {**CLOSED, "limit": "500"}
    plain = await monitor.get(METRICS, params=query, headers={"Accept-Encoding": "identity"})
    packed = await monitor.get(METRICS, params=query, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2
    assert packed.headers["etag"] == plain.headers["etag"]


async def test_too_many_readings_to_sum_up(
    writer: Writer, monitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statistics of more than a download may have are answered without a tag."""
    monkeypatch.setattr(metrics, "MAX_READINGS", 20)
    await store(writer, varied(21))
    statistics = {**CLOSED, "every": "1h"}
    assert "etag" not in (await get(monitor, statistics, "*")).headers
    assert (await get(monitor, {**statistics, "from": "2026-01-31T12:00:01Z"}, "*")).status_code == 304


async def test_an_unknown_patient(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Is no answer that a client may have."""
    await store(writer, [observation(0)])
    response = await monitor.get(f"patient/{BORIS}/metrics", params=CLOSED, headers={"If-None-Match": "*"})
    assert response.status_code == 404
