"""The usual way to store a message: a model of it, the ORM, and a commit for each.

It needs pydantic, which the project does not: pip install -e '.[bench]'. The file is in WAL, which is cheaper than
SQLite's usual journal, and synchronous as SQLite has it; patients are known before the first message comes, as those of
a ward are.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from tests.benchmarks.contest import Lap, Stopwatch
from tests.benchmarks.naive_tables import Base, Patient, PatientMetric


class Message(BaseModel):
    """A message of the brief."""

    patient_uuid: UUID
    patient_name: str
    timestamp: datetime
    pulse: float | None
    resp_rate: float | None
    bp: str | None
    spo2: float | None
    temperature: float | None


@asynccontextmanager
async def new_sessions(url: str, patients: Sequence[UUID]) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Make sessions on a new file with these patients."""
    engine = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:"))
    async with engine.connect() as connection:
        await connection.execute(text("PRAGMA journal_mode = WAL"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine)
    async with sessions() as session:
        session.add_all([Patient(uuid=str(uuid), name="known", interval=5) for uuid in patients])
        await session.commit()
    try:
        yield sessions
    finally:
        await engine.dispose()


async def store(url: str, patients: Sequence[UUID], messages: Sequence[bytes]) -> Lap:
    """Store the messages in a new file."""
    async with new_sessions(url, patients) as sessions:
        watch = Stopwatch()
        for message in messages:
            await add(sessions, message)
        return watch.lap(len(messages))


async def add(sessions: async_sessionmaker[AsyncSession], value: bytes) -> None:
    """Add one row, and its patient with the first one."""
    message = Message.model_validate_json(value)
    async with sessions() as session:
        patient = await session.scalar(select(Patient).where(Patient.uuid == str(message.patient_uuid)))
        if patient is None:
            patient = Patient(uuid=str(message.patient_uuid), name=message.patient_name)
            session.add(patient)
            await session.flush()
        session.add(metric(patient.id, message))
        await session.commit()


def metric(patient: int, message: Message) -> PatientMetric:
    """Convert a message to a row."""
    systolic, diastolic = (float(half) for half in message.bp.split("/")) if message.bp else (None, None)
    return PatientMetric(
        patient_id=patient,
        timestamp=round(message.timestamp.timestamp() * 1_000),
        pulse=hundredths(message.pulse),
        resp_rate=hundredths(message.resp_rate),
        systolic=hundredths(systolic),
        diastolic=hundredths(diastolic),
        spo2=hundredths(message.spo2),
        temperature=hundredths(message.temperature),
        lag=0,
    )


def hundredths(value: float | None) -> int | None:
    """Convert a value to hundredths, as the table stores it."""
    return None if value is None else round(value * 100)
