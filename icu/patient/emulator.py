"""The emulator: one task that serves any number of bays, each on its own schedule, and forwards their observations."""

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
from icu.patient.patients import Bay
from icu.patient.telemetry import Telemetry
from icu.transports.base import Transport
from icu.transports.sending import SendBuffer, forwarding

# Observations made at a time, about: between two rounds other tasks get their turn.
ROUND_SIZE: Final = 1_000

# Observations of one patient made at a time, at most, of those in the past: one by one they would cost several times as
# much.
LONGEST_TURN: Final = 64

# Records of the past that may wait in memory for the sink. Catching up keeps the interpreter busy, and a sink in the
# same process stores hardly anything until the emulator pauses.
MAX_UNSTORED: Final = 2_000

# Seconds between two looks at the clock while sleeping: the event loop's clock does not count the time that the process
# stood still.
CLOCK_CHECK_EVERY: Final = 0.5


def clock() -> datetime:
    """Return the current time, UTC."""
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
    """Send the observations of the bays when they are due. Ends after the last one.

    While the transport is away, patients go on and their observations wait in the send buffer, which drops the oldest
    when it is full. The past waits instead, for nothing of it may be lost: recordings, and patients that have yet to
    catch up.

    Args:
        bays: All patients of the child.
        buffer: Outlives the emulator, with the observations that are not sent yet.
        transport: Open; its owner closes it.
        telemetry: Metrics.
        now: Wall clock, UTC.
        monotonic: Seconds; counts while the process stands still too, which the event loop's clock may not.
        task_status: Started at once: patients need no broker.
    """
    task_status.started()
    async with forwarding(buffer, transport, telemetry.count_delivered):
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
    # The wall clock first, here and below: the time between the two reads then makes observations late, never early.
    moment, began = now(), monotonic()
    for bay in bays:
        bay.begin(moment)
    # (Time on the monotonic clock, bay), as a heap. Absolute: a difference could miss the due moment by a rounding.
    schedule = [(began + due, number) for number, bay in enumerate(bays) if (due := bay.due()) is not None]
    heapify(schedule)
    while schedule:
        await _sleep_until(schedule[0][0], monotonic)
        due_bays = _take_due(schedule, bays, monotonic())
        await _wait_for_room(buffer, transport, [bays[number] for number in due_bays])
        observations = list(
            chain.from_iterable(bays[number].observe(_turn(bays[number], buffer)) for number in due_bays)
        )
        dropped = buffer.put(encode(observations))
        telemetry.count_produced(len(observations), dropped=dropped)
        if dropped:
            logger.warning("{} observations were dropped: the transport has been away for too long", dropped)
        moment, elapsed = now(), monotonic() - began
        for number in due_bays:
            bay = bays[number]
            missed = bay.advance(elapsed, moment)
            if missed:
                telemetry.missed.inc(missed * len(bay.identities))
                logger.warning("{}: {} observations left out, for the emulator was late", _label(bay), missed)
            if (due := bay.due()) is not None:
                # A late bay queues behind the other late ones, so that none of them starves the rest.
                heappush(schedule, (began + max(due, elapsed), number))


async def _sleep_until(moment: float, monotonic: Callable[[], float]) -> None:
    """Sleep until the monotonic clock shows this moment."""
    while True:
        began = anyio.current_time()
        await anyio.sleep_until(min(began + CLOCK_CHECK_EVERY, moment - (monotonic() - began)))
        if monotonic() >= moment:
            return


def _take_due(schedule: list[tuple[float, int]], bays: Sequence[Bay], now: float) -> list[int]:
    """Take the bays that are due from the schedule: at least one, and no more observations than a round holds."""
    due_bays: list[int] = []
    observations = 0
    while schedule and schedule[0][0] <= now and (not due_bays or observations < ROUND_SIZE):
        due_bays.append(heappop(schedule)[1])
        bay = bays[due_bays[-1]]
        observations += len(bay.identities) * min(bay.backlog, _longest_turn(bay))
    return due_bays


def _longest_turn(bay: Bay) -> int:
    return max(1, min(LONGEST_TURN, ROUND_SIZE // len(bay.identities)))


def _turn(bay: Bay, buffer: SendBuffer) -> int:
    """Number of observations of each patient that a bay may make now."""
    return min(_longest_turn(bay), *map(buffer.room, bay.keys)) if bay.backlog > 1 else 1


def _label(bay: Bay) -> str:
    return bay.identities[0].name if len(bay.identities) == 1 else f"{len(bay.identities)} patients"


async def _wait_for_room(buffer: SendBuffer, transport: Transport, bays: Sequence[Bay]) -> None:
    """Wait until there is room for the next records of the bays that can wait."""
    waiting = [bay for bay in bays if bay.can_wait]
    if waiting:
        # Those that are not yet published wait in memory too.
        await transport.until_stored(max(0, MAX_UNSTORED - len(buffer)))
    for bay in waiting:
        while min(map(buffer.room, bay.keys)) < 1:
            await buffer.change()
