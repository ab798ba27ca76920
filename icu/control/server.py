"""The supervisor's end of the control socket. Whatever clients do, the ward goes on."""

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

import anyio
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
from icu.control.protocol import (
    Answer,
    Befall,
    Befallen,
    Change,
    Children,
    Done,
    Failed,
    Logs,
    Missed,
    Reload,
    Restart,
    Scale,
    Start,
    Status,
    Stop,
    Supervisors,
    Tree,
    is_settled,
)
from icu.control.records import Records, is_meant
from icu.errors import EXIT_CODES, IcuError, Kind
from icu.supervisor.view import ChildView, State

FOLLOW_EVERY: Final = 0.2
"""Seconds between two looks for new log records."""

SIGN_OF_LIFE: Final = 10.0
"""Seconds after which a client that follows gets an empty line: only so it is noticed that it is gone."""

ACCEPT_AGAIN: Final = 1.0
"""Seconds until a client is taken in again after one could not be."""

SETTLING: Final = 3.0
"""Seconds for which an order that is done waits until the children are shown as what they are: a start takes 1 s to
count."""

LOOK_EVERY: Final = 0.1
"""Seconds between two looks meanwhile."""

LAST_WORDS: Final = 0.5
"""Seconds that a client who follows may take for the last records, when the ward stops."""


class Controlled(Protocol):
    """The supervisors that are looked at and steered. Patterns that match nobody raise UnknownChildError."""

    @property
    def rules(self) -> Mapping[str, str]:
        """The rules of each supervisor, by its id; the outermost one's below an empty id."""

    def view(self) -> Sequence[ChildView]:
        """All children, those of supervisors below them."""

    async def unready(self) -> str | None:
        """Why the ward is not ready, if so."""

    def matching(self, patterns: Iterable[str]) -> Sequence[ChildView]:
        """The children that match, and are no supervisors; all of them without patterns."""

    async def start(self, *patterns: str) -> Mapping[str, str | None]:
        """Start those that match: their ids, each with what went wrong."""

    async def stop(self, *patterns: str) -> Mapping[str, str | None]:
        """Stop those that match: their ids, each with what went wrong."""

    async def restart(self, *patterns: str) -> Mapping[str, str | None]:
        """Stop and start those that match: their ids, each with what went wrong."""

    async def scale(self, group: str, count: int) -> Change:
        """Let a group have so many children."""

    async def reload(self) -> Change:
        """Apply what has changed in the file."""

    async def befall(self, bed: str, scenario: str) -> Befallen:
        """Let a scenario befall the patients who match."""


