"""Every format of a history over HTTP, value by value against the readings of the pages."""

import csv
import io
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio import to_thread

from icu.monitor import metrics
from icu.store.errors import StoreUnavailableError
from icu.store.history import buckets as stored_buckets
from icu.store.history import patient as history
from icu.store.history.patient import History
from icu.store.writer import Writer
from icu.study.csv_text import VITALS
from icu.study.tables import hourly
from icu.vitals.catalogue import SIGNS
from tests.extras import extra
from tests.histories import buckets, moment, times_of, values, varied, words
from tests.samples import ANNA, START, observation
from tests.stores import execute, store

METRICS = f"patient/{ANNA}/metrics"
MINUTE = 60_000
HEADER = "patient_uuid,timestamp,pulse,resp_rate,sbp,dbp,map,spo2,temperature"
# Columns of data sets, by sign.
DATA_SET = {each.name: each.data_set for each in SIGNS}


@pytest.fixture(params=[3, 20_000], ids=["many slices", "one slice"])
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes of a slice, with which answers come in several pieces and in one."""
    monkeypatch.setattr(history, "SLICE", request.param)
    monkeypatch.setattr(stored_buckets, "STATISTICS_SLICE", request.param)
    monkeypatch.setattr(stored_buckets, "SHORT", 0)
    monkeypatch.setattr(history, "PAGE", request.param)


async def rows(monitor: httpx.AsyncClient) -> list[dict[str, Any]]:
    """All readings, as pages have them, the oldest first."""
    response = await monitor.get(METRICS, params={"limit": 10_000, "order": "asc"})
    return list(response.json())


async def whole(monitor: httpx.AsyncClient, form: str, **params: Any) -> httpx.Response:
    """A whole span in a format."""
    response = await monitor.get(METRICS, params={"format": form, **params})
    assert response.status_code == 200, response.text
    return response


def hundredths(value: float | None) -> int | None:
    """The value as the store has it."""
    return None if value is None else round(100 * value)


@pytest.mark.usefixtures("slices")
async def test_lines_are_the_readings(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Byte by byte what a page has."""
    await store(writer, varied(20))
    page = await monitor.get(METRICS, params={"order": "asc"})
    response = await whole(monitor, "ndjson")
    assert response.headers["content-type"] == "application/x-ndjson"
    assert b"[" + b",".join(response.content.splitlines()) + b"]" == page.content


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("step", [[5], [5, 5, 0.25]], ids=["even", "uneven"])
async def test_columns(writer: Writer, monitor: httpx.AsyncClient, step: Sequence[float]) -> None:
    """Whole numbers, which the scale makes the readings' values, and words where there are some."""
    await store(writer, varied(40, step=step))
    readings = await rows(monitor)
    response = await whole(monitor, "columns")
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert times_of(answer, len(readings)) == [moment(each) for each in readings]
    assert ("step" in answer) == (step == [5])
    assert list(answer["columns"]) == list(answer["scale"]) == [each.name for each in SIGNS]
    for sign, numbers in answer["columns"].items():
        scale = answer["scale"][sign]
        expected = [values(each)[sign] for each in readings]
        assert [each and each / scale for each in numbers] == expected
        is_exact = all((hundredths(each) or 0) % 10 == 0 for each in expected)
        assert scale == (10 if is_exact else 100)
        assert answer["quality"].get(sign, [None] * len(readings)) == [words(each).get(sign) for each in readings]


