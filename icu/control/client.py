"""The client's end of the control socket, for the command line and for a monitor in another process."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final, TypeVar

import anyio
import msgspec
from anyio import BrokenResourceError, DelimiterNotFound, IncompleteRead, to_thread
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from icu.control.errors import NobodyListensError, NoSupervisorError, OrderRefusedError
from icu.control.places import Place
from icu.control.protocol import LONGEST_ANSWER, Answer, AnyAnswer, Failed, Request, answer_decoder, encode_line

# Seconds for an answer that takes no work: a supervisor that hangs must not hold up a command that only looks at it.
ANSWER_DEADLINE: Final = 5.0

_Answer = TypeVar("_Answer", bound=Answer)


async def talk(where: Sequence[Place], request: Request) -> AsyncGenerator[AnyAnswer, None]:
    """Send a request to the supervisor, and iterate over its answers.

    Args:
        where: The places of the socket, the best first. The first one with a supervisor is taken.
        request: The request.

    Raises:
        NoSupervisorError: No supervisor listens, or it ended meanwhile.
        OrderRefusedError: The supervisor refused the request.
    """
    async with await _connect(where) as stream:
        try:
            sent = await _send(stream, request)
            async for answer in _answers(stream):
                if isinstance(answer, Failed):
                    raise OrderRefusedError(answer.why, answer.exit_code, answer.kind)
                yield answer
        except BrokenResourceError as exc:
            raise NoSupervisorError("it has ended") from exc
        if not sent:
            raise NoSupervisorError("it has ended")


async def ask(
    where: Sequence[Place], request: Request, kind: type[_Answer], *, deadline: float | None = None
) -> _Answer:
    """Send a request, and return its one answer.

    Args:
        where: The places of the socket, the best first.
        request: The request.
        kind: The class of the answer.
        deadline: Seconds for the answer; None to wait without end.

    Raises:
        NobodyListensError: No supervisor runs.
        NoSupervisorError: No answer came, or none in time.
        OrderRefusedError: The supervisor refused the request.
    """
    with anyio.move_on_after(deadline):
        async with aclosing(talk(where, request)) as answers:
            async for answer in answers:
                if isinstance(answer, kind):
                    return answer
        raise NoSupervisorError("it ended before it had answered")
    raise NoSupervisorError(f"the one that runs gave no answer within {deadline:g} s")


async def _connect(candidates: Sequence[Place]) -> SocketStream:
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
    if cause is None:
        raise NobodyListensError(", ".join(reasons))
    raise NoSupervisorError(", ".join(reasons)) from cause


async def _send(stream: SocketStream, request: Request) -> bool:
    """Send a request. Returns False if the server has closed the connection before."""
    try:
        await stream.send(encode_line(request))
    except BrokenResourceError:
        # No error yet: the server may have sent the reason, which is still to be read.
        return False
    return True


async def _answers(stream: SocketStream) -> AsyncIterator[AnyAnswer]:
    received = BufferedByteReceiveStream(stream)
    while True:
        try:
            data = await received.receive_until(b"\n", LONGEST_ANSWER)
        except (IncompleteRead, DelimiterNotFound):
            return
        try:
            if data:  # an empty line is a sign of life
                yield answer_decoder.decode(data)
        except msgspec.DecodeError as exc:
            raise NoSupervisorError(f"what runs there speaks another language than this version: {exc}") from exc
