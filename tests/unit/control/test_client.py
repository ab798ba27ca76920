"""The client's end of the control socket, and supervisors that misbehave."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest
from anyio import EndOfStream, to_thread
from anyio.abc import SocketAttribute, SocketListener, SocketStream

from icu.config.settings import Settings
from icu.control.client import ask, talk
from icu.control.errors import NoSupervisorError, OrderRefusedError
from icu.control.listener import bind_first
from icu.control.places import Place, places
from icu.control.protocol import Children, Done, Failed, Logs, Missed, encode_line
from icu.errors import is_transient
from icu.ward.asking import fetch_children
from icu.ward.orders import Reload, Status, Stop

Behaviour = Callable[[SocketStream], Awaitable[None]]


@asynccontextmanager
async def behaving(path: Path, behave: Behaviour) -> AsyncIterator[None]:
    """Run a supervisor with this behaviour."""

    async def attend(stream: SocketStream) -> None:
        async with stream:
            await behave(stream)

    bound = await to_thread.run_sync(bind_first, [Place(path, private=False)])
    assert bound is not None
    async with await SocketListener.from_socket(bound.socket) as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, attend)
        yield
        group.cancel_scope.cancel()


async def test_nobody_there(settings: Settings) -> None:
    """The error says where the client looked and what to start; it is transient."""
    with pytest.raises(NoSupervisorError, match=r"nobody listens at .*icu\.sock; start one \(python -m icu") as caught:
        await fetch_children(settings)
    assert caught.value.exit_code == 75
    assert is_transient(caught.value)


async def test_a_dead_one(settings: Settings, folder: Path) -> None:
    """The socket of a dead supervisor, or any other file, counts as no supervisor."""
    async with behaving(folder / "icu.sock", dies):
        pass
    with pytest.raises(NoSupervisorError, match="nobody listens"):
        await fetch_children(settings)


async def test_every_place_is_tried(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ward started without XDG_RUNTIME_DIR is found by a client that has one; another user's folder is not
    trusted."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    await anyio.Path(folder / "icu").mkdir()
    await anyio.Path(folder / "icu").chmod(0o755)
    with pytest.raises(NoSupervisorError, match=r"no folder of this user's alone.*, nobody listens at .*icu-"):
        await fetch_children(Settings())


async def test_a_runtime_folder_that_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime folder that does not exist is like any place without a supervisor."""
    await anyio.Path(folder / "file").write_text("")
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "file"))
    with pytest.raises(NoSupervisorError, match=r"file/icu cannot be looked into: Not a directory, nobody listens at"):
        await fetch_children(Settings())


async def hangs(stream: SocketStream) -> None:
    """Read the request and send no answer."""
    await anyio.sleep_forever()


async def dies(stream: SocketStream) -> None:
    """Close the connection at once."""


async def dies_in_a_word(stream: SocketStream) -> None:
    """Close the connection in the middle of an answer."""
    await stream.receive()
    await stream.send(encode_line(Children(()))[:20])


async def babbles(stream: SocketStream) -> None:
    """Send something that is no JSON."""
    await stream.send(b"HTTP/1.1 200 OK\r\n\r\n")
    await anyio.sleep_forever()


async def answers_something_else(stream: SocketStream) -> None:
    """Send the answer to another request."""
    await stream.receive()
    await stream.send(encode_line(Done("something")))


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (hangs, r"no answer within 0\.5 s"),
        (dies, "it has ended|it ended before"),
        (dies_in_a_word, "ended before it had answered"),
        (babbles, "another language"),
        (answers_something_else, "ended before it had answered"),
    ],
)
async def test_supervisors_that_do_not_behave(settings: Settings, folder: Path, behave: Behaviour, why: str) -> None:
    """Each misbehaviour has its own error, and the client does not wait for ever."""
    async with behaving(folder / "icu.sock", behave):
        with pytest.raises(NoSupervisorError, match=why):
            await ask(places(settings), Status(), Children, deadline=0.5)


async def refuses(stream: SocketStream) -> None:
    """Refuse before the whole request is read, and close the connection."""
    await stream.receive(1)
    await stream.send(encode_line(Failed("no room", 75)))


async def hears_half(stream: SocketStream) -> None:
    """Close the connection in the middle of the request, with nothing unread."""
    await stream.receive(1)
    stream.extra(SocketAttribute.raw_socket).shutdown(socket.SHUT_RD)  # noqa: S610 - of a socket, not of Django
    with suppress(EndOfStream):
        while True:
            await stream.receive()


# A question that no socket takes as long as nobody hears it.
LONG = Stop(tuple("x" * 200 for _ in range(10_000)))


async def test_a_refusal_before_the_request_is_sent(settings: Settings, folder: Path) -> None:
    """A refusal that comes before the request is sent is reported; a connection closed without one means an end."""
    async with behaving(folder / "icu.sock", refuses):
        with anyio.fail_after(10), pytest.raises(OrderRefusedError, match="no room") as refused:
            await ask(places(settings), LONG, Children)
    assert refused.value.exit_code == 75
    async with behaving(folder / "icu.sock", hears_half):
        with anyio.fail_after(10), pytest.raises(NoSupervisorError, match="it has ended"):
            assert not [said async for said in talk(places(settings), LONG)]


async def test_orders_have_all_the_time_they_need(settings: Settings, folder: Path) -> None:
    """An order has no deadline: a reload that stops a child may take long."""

    async def takes_long(stream: SocketStream) -> None:
        await stream.receive()
        await anyio.sleep(0.5)
        await stream.send(b"\n" + encode_line(Done("at last")))

    async with behaving(folder / "icu.sock", takes_long):
        assert (await ask(places(settings), Reload(), Done)).what == "at last"


async def test_the_end_of_a_supervisor_ends_the_log(settings: Settings, folder: Path) -> None:
    """The end of a supervisor ends its followers."""

    async def ends(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(encode_line(Missed(3)))

    async with behaving(folder / "icu.sock", ends):
        assert [said async for said in talk(places(settings), Logs(follow=True))] == [Missed(3)]
