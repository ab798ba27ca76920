"""The limit of the history API: one statement on a connection that stays open, one loop over its rows, and msgspec.

    python -m tests.benchmarks.api_bare FILE PORT

Litestar and uvicorn serve it, with the driver in their own thread. Readings are ours byte by byte; queries are not
checked, errors not explained, and nothing is counted. Columns are made by SQLite itself, which is the fastest way that
we know, and taken to be regular in time. `/static/SIZE` answers with so many bytes that lie ready.
"""

import gzip
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import Parameter
from msgspec import UNSET, Struct, UnsetType

# Bytes from which on answers are compressed, as ours are.
SMALLEST: Final = 16 * 1024

_COLUMNS: Final = (
    "m.timestamp, m.pulse, m.resp_rate, m.systolic, m.diastolic, m.spo2, m.temperature, m.map, m.bp_measured_at,"
    " m.quality"
)
_OF_ONE: Final = "FROM patient_metrics AS m WHERE m.patient_id = (SELECT id FROM patients WHERE uuid = ?)"
_PAGE: Final = f"SELECT {_COLUMNS} {_OF_ONE} AND m.timestamp >= ? AND m.timestamp < ? ORDER BY m.timestamp DESC LIMIT ?"
_LATEST: Final = f"SELECT {_COLUMNS} {_OF_ONE} ORDER BY m.timestamp DESC LIMIT 1"
_PATIENTS: Final = (
    f"SELECT p.uuid, p.name, m.lag, {_COLUMNS} FROM patients AS p"
    " LEFT JOIN patient_metrics AS m ON m.patient_id = p.id AND m.timestamp ="
    " (SELECT max(timestamp) FROM patient_metrics WHERE patient_id = p.id) ORDER BY p.id"
)
_SIGNS: Final = ("pulse", "resp_rate", "systolic", "diastolic", "spo2", "temperature", "map")
_BY_COLUMN: Final = (
    f"SELECT min(timestamp), max(timestamp), count(*), {', '.join(f'json_group_array({each})' for each in _SIGNS)}"
    f" FROM (SELECT m.* {_OF_ONE} AND m.timestamp >= ? AND m.timestamp < ? ORDER BY m.timestamp)"
)
_STATISTICS: Final = ", ".join(
    f"count({each}) AS {each}_count, min({each}) AS {each}_min,"
    f" (2 * sum({each}) + count({each})) / (2 * count({each})) AS {each}_mean, max({each}) AS {each}_max,"
    f" 0 AS {each}_flagged"
    for each in _SIGNS
)
_PARTS: Final = ("t", *(f"{each}_{part}" for each in _SIGNS for part in ("count", "min", "mean", "max", "flagged")))
# Of readings that nothing is said of.
_BUCKETS: Final = (
    f"SELECT {', '.join(f'json_group_array({each})' for each in _PARTS)} FROM (SELECT"
    f" m.timestamp - m.timestamp % ? AS t, {_STATISTICS} FROM patient_metrics AS m"
    " WHERE m.patient_id = (SELECT id FROM patients WHERE uuid = ?) AND m.timestamp >= ? AND m.timestamp < ?"
    " GROUP BY t ORDER BY t)"
)
_EVERY: Final = {"15m": 900_000, "6h": 21_600_000}
_AFTER_ALL: Final = 2**62

_encode: Final = msgspec.json.Encoder().encode


class Reading(Struct, gc=False):
    """A reading, as the API encodes it."""

    timestamp: datetime
    pulse: float | None
    resp_rate: float | None
    bp: str | None
    spo2: float | None
    temperature: float | None
    map: float | UnsetType = UNSET
    bp_measured_at: datetime | UnsetType = UNSET
    quality: msgspec.Raw | UnsetType = UNSET


class Summary(Struct, gc=False):
    """A patient, with the latest reading."""

    uuid: str
    name: str | None
    latest: Reading | None
    latest_age_seconds: float | None


