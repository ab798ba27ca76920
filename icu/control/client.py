"""The other end of the control socket: for the command line, and for a monitor in another process."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final, TypeVar

import anyio
import msgspec
from anyio import BrokenResourceError, DelimiterNotFound, IncompleteRead, to_thread
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from icu.control.errors import NoSupervisorError, OrderRefusedError
from icu.control.places import Place
from icu.control.protocol import LONGEST_ANSWER, Answer, AnyAnswer, Failed, Request, answer_decoder, encode_line

# Seconds for an answer that takes no work: a supervisor that hangs must not hold up those who look at it.
ANSWER_DEADLINE: Final = 5.0

_Answer = TypeVar("_Answer", bound=Answer)


async def talk(where: Sequence[Place], request: Request) -> AsyncGenerator[AnyAnswer, None]:
    """Ask the supervisor that listens at the first of these places; yields its answers until it has no more.

    Raises NoSupervisorError, and OrderRefusedError where it says no.
    """
    async with await _connected(where) as stream:
        try:
            sent = await _sent(stream, request)
            async for answer in _lines(stream):
                if isinstance(answer, Failed):
                    raise OrderRefusedError(answer.why, answer.exit_code)
                yield answer
        except BrokenResourceError as exc:
            raise NoSupervisorError("it has ended") from exc
        if not sent:
            raise NoSupervisorError("it has ended")


async def ask(
    where: Sequence[Place], request: Request, kind: type[_Answer], *, deadline: float | None = None
) -> _Answer:
    """The one answer to a request, which comes within `deadline` seconds. Raises what `talk` does."""
    with anyio.move_on_after(deadline):
        async with aclosing(talk(where, request)) as said:
            async for answer in said:
                if isinstance(answer, kind):
                    return answer
        raise NoSupervisorError("it ended before it had answered")
    raise NoSupervisorError(f"the one that runs gave no answer within {deadline:g} s")


async def _connected(candidates: Sequence[Place]) -> SocketStream:
    reasons = []
    cause = None
    for place in candidates:
        problem = await to_thread.run_sync(place.problem)
        if problem is None:
            try:
                return await anyio.connect_unix(place.path)
            except (FileNotFoundError, ConnectionRefusedError):
                problem = f"nobody listens at {place.path}"
            except OSError as exc:
                problem = f"{place.path}: {exc.strerror or exc}"
                cause = exc
        reasons.append(problem)
    raise NoSupervisorError(", ".join(reasons)) from cause


async def _sent(stream: SocketStream, request: Request) -> bool:
    """Send a request, and tell if that could be done: a server that closes first may have said why."""
    try:
        await stream.send(encode_line(request))
    except BrokenResourceError:
        return False
    return True


async def _lines(stream: SocketStream) -> AsyncIterator[AnyAnswer]:
    received = BufferedByteReceiveStream(stream)
    while True:
        try:
            data = await received.receive_until(b"\n", LONGEST_ANSWER)
        except (IncompleteRead, DelimiterNotFound):
            return
        try:
            if data:
                yield answer_decoder.decode(data)
        except msgspec.DecodeError as exc:
            raise NoSupervisorError(f"what runs there speaks another language than this version: {exc}") from exc