@pytest.mark.usefixtures("slices")
async def test_columns_of_little(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A sign that nobody measured is left out if readings leave it out, and so are words that nobody says."""
    await store(writer, [observation(5 * n, pulse=None) for n in range(4)])
    answer = (await whole(monitor, "columns")).json()
    start = moment({"timestamp": START.isoformat()})
    assert answer == {
        "t0": start,
        "step": 5_000,
        "scale": dict.fromkeys(answer["columns"], 10),
        "columns": {
            "pulse": [None] * 4,
            "resp_rate": [160] * 4,
            "systolic": [1_200] * 4,
            "diastolic": [800] * 4,
            "spo2": [980] * 4,
            "temperature": [366] * 4,
        },
    }
    one = (await whole(monitor, "columns", to="2026-01-31T12:00:01Z")).json()
    assert one["times"] == [start]
    assert one["columns"]["pulse"] == [None]
    none = (await whole(monitor, "columns", to="2026-01-31T12:00:00Z")).json()
    assert (none["times"], set(map(tuple, none["columns"].values()))) == ([], {()})


def test_the_header_is_that_of_simulated_data_sets() -> None:
    """A program that reads the ones reads the others."""
    assert f"{HEADER}\n".encode() == VITALS


@pytest.mark.usefixtures("slices")
async def test_csv(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """The header of `simulate`, and each value; nothing where there is none."""
    await store(writer, varied(20, step=[5, 0.25]))
    readings = await rows(monitor)
    response = await whole(monitor, "csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="{ANNA}.csv"'
    assert response.text.startswith(HEADER + "\n")
    table = list(csv.DictReader(io.StringIO(response.text)))
    assert [each["timestamp"] for each in table] == [each["timestamp"] for each in readings]
    for line, reading in zip(table, readings, strict=True):
        assert line["patient_uuid"] == str(ANNA)
        for sign, value in values(reading).items():
            assert line[DATA_SET[sign]] == ("" if value is None else f"{value:g}"), sign


@pytest.mark.usefixtures("slices")
async def test_parquet(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """The same columns with types, and what the readings say of their quality."""
    await store(writer, varied(20, step=[5, 0.25]))
    readings = await rows(monitor)
    response = await whole(monitor, "parquet")
    assert response.headers["content-type"] == "application/vnd.apache.parquet"
    assert response.headers["content-disposition"] == f'attachment; filename="{ANNA}.parquet"'
    table = parquet(response.content)
    assert list(table[0]) == [*HEADER.split(","), "quality"]
    for row, reading in zip(table, readings, strict=True):
        assert row["patient_uuid"] == str(ANNA)
        assert row["timestamp"] == datetime.fromisoformat(reading["timestamp"])
        assert {sign: row[DATA_SET[sign]] for sign in DATA_SET} == values(reading)
        assert json.loads(row["quality"] or "{}") == reading.get("quality", {})


def parquet(content: bytes) -> list[dict[str, Any]]:
    """Rows of a file."""
    extra("pyarrow")
    return list(extra("pyarrow.parquet").read_table(io.BytesIO(content)).to_pylist())


@pytest.mark.parametrize("form", ["csv", "parquet", "ndjson"])
async def test_an_empty_span(writer: Writer, monitor: httpx.AsyncClient, form: str) -> None:
    """Is an answer without rows."""
    await store(writer, [observation(0)])
    response = await whole(monitor, form, to="2026-01-31T12:00:00Z")
    found = {
        "csv": lambda: response.text == HEADER + "\n",
        "parquet": lambda: parquet(response.content) == [],
        "ndjson": lambda: response.content == b"",
    }
    assert found[form]()


def expected_buckets(readings: Sequence[Mapping[str, Any]]) -> list[tuple[int, dict[str, dict[str, Any]]]]:
    """Statistics of minutes by their beginning, in order."""
    return sorted(buckets(readings, MINUTE).items())


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("form", ["json", "ndjson"])
async def test_buckets_as_objects(writer: Writer, monitor: httpx.AsyncClient, form: str) -> None:
    """One for each minute in which there is a reading; a mean pressure that nobody measured is left out."""
    await store(writer, varied(30, step=[5, 200]))
    expected = expected_buckets(await rows(monitor))
    response = await whole(monitor, form, every="1min")
    found = response.json() if form == "json" else [json.loads(line) for line in response.text.splitlines()]
    assert [moment(each) for each in found] == [begin for begin, _ in expected]
    for bucket, (_, statistics) in zip(found, expected, strict=True):
        del bucket["timestamp"]
        unmeasured = statistics["map"]["count"] == statistics["map"]["flagged"] == 0
        assert bucket == {sign: each for sign, each in statistics.items() if sign != "map" or not unmeasured}


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("step", [[5], [5, 200]], ids=["even", "with gaps"])
async def test_buckets_as_columns(writer: Writer, monitor: httpx.AsyncClient, step: Sequence[float]) -> None:
    """Statistics of a sign each in a column, of the buckets that there are."""
    await store(writer, varied(40, step=step))
    expected = expected_buckets(await rows(monitor))
    answer = (await whole(monitor, "columns", every="1m")).json()
    assert times_of(answer, len(expected)) == [begin for begin, _ in expected]
    assert ("step" in answer) == (step == [5])
    assert set(answer) == {"t0", "step", "scale", "columns"} if step == [5] else {"times", "scale", "columns"}
    for sign, columns in answer["columns"].items():
        scale = answer["scale"][sign]
        for statistic, numbers in columns.items():
            wanted = [statistics[sign][statistic] for _, statistics in expected]
            assert [
                each and (each / scale if statistic in {"min", "mean", "max"} else each) for each in numbers
            ] == wanted, (sign, statistic)


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("form", ["csv", "parquet"])
async def test_buckets_as_data_sets(writer: Writer, monitor: httpx.AsyncClient, form: str) -> None:
    """A column for each statistic of each sign."""
    await store(writer, varied(30, step=[5, 200]))
    expected = expected_buckets(await rows(monitor))
    response = await whole(monitor, form, every="60s")
    if form == "csv":
        table: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(response.text)))
        begins = [moment(each) for each in table]
        table = [{name: float(value) if value else None for name, value in list(row.items())[2:]} for row in table]
    else:
        table = parquet(response.content)
        begins = [round(row["timestamp"].astimezone(UTC).timestamp() * 1000) for row in table]
        table = [dict(list(row.items())[2:]) for row in table]
    assert begins == [begin for begin, _ in expected]
    for row, (_, statistics) in zip(table, expected, strict=True):
        assert row == {
            f"{DATA_SET[sign]}_{name}": value for sign, each in statistics.items() for name, value in each.items()
        }


async def test_no_bucket_begins_before_a_multiple(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """A span that begins inside a bucket has the rest of it, under the bucket's own beginning."""
    await store(writer, [observation(n) for n in range(120)])
    found = (await whole(monitor, "json", every="1min", **{"from": "2026-01-31T12:00:50Z"})).json()
    assert [(each["timestamp"], each["pulse"]["count"]) for each in found] == [
        ("2026-01-31T12:00:00Z", 10),
        ("2026-01-31T12:01:00Z", 60),
    ]
    first = datetime.fromisoformat(found[0]["timestamp"])
    assert (first - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(minutes=1) == timedelta(0)


@pytest.mark.parametrize("every", ["1s", "1.5s", "1min", "1m", "24h", "1d"])
async def test_lengths_of_buckets(writer: Writer, monitor: httpx.AsyncClient, every: str) -> None:
    """As the command line writes them."""
    await store(writer, [observation(0)])
    [bucket] = (await whole(monitor, "json", every=every)).json()
    assert bucket["pulse"] == {"count": 1, "min": 72, "mean": 72, "max": 72, "flagged": 0}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"format": "csv"}, "over 3 readings lie in this span: narrow it by `from` and `to`, or ask for statistics"),
        ({"format": "columns"}, "over 3 readings"),
        ({"every": "1s"}, "over 2 buckets of 1s lie in this span: write a longer `every`, or narrow"),
        ({"every": "1s", "format": "parquet"}, "over 2 buckets"),
    ],
)
async def test_spans_that_are_too_long(
    writer: Writer, monitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], said: str
) -> None:
    """Are refused, with what to do; those that just fit are not."""
    monkeypatch.setattr(metrics, "MAX_READINGS", 3)
    monkeypatch.setattr(metrics, "MAX_BUCKETS", 2)
    await store(writer, [observation(n) for n in range(4)])
    response = await monitor.get(METRICS, params=query)
    assert response.status_code == 400
    assert said in response.json()["detail"]
    fitting = {"to": "2026-01-31T12:00:02Z"} if "every" in query else {"to": "2026-01-31T12:00:03Z"}
    assert (await monitor.get(METRICS, params={**query, **fitting})).status_code == 200