def create(path: str) -> Litestar:
    """Make the application on a database."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)

    @get("/health/live")
    async def live() -> Response[bytes]:
        return json_of(b'{"status":"ok"}')

    @get("/static/{size:int}")
    async def static(size: int) -> Response[bytes]:
        return json_of(prepared(size))

    @get("/patients")
    async def list_patients(request: Request[Any, Any, Any]) -> Response[bytes]:
        return answer(request, [to_summary(row) for row in connection.execute(_PATIENTS)])

    @get("/patient/{patient:uuid}/metrics")
    async def list_metrics(
        request: Request[Any, Any, Any],
        patient: UUID,
        since: Annotated[datetime | None, Parameter(query="from")] = None,
        until: Annotated[datetime | None, Parameter(query="to")] = None,
        limit: int = 1_000,
        every: str | None = None,
        form: Annotated[str, Parameter(query="format")] = "json",
    ) -> Response[bytes]:
        wanted = (str(patient), milliseconds(since, 0), milliseconds(until, _AFTER_ALL))
        if every is not None:
            texts = connection.execute(_BUCKETS, (_EVERY[every], *wanted)).fetchone()
            return answer(request, dict(zip(_PARTS, map(msgspec.Raw, texts), strict=True)))
        if form == "columns":
            return answer(request, to_columns(*connection.execute(_BY_COLUMN, wanted).fetchone()))
        return answer(request, [to_reading(*row) for row in connection.execute(_PAGE, (*wanted, limit))])

    @get("/patient/{patient:uuid}/metrics/latest")
    async def latest_metrics(request: Request[Any, Any, Any], patient: UUID) -> Response[bytes]:
        row = connection.execute(_LATEST, (str(patient),)).fetchone()
        if row is None:
            raise NotFoundException
        return answer(request, to_reading(*row))

    return Litestar([live, static, list_patients, list_metrics, latest_metrics], openapi_config=None)


def answer(request: Request[Any, Any, Any], value: object) -> Response[bytes]:
    """Encode a value as JSON, compressed if it is large and the client accepts gzip."""
    body = _encode(value)
    if len(body) >= SMALLEST and "gzip" in request.headers.get("accept-encoding", ""):
        return json_of(gzip.compress(body, 1, mtime=0), headers={"content-encoding": "gzip"})
    return json_of(body)


json_of = partial(Response[bytes], media_type="application/json")


@lru_cache
def prepared(size: int) -> bytes:
    """Return a body of this size, prepared in advance."""
    return b" " * size


def to_columns(first: int, last: int, count: int, *signs: str) -> dict[str, object]:
    """Convert the signs to columns of integers, the oldest first."""
    columns = {name: msgspec.Raw(text) for name, text in zip(_SIGNS, signs, strict=True)}
    return {"t0": first, "step": (last - first) // max(1, count - 1), "columns": columns}


def to_summary(row: Sequence[Any]) -> Summary:
    """Convert a row to a patient with the newest reading."""
    uuid, name, lag, timestamp, *rest = row
    if timestamp is None:
        return Summary(uuid, name, None, None)
    return Summary(uuid, name, to_reading(timestamp, *rest), time.time() - (timestamp + lag) / 1_000)


def to_reading(
    timestamp: int,
    pulse: int | None,
    resp_rate: int | None,
    systolic: int | None,
    diastolic: int | None,
    spo2: int | None,
    temperature: int | None,
    mean: int | None,
    measured: int | None,
    quality: str | None,
) -> Reading:
    """Convert a row to a reading."""
    return Reading(
        to_time(timestamp),
        to_value(pulse),
        to_value(resp_rate),
        to_pressure(systolic, diastolic),
        to_value(spo2),
        to_value(temperature),
        UNSET if mean is None else to_value(mean) or 0,
        UNSET if measured is None else to_time(measured),
        UNSET if quality is None else msgspec.Raw(quality),
    )


def to_time(moment: int) -> datetime:
    """Convert milliseconds to a time, UTC."""
    return datetime.fromtimestamp(moment / 1_000, UTC)


def to_value(hundredths: int | None) -> float | None:
    """Convert hundredths to a value; a whole one has no fraction."""
    if hundredths is None:
        return None
    return hundredths / 100 if hundredths % 100 else hundredths // 100


def to_pressure(systolic: int | None, diastolic: int | None) -> str | None:
    """Format a pressure as text."""
    if systolic is None and diastolic is None:
        return None
    high, low = to_value(systolic), to_value(diastolic)
    return f"{'-' if high is None else high}/{'-' if low is None else low}"


def milliseconds(moment: datetime | None, otherwise: int) -> int:
    """Convert a time to milliseconds since 1970."""
    return otherwise if moment is None else round(moment.timestamp() * 1_000)


if __name__ == "__main__":
    file, port = sys.argv[1:]
    uvicorn.run(create(file), port=int(port), log_level="warning", access_log=False)
