"""Storing observations without a sink, and looking at what another program sees in the file."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from icu.messages import Observation, Position, Refusal
from icu.store.writer import Intake, Move, Outcome, Writer
from tests.samples import START, delivery

NOON = round(START.timestamp() * 1000)


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What another program sees in the file."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def store(
    writer: Writer,
    observations: Sequence[Observation],
    *,
    start: int = 0,
    refusals: Sequence[Refusal] = (),
    arrived: int = NOON,
) -> Outcome:
    """Store the observations as offsets `start` and following of partition 0."""
    deliveries = [delivery(each, offset=start + place) for place, each in enumerate(observations)]
    end = start + len(observations) + len(refusals)
    move = Move(0, start, Position(end, "m"))
    return await writer.write(Intake(observations, deliveries, refusals, [move]), arrived=arrived)