async def serve(
    tree: Controlled,
    records: Records,
    places: Sequence[Place],
    *,
    names: Sequence[Place] = (),
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    """Answer requests until cancelled. Ends at once where no socket can be made. It is found by `names` too.

    SupervisorRunsError where another supervisor has the socket.
    """
    seat = await to_thread.run_sync(take, places)
    name = await to_thread.run_sync(seat.call, names) if seat else None
    task_status.started()
    if seat is None:
        return
    async with await SocketListener.from_socket(seat.socket) as listener:
        try:
            await _Room(tree, records).attend(listener)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(seat.leave)
                if name is not None:
                    await to_thread.run_sync(seat.forget, name)


class _Room:
    """All clients of a supervisor."""

    def __init__(self, tree: Controlled, records: Records) -> None:
        self._tree = tree
        self._records = records
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
                caller = Caller(stream)
                failed = await self._attend_to(caller)
                if failed is not None:
                    await caller.answer(failed)

    async def _attend_to(self, caller: Caller) -> Failed | None:
        """Hear and answer; or else what went wrong, which is to be answered."""
        try:
            # Whoever is refused is heard first: what closes before it is asked loses its answer.
            request = await self._arrivals.hear(caller)
            if isinstance(request, Logs):
                await self._send_records(request, caller)
            else:
                with self._orders.one():
                    await caller.answer(await self._obey(request))
        except CallerGoneError:
            raise
        except IcuError as exc:
            return Failed(str(exc), exc.exit_code)
        except Exception as exc:  # noqa: BLE001 - a mistake in here is no reason to end the ward
            logger.opt(exception=exc).error("a request over the control socket failed")
            return Failed("an error of the supervisor, which its log explains", EXIT_CODES[Kind.INTERNAL])
        return None

    async def _obey(self, request: Status | Tree | Start | Stop | Restart | Scale | Reload | Befall) -> Answer:
        tree = self._tree
        match request:
            case Status(ids):
                return self._told(tree.matching(ids))
            case Tree():
                return Supervisors(os.getpid(), dict(tree.rules), tree.view(), await tree.unready())
            case Scale(group, count):
                return await self._done(await tree.scale(group, count))
            case Reload():
                return await self._done(await tree.reload())
            case Befall(bed, scenario):
                return await tree.befall(bed, scenario)
            case Start() | Stop() | Restart():
                order = {Start: tree.start, Stop: tree.stop, Restart: tree.restart}[type(request)]
                return await self._outcome(await order(*request.ids))

    async def _outcome(self, told: Mapping[str, str | None]) -> Children:
        children = await self._settled(told)
        return self._told(children, [f"{name}: {problem}" for name, problem in told.items() if problem])

    async def _done(self, change: Change) -> Done:
        children = await self._settled(change.started)
        return Done(change.what, children, self._told(children).beds)

    def _told(self, children: Sequence[ChildView], problems: Sequence[str] = ()) -> Children:
        """The children, and what is wrong with the supervisors of theirs that are down."""
        above = [(each, {child.id for child in each.children}) for each in self._tree.view() if each.children]
        asked = {child.id for child in children}
        down = [
            f"{each.id} is {each.state}: {each.last_error}" for each, ids in above if _is_down(each) and ids & asked
        ]
        beds = [child.id for child in children if any(child.id in ids for _, ids in above)]
        return Children(children, [*problems, *down], beds)

    async def _settled(self, ids: Container[str]) -> list[ChildView]:
        """How the children are, once each has shown whether it stays up."""
        until = anyio.current_time() + SETTLING
        children = self._named(ids)
        while not all(map(is_settled, children)) and anyio.current_time() < until:
            await anyio.sleep(LOOK_EVERY)
            children = self._named(ids)
        return children

    def _named(self, ids: Container[str]) -> list[ChildView]:
        return [child for child in self._tree.matching(()) if child.id in ids]

    async def _send_records(self, request: Logs, caller: Caller) -> None:
        """The records that are kept, and those to come. They wait for no client: it is told how many it missed."""
        known = self._records.children() | {child.id for child in self._tree.matching(())}
        if request.id is not None and not any(is_meant(child, request.id) for child in known):
            raise UnknownChildError(request.id, sorted(known))
        with (self._followers if request.follow else self._orders).one():
            reader = _Reader(self._records, request, caller)
            await reader.catch_up()
            while request.follow:
                await reader.wait()
                await reader.catch_up()


class _Reader:
    """Somebody who reads the log, and how far."""

    def __init__(self, records: Records, request: Logs, caller: Caller) -> None:
        self._records = records
        self._pattern = request.id
        self._caller = caller
        self._hurry = not request.follow
        self._seen = 0
        self._said_at = anyio.current_time()

    async def catch_up(self) -> None:
        """Send the records that are new, if they are wanted; a sign of life where there was none for long."""
        entries = self._records.after(self._seen)
        said: list[Answer] = [entry for _, entry in entries if is_meant(entry.child, self._pattern)]
        if self._seen and entries and entries[0][0] > self._seen + 1:
            said.insert(0, Missed(entries[0][0] - self._seen - 1))
        self._seen = entries[-1][0] if entries else self._seen
        if said or anyio.current_time() - self._said_at > SIGN_OF_LIFE:
            self._said_at = anyio.current_time()
            await self._caller.answer(*said, hurry=self._hurry)

    async def wait(self) -> None:
        """Until the next look. Where the ward is told to stop meanwhile, that stands in the log and is sent too."""
        try:
            await anyio.sleep(FOLLOW_EVERY)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(LAST_WORDS, shield=True):
                await self.catch_up()
            raise


def _is_down(supervisor: ChildView) -> bool:
    return supervisor.state in {State.BACKOFF, State.FAILED}
