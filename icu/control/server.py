"""The supervisor's end of the control socket. Whatever clients do, the ward goes on."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import anyio
import msgspec
from anyio import TASK_STATUS_IGNORED, BrokenResourceError, CancelScope, EndOfStream, IncompleteRead, to_thread
from anyio.abc import SocketListener, SocketStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream
from loguru import logger

from icu.control.listener import take
from icu.control.places import Place
from icu.control.protocol import (
    LONGEST_REQUEST,
    Answer,
    AnyRequest,
    Befall,
    Befallen,
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
    line,
    requests,
)
from icu.control.records import Records, is_meant
from icu.errors import IcuError, UnknownChildError, UsageError
from icu.supervisor.view import ChildView

PATIENCE: Final = 10.0
"""Seconds that a client may take to ask."""

FOLLOW_EVERY: Final = 0.2
"""Seconds between two looks for new log records."""

SIGN_OF_LIFE: Final = 10.0
"""Seconds after which a client that follows gets an empty line: only so it is noticed that it is gone."""

ACCEPT_AGAIN: Final = 1.0
"""Seconds until a client is taken in again after one could not be."""

LAST_WORDS: Final = 0.5
"""Seconds that a client who follows may take for the last records, when the ward stops."""

MOST_CLIENTS: Final = 100

BUSY: Final = 75
"""What a command ends with for which there is no room."""

_GONE: Final = (BrokenResourceError, EndOfStream, IncompleteRead, TimeoutError)
"""What it means that a client went away, or never said anything."""


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

    async def scale(self, group: str, count: int) -> str:
        """Let a group have so many children; says what was done."""

    async def reload(self) -> str:
        """Apply what has changed in the file; says what was done."""

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
        self._clients = 0

    async def attend(self, listener: SocketListener) -> None:
        """Take in client after client."""
        async with anyio.create_task_group() as group:
            while True:
                try:
                    group.start_soon(self._converse, await listener.accept())
                except BrokenResourceError as exc:  # no file descriptors left, for instance
                    logger.warning("the control socket cannot take in a client: {}", exc.__cause__)
                    await anyio.sleep(ACCEPT_AGAIN)

    async def _converse(self, client: SocketStream) -> None:
        """Hear a request and answer it. An order is carried out though its client may be gone meanwhile."""
        self._clients += 1
        try:
            async with client:
                if self._clients > MOST_CLIENTS:
                    why = f"there are more than {MOST_CLIENTS} clients at once: end some of them"
                    await client.send(line(Failed(why, BUSY)))
                else:
                    await self._answer(client)
        except _GONE:
            pass
        finally:
            self._clients -= 1

    async def _answer(self, client: SocketStream) -> None:
        try:
            request = await _heard(client)
            if isinstance(request, Logs):
                await self._send_records(request, client)
            else:
                await client.send(line(await self._obey(request)))
        except _GONE:
            raise
        except IcuError as exc:
            await client.send(line(Failed(str(exc), exc.exit_code)))
        except Exception as exc:  # noqa: BLE001 - a mistake in here is no reason to end the ward
            logger.opt(exception=exc).error("a request over the control socket failed")
            await client.send(line(Failed("an error of the supervisor, which its log explains", IcuError.exit_code)))

    async def _obey(self, request: Status | Tree | Start | Stop | Restart | Scale | Reload | Befall) -> Answer:
        tree = self._tree
        match request:
            case Status(ids):
                return Children(tree.matching(ids))
            case Tree():
                return Supervisors(os.getpid(), dict(tree.rules), tree.view(), await tree.unready())
            case Scale(group, count):
                return Done(await tree.scale(group, count))
            case Reload():
                return Done(await tree.reload())
            case Befall(bed, scenario):
                return await tree.befall(bed, scenario)
            case Start() | Stop() | Restart():
                order = {Start: tree.start, Stop: tree.stop, Restart: tree.restart}[type(request)]
                return self._outcome(await order(*request.ids))

    def _outcome(self, told: Mapping[str, str | None]) -> Children:
        children = [child for child in self._tree.matching(()) if child.id in told]
        return Children(children, [f"{name}: {problem}" for name, problem in told.items() if problem])

    async def _send_records(self, request: Logs, client: SocketStream) -> None:
        """The records that are kept, and those to come. They wait for no client: it is told how many it missed."""
        known = self._records.children() | {child.id for child in self._tree.matching(())}
        if request.id is not None and not any(is_meant(child, request.id) for child in known):
            raise UnknownChildError(request.id, sorted(known))
        reader = _Reader(self._records, request.id, client)
        await reader.catch_up()
        while request.follow:
            try:
                await anyio.sleep(FOLLOW_EVERY)
            except anyio.get_cancelled_exc_class():
                # The ward is told to stop: that stands in the log, too.
                with anyio.move_on_after(LAST_WORDS, shield=True):
                    await reader.catch_up()
                raise
            await reader.catch_up()


class _Reader:
    """Somebody who reads the log, and how far."""

    def __init__(self, records: Records, pattern: str | None, client: SocketStream) -> None:
        self._records = records
        self._pattern = pattern
        self._client = client
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
            await self._client.send(b"".join(map(line, said)) or b"\n")


async def _heard(client: SocketStream) -> AnyRequest:
    """The client's request. UsageError for what is none, TimeoutError for a client that says nothing."""
    with anyio.fail_after(PATIENCE):
        try:
            data = await BufferedByteReceiveStream(client).receive_until(b"\n", LONGEST_REQUEST)
        except anyio.DelimiterNotFound as exc:
            raise UsageError(f"a request is one line of at most {LONGEST_REQUEST} bytes") from exc
    try:
        return requests.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(f"that is no request: {exc}") from exc
