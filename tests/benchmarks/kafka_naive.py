"""The obvious service, for comparison: aiokafka's iterator, pydantic, and the ORM.

Each message is stored and committed, then its offset is, so that none is lost. It needs pydantic, which the project
does not: pip install -e '.[bench]'.
"""

from datetime import datetime
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from icu.store.tables import Base, Patient, PatientMetric
from tests.benchmarks.contest import Lap, Stopwatch


class Message(BaseModel):
    """The brief's message."""

    patient_uuid: UUID
    patient_name: str
    timestamp: datetime
    pulse: int
    resp_rate: int
    bp: str
    spo2: int
    temperature: float


async def store(bootstrap: str, topic: str, url: str, count: int) -> Lap:
    """Store so many messages of the topic in a new file, with SQLite as it comes."""
    engine = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine)
    group = {"group_id": f"bench-{uuid4()}", "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, **group) as consumer:
        records = aiter(consumer)
        await anext(records)  # the watch starts when it is connected
        watch = Stopwatch()
        for _ in range(count):
            record = await anext(records)
            async with sessions() as session:
                await add(session, Message.model_validate_json(record.value))
                await session.commit()
            await consumer.commit()
        lap = watch.lap(count)
    await engine.dispose()
    return lap


async def add(session: AsyncSession, message: Message) -> None:
    """One row, and its patient's when it is the first."""
    patient = await session.scalar(select(Patient).where(Patient.uuid == str(message.patient_uuid)))
    if patient is None:
        patient = Patient(uuid=str(message.patient_uuid), name=message.patient_name)
        session.add(patient)
        await session.flush()
    systolic, diastolic = (int(half) for half in message.bp.split("/"))
    session.add(
        PatientMetric(
            patient_id=patient.id,
            timestamp=round(message.timestamp.timestamp() * 1000),
            pulse=message.pulse * 100,
            resp_rate=message.resp_rate * 100,
            systolic=systolic * 100,
            diastolic=diastolic * 100,
            spo2=message.spo2 * 100,
            temperature=round(message.temperature * 100),
            lag=0,
            flags=0,
        )
    )
