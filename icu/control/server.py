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
    MAX_FOLLOWERS,
    MAX_ORDERS,
    Caller,
    CallerGoneError,
    CallerLimit,
    SilentCallers,
)
from icu.control.errors import UnknownChildError
from icu.control.listener import bind_first
from icu.control.places import Place
from icu.control.protocol import Answer, ControlOrder, Failed, Logs, Missed, Request
from icu.control.records import RecentRecords, matches
from icu.errors import EXIT_CODES, IcuError, Kind
from icu.supervisor.view import ChildView

# Seconds between two looks for new log records.
FOLLOW_INTERVAL: Final = 0.2

# Seconds without a record after which a follower gets an empty line. Only a failed write shows that it is gone.
KEEPALIVE_INTERVAL: Final = 10.0

# Seconds until the next attempt to accept a caller, after one has failed.
ACCEPT_PAUSE: Final = 1.0

# Seconds in which a follower can receive the last records when the ward stops.
LAST_RECORDS_TIMEOUT: Final = 0.5


class Ward(Protocol):
    """The receiver of orders."""

    def matching(self, patterns: Iterable[str]) -> Sequence[ChildView]:
        """Select the children that match one of the patterns, without supervisors. All of them without patterns."""


async def serve(
    ward: Ward,
    orders: Sequence[type[ControlOrder]],
    records: RecentRecords,
    places: Sequence[Place],
    *,
    names: Sequence[Place] = (),
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    """Answer requests until cancelled. Returns at once if no place is possible.

    Args:
        ward: The receiver of the orders.
        orders: The orders that are accepted.
        records: The records for requests of the log.
        places: The places of the socket, the best first.
        names: The places of links to the socket, the best first.
        task_status: Where `started` is reported, once callers can connect.

    Raises:
        SupervisorRunsError: Another supervisor has the socket.
    """
    bound = await to_thread.run_sync(bind_first, places)
    alias = await to_thread.run_sync(bound.add_alias, names) if bound else None
    task_status.started()
    if bound is None:
        return
    async with await SocketListener.from_socket(bound.socket) as listener:
        try:
            await _Server(ward, orders, _LogSource(ward, records)).accept_all(listener)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(bound.unlink)
                if alias is not None:
                    await to_thread.run_sync(bound.remove_alias, alias)


@asynccontextmanager
async def accepting_orders(path: Path, ward: object, orders: Sequence[type[ControlOrder]]) -> AsyncIterator[None]:
    """Accept orders on a socket while the block runs.

    Args:
        path: The path of the socket, which only this user can connect to.
        ward: The receiver of the orders.
        orders: The orders that are accepted.
    """
    async with await anyio.create_unix_listener(path, mode=0o600) as listener, anyio.create_task_group() as group:
        group.start_soon(_Server(ward, orders).accept_all, listener)
        yield
        group.cancel_scope.cancel()


class _Server:
    """All callers of a ward, and the limits on them."""

    def __init__(self, ward: object, orders: Sequence[type[ControlOrder]], log: "_LogSource | None" = None) -> None:
        self._ward = ward
        self._log = log
        kinds = reduce(or_, orders if log is None else (Logs, *orders))
        self._requests = msgspec.json.Decoder[Request](kinds)
        self._silent = SilentCallers()
        self._followers = CallerLimit(MAX_FOLLOWERS, "clients that follow the log")
        self._orders = CallerLimit(MAX_ORDERS, "clients that wait for an answer")

    async def accept_all(self, listener: SocketListener) -> None:
        """Accept callers until cancelled."""
        async with anyio.create_task_group() as group:
            while True:
                try:
                    group.start_soon(self._serve_caller, await listener.accept())
                except BrokenResourceError as exc:  # no file descriptors left, for instance
                    logger.warning("the control socket cannot take in a client: {}", exc.__cause__)
                    await anyio.sleep(ACCEPT_PAUSE)

    async def _serve_caller(self, stream: SocketStream) -> None:
        # An order is carried out even if its caller disconnects meanwhile.
        with suppress(CallerGoneError):
            async with stream:
                caller = Caller(stream, self._requests)
                failed = await self._answer(caller)
                if failed is not None:
                    await caller.answer(failed)

    async def _answer(self, caller: Caller) -> Failed | None:
        """Receive a request and answer it. Returns the answer that is still to be sent if that failed."""
        try:
            # The request is received before a refusal too: a socket that is closed with unread data loses its answer.
            request = await self._silent.receive(caller)
            if isinstance(request, Logs) and self._log is not None:
                reader = self._log.reader(request, caller)
                with (self._followers if request.follow else self._orders).one():
                    await reader.read()
            elif isinstance(request, ControlOrder):
                with self._orders.one():
                    await caller.answer(await request.carry_out(self._ward))
        except CallerGoneError:
            raise
        except IcuError as exc:
            return Failed(str(exc), exc.exit_code, exc.kind)
        except Exception as exc:  # noqa: BLE001 - an unexpected error of one request must not end the ward
            logger.opt(exception=exc).error("a request over the control socket failed")
            return Failed("an error of the supervisor, which its log explains", EXIT_CODES[Kind.INTERNAL])
        return None


class _LogSource:
    """The log of a ward."""

    def __init__(self, ward: Ward, records: RecentRecords) -> None:
        self._ward = ward
        self._records = records

    def reader(self, request: Logs, caller: Caller) -> "_LogReader":
        """Make a reader for a request. Raises UnknownChildError if no child matches its pattern."""
        # A child that was removed may still have records.
        known = self._records.children() | {child.id for child in self._ward.matching(())}
        if request.id is not None and not any(matches(child, request.id) for child in known):
            raise UnknownChildError(request.id, sorted(known))
        return _LogReader(self._records, request, caller)


class _LogReader:
    """One caller that reads the log, and its progress."""

    def __init__(self, records: RecentRecords, request: Logs, caller: Caller) -> None:
        self._records = records
        self._pattern = request.id
        self._caller = caller
        self._follow = request.follow
        # The number of the last record that was looked at.
        self._seen = 0
        self._sent_at = anyio.current_time()

    async def read(self) -> None:
        """Send the kept records, and with `follow` those to come. A slow caller gets the number of missed records."""
        await self._send_new()
        while self._follow:
            await self._wait()
            await self._send_new()

    async def _send_new(self) -> None:
        """Send the new records that match, or a sign of life after KEEPALIVE_INTERVAL without any."""
        entries = self._records.after(self._seen)
        answers: list[Answer] = [entry for _, entry in entries if matches(entry.child, self._pattern)]
        if self._seen and entries and entries[0][0] > self._seen + 1:
            answers.insert(0, Missed(entries[0][0] - self._seen - 1))
        self._seen = entries[-1][0] if entries else self._seen
        if answers or anyio.current_time() - self._sent_at > KEEPALIVE_INTERVAL:
            self._sent_at = anyio.current_time()
            await self._caller.answer(*answers, timed=not self._follow)

    async def _wait(self) -> None:
        try:
            await anyio.sleep(FOLLOW_INTERVAL)
        except anyio.get_cancelled_exc_class():
            # The ward stops: its last records are sent too.
            with anyio.move_on_after(LAST_RECORDS_TIMEOUT, shield=True):
                await self._send_new()
            raise
