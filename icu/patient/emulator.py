"""The emulator: one task that serves any number of beds, each on its own schedule."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from loguru import logger

from icu.messages import encode
from icu.patient.beds import Bed
from icu.patient.telemetry import Telemetry
from icu.transports.base import Transport

ROUND: Final = 1_000
"""Observations that are sent at a time at most."""


def clock() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)


async def emulate(
    *,
    beds: Sequence[Bed],
    transport: Transport,
    telemetry: Telemetry,
    now: Callable[[], datetime] = clock,
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    """Send what the beds observe, when it is due. Ends when no bed has anything left to send.

    An observation counts as sent once the transport has acknowledged it. While the transport is full the emulator
    waits; slots of simulated patients that pass meanwhile are left out and counted.
    """
    began = anyio.current_time()
    schedule = [(due, number) for number, bed in enumerate(beds) if (due := _begin(bed)) is not None]
    heapify(schedule)
    task_status.started()
    while schedule:
        await anyio.sleep_until(began + schedule[0][0])
        elapsed = anyio.current_time() - began
        turn = _take_due(schedule, elapsed)
        observations = [beds[number].observe(now()) for number in turn]
        telemetry.produced.inc(len(turn))
        await transport.publish(encode(observations))
        telemetry.delivered.inc(len(turn))
        elapsed = anyio.current_time() - began
        for number, observation in zip(turn, observations, strict=True):
            missed = beds[number].sent(observation, elapsed)
            if missed:
                telemetry.missed.inc(missed)
                logger.bind(patient_uuid=str(observation.patient_uuid)).warning("{} observations left out", missed)
            if (due := beds[number].due()) is not None:
                heappush(schedule, (due, number))
    logger.debug("nothing left to send")


def _begin(bed: Bed) -> float | None:
    bed.begin()
    return bed.due()


def _take_due(schedule: list[tuple[float, int]], elapsed: float) -> list[int]:
    """The beds whose turn has come, no more than a round's worth."""
    turn: list[int] = []
    while schedule and schedule[0][0] <= elapsed and len(turn) < ROUND:
        turn.append(heappop(schedule)[1])
    return turn
