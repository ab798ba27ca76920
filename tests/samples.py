"""Observations and deliveries, for tests to vary."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from icu.messages import Delivery, Implausible, Observation, encode, uuid_of_name
from icu.sink.decoding import decode

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ANNA = uuid_of_name("Anna")
BORIS = uuid_of_name("Boris")


def observation(seconds: float = 0, *, patient: UUID = ANNA, **fields: Any) -> Observation:
    """Make a healthy reading, `seconds` after START."""
    values: dict[str, Any] = {
        "patient_name": "Anna" if patient == ANNA else "Boris",
        "pulse": 72,
        "resp_rate": 16,
        "bp": "120/80",
        "spo2": 98,
        "temperature": 36.6,
        "interval": 5,
        "schema_version": 1,
    }
    return Observation(patient_uuid=patient, timestamp=START + timedelta(seconds=seconds), **{**values, **fields})


def delivery(observation: Observation, *, offset: int = 0, partition: int = 0) -> Delivery:
    """Make the delivery of the observation to the sink."""
    [record] = encode([observation])
    return Delivery(partition, offset, record.key, record.value)


def decoded(delivery: Delivery) -> Observation:
    """Decode a delivery whose values are all possible."""
    implausible: list[Implausible] = []
    observation = decode(delivery, implausible)
    assert not implausible
    return observation
