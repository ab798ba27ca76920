"""The supervisor's end of the control socket. Whatever clients do, the ward goes on."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Final, Protocol

import anyio
import msgspec
from anyio import TASK_STATUS_IGNORED, BrokenResourceError, CancelScope, to_thread
from anyio.abc import SocketListener, SocketStream, TaskStatus
from loguru import logger

from icu.control.callers import (
    MOST_FOLLOWERS,
    MOST_ORDERS,
    Arrivals,
    Caller,
    CallerGoneError,
    CallerLimit,
)
from icu.control.errors import UnknownChildError
from icu.control.listener import take
from icu.control.places import Place
from icu.control.protocol import Answer, Failed, Logs, Missed, Order, Request
from icu.control.records import RecentRecords, matches
from icu.errors import EXIT_CODES, IcuError, Kind
from icu.supervisor.view import ChildView

# Seconds between two looks for new log records.
FOLLOW_EVERY: Final = 0.2

# Seconds after which a client that follows gets an empty line: only so it is noticed that it is gone.
SIGN_OF_LIFE: Final = 10.0

# Seconds until a client is taken in again after one could not be.
ACCEPT_AGAIN: Final = 1.0

# Seconds that a client who follows may take for the last records, when the ward stops.
LAST_WORDS: Final = 0.5


class Ward(Protocol):
    """Whom orders are for."""

    def matching(self, patterns: Iterable[str]) -> Sequence[ChildView]:
        """The children that match, and are no supervisors; all of them without patterns."""


async def serve(
    ward: Ward,
    orders: Sequence[type[Order]],
    records: RecentRecords,
    places: Sequence[Place],
    *,
    names: Sequence[Place] = (),
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    """Answer requests until cancelled: `orders` to the ward, and for its log. It is found by `names` too.

    Ends at once where no socket can be made. SupervisorRunsError where another supervisor has the socket.
    """
    seat = await to_thread.run_sync(take, places)
    name = await to_thread.run_sync(seat.call, names) if seat else None
    task_status.started()
    if seat is None:
        return
    async with await SocketListener.from_socket(seat.socket) as listener:
        try:
            await _Room(ward, orders, _Log(ward, records)).attend(listener)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(seat.leave)
                if name is not None:
                    await to_thread.run_sync(seat.forget, name)


@asynccontextmanager
async def accepting_orders(path: Path, ward: object, orders: Sequence[type[Order]]) -> AsyncIterator[None]:
    """Let something obey orders that come to a socket of this path while the block runs. It has no log."""
    async with await anyio.create_unix_listener(path, mode=0o600) as listener, anyio.create_task_group() as group:
        group.start_soon(_Room(ward, orders).attend, listener)
        yield
        group.cancel_scope.cancel()


class _Room:
    """All clients of a ward."""

    def __init__(self, ward: object, orders: Sequence[type[Order]], log: "_Log | None" = None) -> None:
        self._ward = ward
        self._log = log
        kinds = reduce(or_, orders if log is None else (Logs, *orders))
        self._requests = msgspec.json.Decoder[Request](kinds)
        self._arrivals = Arrivals()
        self._followers = CallerLimit(MOST_FOLLOWERS, "clients that follow the log")
        self._orders = CallerLimit(MOST_ORDERS, "clients that wait for an answer")

    async def attend(self, listener: SocketListener) -> None:
        """Take in client after client."""
        async with anyio.create_task_group() as group:
            while True:
                try:
                    group.start_soon(self._converse, await listener.accept())
                except BrokenResourceError as exc:  # no file descriptors left, for instance
                    logger.warning("the control socket cannot take in a client: {}", exc.__cause__)
                    await anyio.sleep(ACCEPT_AGAIN)

    async def _converse(self, stream: SocketStream) -> None:
        """Hear a request and answer it. An order is carried out though its client may be gone meanwhile."""
        with suppress(CallerGoneError):
            async with stream:
                caller = Caller(stream, self._requests)
                failed = await self._attend_to(caller)
                if failed is not None:
                    await caller.answer(failed)

    async def _attend_to(self, caller: Caller) -> Failed | None:
        """Hear and answer; or else what went wrong, which is to be answered."""
        try:
            # Whoever is refused is heard first: what closes before it is asked loses its answer.
            request = await self._arrivals.hear(caller)
            if isinstance(request, Logs) and self._log is not None:
                reader = self._log.reader(request, caller)
                with (self._followers if request.follow else self._orders).one():
                    await reader.read()
            elif isinstance(request, Order):
                with self._orders.one():
                    await caller.answer(await request.carry_out(self._ward))
        except CallerGoneError:
            raise
        except IcuError as exc:
            return Failed(str(exc), exc.exit_code)
        except Exception as exc:  # noqa: BLE001 - a mistake in here is no reason to end the ward
            logger.opt(exception=exc).error("a request over the control socket failed")
            return Failed("an error of the supervisor, which its log explains", EXIT_CODES[Kind.INTERNAL])
        return None


class _Log:
    """The log of a ward, for whoever asks for it."""

    def __init__(self, ward: Ward, records: RecentRecords) -> None:
        self._ward = ward
        self._records = records

    def reader(self, request: Logs, caller: Caller) -> "_Reader":
        """Somebody who reads it. UnknownChildError where there is no such child."""
        known = self._records.children() | {child.id for child in self._ward.matching(())}
        if request.id is not None and not any(matches(child, request.id) for child in known):
            raise UnknownChildError(request.id, sorted(known))
        return _Reader(self._records, request, caller)


class _Reader:
    """Somebody who reads the log, and how far."""

    def __init__(self, records: RecentRecords, request: Logs, caller: Caller) -> None:
        self._records = records
        self._pattern = request.id
        self._caller = caller
        self._follow = request.follow
        self._seen = 0
        self._said_at = anyio.current_time()

    async def read(self) -> None:
        """Send the records that are kept, and those to come. They wait for no client: it is told how many it missed."""
        await self._catch_up()
        while self._follow:
            await self._wait()
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Send the records that are new, if they are wanted; a sign of life where there was none for long."""
        entries = self._records.after(self._seen)
        said: list[Answer] = [entry for _, entry in entries if matches(entry.child, self._pattern)]
        if self._seen and entries and entries[0][0] > self._seen + 1:
            said.insert(0, Missed(entries[0][0] - self._seen - 1))
        self._seen = entries[-1][0] if entries else self._seen
        if said or anyio.current_time() - self._said_at > SIGN_OF_LIFE:
            self._said_at = anyio.current_time()
            await self._caller.answer(*said, hurry=not self._follow)

    async def _wait(self) -> None:
        """Until the next look. Where the ward is told to stop meanwhile, that stands in the log and is sent too."""
        try:
            await anyio.sleep(FOLLOW_EVERY)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(LAST_WORDS, shield=True):
                await self._catch_up()
            raise