def test_the_limits() -> None:
    """As they are documented."""
    assert (metrics.MAX_READINGS, metrics.MAX_BUCKETS) == (1_000_000, 100_000)


async def test_parquet_without_its_library(
    writer: Writer, monitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is not acceptable, with what to install; the other formats need nothing."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    await store(writer, [observation(0)])
    response = await monitor.get(METRICS, params={"format": "parquet"})
    assert response.status_code == 406
    assert "pip install pyarrow" in response.json()["detail"]
    for form in ("ndjson", "columns", "csv"):
        await whole(monitor, form)


@pytest.mark.parametrize("form", ["json", "ndjson", "columns", "csv", "parquet"])
@pytest.mark.parametrize("every", [{}, {"every": "1s"}], ids=["readings", "buckets"])
async def test_head_and_accept(writer: Writer, monitor: httpx.AsyncClient, form: str, every: dict[str, str]) -> None:
    """HEAD has the headers of GET, and the Accept header changes nothing."""
    extra("pyarrow")
    await store(writer, varied(1_200))
    query = {"format": form, **every}
    answer = await monitor.get(METRICS, params=query, headers={"Accept": "text/html"})
    head = await monitor.head(METRICS, params=query)
    assert (head.status_code, head.content) == (200, b"")
    headers = ("content-type", "content-disposition", "content-length", "content-encoding", "vary")
    assert [head.headers.get(each) for each in headers] == [answer.headers.get(each) for each in headers]


@pytest.mark.parametrize("form", ["ndjson", "columns", "csv"])
async def test_large_answers_are_compressed(writer: Writer, monitor: httpx.AsyncClient, form: str) -> None:
    """For who takes it, in one piece or in several, to the same bytes."""
    await store(writer, varied(2_500))
    plain = await monitor.get(METRICS, params={"format": form}, headers={"Accept-Encoding": "identity"})
    packed = await monitor.get(METRICS, params={"format": form}, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
async def test_readings_that_vanish_midway(
    writer: Writer, monitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, url: str, form: str
) -> None:
    """An answer that has begun is cut off: half of it never looks whole."""
    extra("pyarrow")
    monkeypatch.setattr(history, "SLICE", 1)
    monkeypatch.setattr(history, "PAGE", 1)
    await store(writer, [observation(n) for n in range(5_000)])
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)), anyio.fail_after(20):
        async with monitor.stream("GET", METRICS, params={"format": form}) as response:
            parts = response.aiter_raw()
            await anext(parts)
            execute(url, "DELETE FROM patient_metrics")
            async for _ in parts:
                pass


async def test_the_columns_of_readings_that_vanish(
    writer: Writer, monitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns are read before anything is sent: what fails then is a problem."""

    async def fails(self: History) -> AsyncIterator[None]:
        raise StoreUnavailableError("readings vanished while they were read: ask again")
        yield

    monkeypatch.setattr(History, "slices", fails)
    await store(writer, [observation(0)])
    response = await monitor.get(METRICS, params={"format": "columns"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


async def test_scorecards_read_the_parquet(writer: Writer, monitor: httpx.AsyncClient, tmp_path: Path) -> None:
    """A download is a data set like any other."""
    extra("pyarrow")
    sent = [observation(3_600 * n, pulse=70 + n, patient=ANNA) for n in range(6)]
    await store(writer, sent)
    for form in ("csv", "parquet"):
        path = tmp_path / f"anna.{form}"
        await to_thread.run_sync(path.write_bytes, (await whole(monitor, form)).content)
        signs = await to_thread.run_sync(hourly, path)
        assert [float(each) for each in signs[0][:, 0]] == [70, 71, 72, 73, 74, 75]
