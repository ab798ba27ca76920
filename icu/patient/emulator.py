"""The emulator: one task that serves any number of bays, each on its own schedule; what they see is forwarded."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from itertools import chain
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from loguru import logger

from icu.messages import encode
from icu.patient.beds import Bay
from icu.patient.telemetry import Telemetry
from icu.transports.base import Transport
from icu.transports.sending import SendBuffer, forwarding

ROUND: Final = 1_000
"""Observations that are made at a time, about."""

AHEAD: Final = 2_000
"""Records of the past that may wait in memory for the sink. Whoever catches up keeps the interpreter busy, and a sink
beside it hardly stores anything until it pauses."""

LOOK_EVERY: Final = 0.5
"""Seconds after which it looks how much time has passed: the loop's clock leaves out what the process stood still."""


def clock() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)


async def emulate(
    *,
    bays: Sequence[Bay],
    buffer: SendBuffer,
    transport: Transport,
    telemetry: Telemetry,
    now: Callable[[], datetime] = clock,
    monotonic: Callable[[], float] = anyio.current_time,
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    """Send what the bays observe, when it is due. Ends when no bay has anything left to send.

    `monotonic` counts seconds, also while the process stands still, which the loop's own clock may not.

    While the transport is away, patients go on and their readings wait in the send buffer, which drops the oldest when
    it is full; the past waits, for nothing of it may be lost: recordings, and patients who have yet to catch up.
    """
    task_status.started()
    async with forwarding(buffer, transport, telemetry.delivered):
        await _observe(bays, buffer, transport, telemetry, now, monotonic)
    logger.debug("nothing left to send")


async def _observe(
    bays: Sequence[Bay],
    buffer: SendBuffer,
    transport: Transport,
    telemetry: Telemetry,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> None:
    # Our clock before the other one, here and below: nothing is early by what lies between the two looks.
    moment, began = now(), monotonic()
    for bay in bays:
        bay.begin(moment)
    # As times of that clock: a difference of its times would miss the mark by a rounding.
    schedule = [(began + due, number) for number, bay in enumerate(bays) if (due := bay.due()) is not None]
    heapify(schedule)
    while schedule:
        await _sleep_until(schedule[0][0], monotonic)
        turn = _take_due(schedule, bays, monotonic())
        await _room(buffer, transport, [bays[number] for number in turn])
        observations = list(chain.from_iterable(bays[number].observe() for number in turn))
        dropped = buffer.put(encode(observations))
        telemetry.produced(len(observations), dropped=dropped)
        if dropped:
            logger.warning("{} observations were dropped: the transport has been away for too long", dropped)
        moment, elapsed = now(), monotonic() - began
        for number in turn:
            bay = bays[number]
            missed = bay.advance(elapsed, moment)
            if missed:
                telemetry.missed.inc(missed * len(bay.identities))
                logger.warning("{}: {} observations left out, for the emulator was late", _named(bay), missed)
            if (due := bay.due()) is not None:
                # Who has fallen behind queues up behind the others who have.
                heappush(schedule, (began + max(due, elapsed), number))


async def _sleep_until(moment: float, monotonic: Callable[[], float]) -> None:
    """Sleep until that clock shows this moment."""
    while True:
        began = anyio.current_time()
        await anyio.sleep_until(min(began + LOOK_EVERY, moment - (monotonic() - began)))
        if monotonic() >= moment:
            return


def _take_due(schedule: list[tuple[float, int]], bays: Sequence[Bay], now: float) -> list[int]:
    """The bays whose turn has come, of no more patients than a round holds, but one at least."""
    turn: list[int] = []
    patients = 0
    while schedule and schedule[0][0] <= now and (not turn or patients < ROUND):
        turn.append(heappop(schedule)[1])
        patients += len(bays[turn[-1]].identities)
    return turn


def _named(bay: Bay) -> str:
    return bay.identities[0].name if len(bay.identities) == 1 else f"{len(bay.identities)} patients"


async def _room(buffer: SendBuffer, transport: Transport, bays: Sequence[Bay]) -> None:
    """Wait until there is room for the next records of those bays that can wait."""
    for bay in bays:
        if bay.can_wait:
            await transport.until_stored(AHEAD)
        while bay.can_wait and any(buffer.is_full(each.key) for each in bay.identities):
            await buffer.change()
