"""The history API as it is usually written: FastAPI, the ORM on aiosqlite, pydantic models of the answers.

    python -m tests.benchmarks.api_naive FILE PORT

It reads the ward's own file, which is in WAL, and its tables, in which a patient's readings lie together. It compresses
with gzip as we do: level 1, and what is larger than 16 KB. There is no log of requests.
"""

import json
import sys
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.middleware.gzip import GZipMiddleware
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from tests.benchmarks.naive_tables import Patient, PatientMetric

# Milliseconds of the buckets that are asked for.
EVERY = {"15m": 900_000, "6h": 21_600_000}
SIGNS = ("pulse", "resp_rate", "systolic", "diastolic", "spo2", "temperature", "map")


class Reading(BaseModel):
    """A reading."""

    timestamp: datetime
    pulse: float | None
    resp_rate: float | None
    bp: str | None
    spo2: float | None
    temperature: float | None
    map: float | None
    bp_measured_at: datetime | None
    quality: dict[str, str] | None


class Statistics(BaseModel):
    """Values of a sign in a bucket."""

    count: int
    min: float | None
    mean: float | None
    max: float | None


class Bucket(BaseModel):
    """Statistics of the readings of a span."""

    timestamp: datetime
    signs: dict[str, Statistics]


class Summary(BaseModel):
    """A patient, with the latest reading."""

    uuid: UUID
    name: str | None
    latest: Reading | None
    latest_age_seconds: float | None


def create(path: str) -> FastAPI:
    """Make the application on a database."""
    app = FastAPI()
    app.add_middleware(GZipMiddleware, minimum_size=16 * 1024, compresslevel=1)
    # On a busy machine 16 clients wait longer for the usual 15 connections than the usual 30 s.
    sessions = async_sessionmaker(create_async_engine(f"sqlite+aiosqlite:///{path}", pool_timeout=600))

    async def open_session() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    Session = Annotated[AsyncSession, Depends(open_session)]  # noqa: N806 - a type

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/patients")
    async def list_patients(session: Session) -> list[Summary]:
        patients = await session.scalars(select(Patient).order_by(Patient.id))
        return [await summary(session, each) for each in patients.all()]

    @app.get("/patient/{uuid}/metrics")
    async def list_metrics(
        session: Session,
        uuid: UUID,
        since: Annotated[datetime | None, Query(alias="from")] = None,
        until: Annotated[datetime | None, Query(alias="to")] = None,
        limit: int = 1_000,
        every: str | None = None,
    ) -> list[Reading] | list[Bucket]:
        query = select(PatientMetric).where(PatientMetric.patient_id == (await find(session, uuid)).id)
        if since is not None:
            query = query.where(PatientMetric.timestamp >= round(since.timestamp() * 1_000))
        if until is not None:
            query = query.where(PatientMetric.timestamp < round(until.timestamp() * 1_000))
        if every is not None:
            return to_buckets(await session.scalars(query.order_by(PatientMetric.timestamp)), EVERY[every])
        metrics = await session.scalars(query.order_by(PatientMetric.timestamp.desc()).limit(limit))
        return [to_reading(each) for each in metrics.all()]

    @app.get("/patient/{uuid}/metrics/latest")
    async def latest_metrics(session: Session, uuid: UUID) -> Reading:
        metric = await latest(session, await find(session, uuid))
        if metric is None:
            raise HTTPException(404, "no readings yet")
        return to_reading(metric)

    return app


async def find(session: AsyncSession, uuid: UUID) -> Patient:
    """Find a patient; 404 for an unknown one."""
    patient = await session.scalar(select(Patient).where(Patient.uuid == str(uuid)))
    if patient is None:
        raise HTTPException(404, "no such patient")
    return patient


async def latest(session: AsyncSession, patient: Patient) -> PatientMetric | None:
    """Find the patient's newest reading."""
    query = select(PatientMetric).where(PatientMetric.patient_id == patient.id)
    return await session.scalar(query.order_by(PatientMetric.timestamp.desc()).limit(1))


async def summary(session: AsyncSession, patient: Patient) -> Summary:
    """Make a patient's summary, with a query of its own for the latest reading."""
    metric = await latest(session, patient)
    if metric is None:
        return Summary(uuid=UUID(patient.uuid), name=patient.name, latest=None, latest_age_seconds=None)
    age = datetime.now(UTC).timestamp() - (metric.timestamp + metric.lag) / 1_000
    return Summary(uuid=UUID(patient.uuid), name=patient.name, latest=to_reading(metric), latest_age_seconds=age)


def to_reading(metric: PatientMetric) -> Reading:
    """Convert a row to a reading."""
    return Reading(
        timestamp=to_time(metric.timestamp),
        pulse=to_value(metric.pulse),
        resp_rate=to_value(metric.resp_rate),
        bp=to_pressure(metric.systolic, metric.diastolic),
        spo2=to_value(metric.spo2),
        temperature=to_value(metric.temperature),
        map=to_value(metric.map),
        bp_measured_at=None if metric.bp_measured_at is None else to_time(metric.bp_measured_at),
        quality=None if metric.quality is None else json.loads(metric.quality),
    )


def to_buckets(metrics: Iterable[PatientMetric], every: int) -> list[Bucket]:
    """Compute the statistics of buckets of so many milliseconds."""
    found: dict[int, list[PatientMetric]] = {}
    for each in metrics:
        found.setdefault(each.timestamp // every * every, []).append(each)
    return [
        Bucket(
            timestamp=to_time(begin),
            signs={name: to_statistics([getattr(each, name) for each in some]) for name in SIGNS},
        )
        for begin, some in found.items()
    ]


def to_statistics(values: list[int | None]) -> Statistics:
    """Compute the statistics of hundredths."""
    there = [each / 100 for each in values if each is not None]
    if not there:
        return Statistics(count=0, min=None, mean=None, max=None)
    return Statistics(count=len(there), min=min(there), mean=round(sum(there) / len(there), 2), max=max(there))


def to_time(milliseconds: int) -> datetime:
    """Convert milliseconds to a time, UTC."""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)


def to_value(hundredths: int | None) -> float | None:
    """Convert hundredths to a value."""
    return None if hundredths is None else hundredths / 100


def to_pressure(systolic: int | None, diastolic: int | None) -> str | None:
    """Format a pressure as text."""
    if systolic is None and diastolic is None:
        return None
    return "/".join("-" if each is None else f"{each / 100:g}" for each in (systolic, diastolic))


if __name__ == "__main__":
    file, port = sys.argv[1:]
    uvicorn.run(create(file), port=int(port), log_level="warning", access_log=False)
