"""The supervisor's end of the control socket: every request has an answer, and no client harms the others."""

import os
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import msgspec
import pytest
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from blockbuster import BlockBuster
from loguru import logger

from icu.config.errors import ConfigurationError
from icu.config.settings import Settings
from icu.control import callers, server
from icu.control.client import ask, talk
from icu.control.errors import OrderRefusedError, SupervisorRunsError
from icu.control.places import places
from icu.control.protocol import (
    LONGEST_REQUEST,
    AnyAnswer,
    Children,
    Done,
    Failed,
    LogEntry,
    Logs,
    Missed,
    Request,
    ScenarioStarted,
    Supervisors,
    answer_decoder,
    encode_line,
)
from icu.control.records import RecentRecords
from icu.errors import Kind
from icu.supervisor.view import ChildState, ChildView
from icu.ward.asking import fetch_children
from icu.ward.orders import ORDERS, BeginScenario, Reload, Restart, Scale, Start, Status, Stop, Tree
from tests.unit.control.conftest import Ward

TIMEOUT = 10.0

T = TypeVar("T")


async def answer_to(path: Path, data: bytes) -> AnyAnswer:
    """Return the answer to a line of a request, undecoded."""
    with anyio.fail_after(TIMEOUT):
        async with await anyio.connect_unix(path) as stream:
            await stream.send(data)
            return answer_decoder.decode(await BufferedByteReceiveStream(stream).receive_until(b"\n", 1_000_000))


async def test_looking(settings: Settings, room: Path) -> None:
    """`status` returns the requested children, `tree` all of them with rules and pid."""
    status = await ask(places(settings), Status(), Children)
    assert [(child.id, child.state) for child in status.children] == [
        ("sink", ChildState.RUNNING),
        ("bed-1", ChildState.BACKOFF),
    ]
    assert [child.id for child in (await ask(places(settings), Status(("bed-1",)), Children)).children] == ["bed-1"]
    tree = await ask(places(settings), Tree(), Supervisors)
    assert (tree.pid, tree.rules) == (os.getpid(), {"": "one_for_one"})
    assert await fetch_children(settings) == tree.children


@pytest.mark.parametrize(
    ("request_", "expected", "answer"),
    [
        (Start(("sink",)), ("start", ("sink",)), None),
        (Stop(("sink", "bed-1")), ("stop", ("sink", "bed-1")), None),
        (Restart(("sink",)), ("restart", ("sink",)), None),
        (
            Scale("icu", 3),
            ("scale", ("icu", 3)),
            Done("icu is 3 now", [ChildView("bed-1", ChildState.BACKOFF, children=[])], []),
        ),
        (Reload(), ("reload", ()), Done("nothing changed", [], [])),
        (
            BeginScenario("Anna", "sepsis"),
            ("begin_scenario", ("Anna", "sepsis")),
            ScenarioStarted(["Anna", "Иван"], []),
        ),
    ],
)
async def test_orders(
    settings: Settings, room: Path, ward: Ward, request_: Request, expected: object, answer: AnyAnswer | None
) -> None:
    """Each order reaches the ward, and the answer has the children afterwards, or the result."""
    said = await ask(places(settings), request_, type(answer) if answer else Children)
    assert ward.carried_out == [expected]
    if answer:
        assert said == answer
    else:
        assert isinstance(said, Children)
        assert said.children[0].id == "sink"


async def test_what_went_wrong_stands_beside_the_children(settings: Settings, room: Path) -> None:
    """One child's trouble does not hide the other children of an answer."""
    said = await ask(places(settings), Restart(("sink",)), Children)
    assert [child.id for child in said.children] == ["sink", "bed-1"]
    assert said.problems == ["bed-1: no bed"]


async def test_errors_come_with_their_exit_code(settings: Settings, room: Path, ward: Ward) -> None:
    """Our errors are sent with message and exit code; an unexpected one is in the log only."""
    with pytest.raises(OrderRefusedError, match="no child is called snik: did you mean sink") as refused:
        await ask(places(settings), Status(("snik",)), Children)
    assert refused.value.exit_code == 4
    ward.error = ConfigurationError("ward.toml:3: no")
    with pytest.raises(OrderRefusedError, match=r"ward\.toml:3: no") as refused:
        await ask(places(settings), Reload(), Done)
    assert refused.value.exit_code == 78


async def test_an_unexpected_error_stays_inside(
    settings: Settings, room: Path, ward: Ward, no_blocking_calls: BlockBuster
) -> None:
    """After an unexpected error the client gets a short message, and the next client is served."""
    logged: list[str] = []
    logger.add(logged.append, format="{message}")
    ward.error = RuntimeError("a secret")
    no_blocking_calls.deactivate()  # loguru looks at paths when it writes a stack
    with pytest.raises(OrderRefusedError, match="which its log explains") as refused:
        await ask(places(settings), Reload(), Done)
    no_blocking_calls.activate()
    assert refused.value.exit_code == 70
    assert "a secret" in logged[0]
    assert await fetch_children(settings)


NONSENSE: dict[str, bytes] = {
    "nothing": b"\n",
    "no JSON": b"status\n",
    "half of it": b'{"ask":\n',
    "an array": b"[]\n",
    "no question": b"{}\n",
    "a question that there is not": b'{"ask":"quit"}\n',
    "an unknown field": b'{"ask":"status","colour":"red"}\n',
    "no ids": b'{"ask":"stop","ids":[]}\n',
    "an empty id": b'{"ask":"stop","ids":[""]}\n',
    "a long id": b'{"ask":"stop","ids":["%s"]}\n' % (b"x" * 201),
    "ids of another type": b'{"ask":"stop","ids":"sink"}\n',
    "too many": b'{"ask":"scale","id":"icu","count":1000000000}\n',
    "fewer than none": b'{"ask":"scale","id":"icu","count":-1}\n',
    "nobody": b'{"ask":"befall","bed":"","scenario":"sepsis"}\n',
    "nothing that befalls": b'{"ask":"befall","bed":"Anna"}\n',
    "no UTF-8": b'{"ask":"stop","ids":["\xff"]}\n',
    "another encoding": '{"ask":"status"}'.encode("utf-16") + b"\n",
    "a deep nest": b"[" * 60_000 + b"\n",
    "an endless line": b"x" * (LONGEST_REQUEST + 1),
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_has_an_answer(settings: Settings, room: Path, ward: Ward, data: bytes) -> None:
    """A malformed request changes nothing, its answer says what is wrong, and the next client is served."""
    said = await answer_to(room, data)
    assert isinstance(said, Failed)
    assert said.exit_code == 64
    assert ward.carried_out == []
    assert await fetch_children(settings)


async def test_a_silent_client_is_sent_away(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends no request, or half of one, is closed with a reason after a while."""
    monkeypatch.setattr(callers, "CALLER_TIMEOUT", 0.1)
    for said in (b"", b'{"ask":"sta'):
        async with await anyio.connect_unix(room) as stream:
            await stream.send(said)
            assert await answer_on(stream) == Failed("no whole request came in time", 64, Kind.USAGE)


async def test_silent_clients_keep_nobody_out(settings: Settings, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client that has been silent for longest makes room for the next, however many there are."""
    monkeypatch.setattr(callers, "CALLER_TIMEOUT", 600)
    async with AsyncExitStack() as stack:
        silent = [
            await stack.enter_async_context(await anyio.connect_unix(room)) for _ in range(2 * callers.MAX_SILENT)
        ]
        assert await fetch_children(settings)
        for stream in silent[: callers.MAX_SILENT]:
            assert await answer_on(stream) == Failed("no whole request came in time", 64, Kind.USAGE)
        await silent[-1].send(encode_line(Status()))
        assert isinstance(await answer_on(silent[-1]), Children)


async def test_an_order_outlives_its_client(settings: Settings, room: Path, ward: Ward) -> None:
    """An order is completed although its client has gone; other clients are served meanwhile."""
    ward.gate = anyio.Event()
    async with await anyio.connect_unix(room) as stream:
        await stream.send(encode_line(Restart(("sink",))))
        assert await fetch_children(settings)
    assert await fetch_children(settings)
    assert ward.carried_out == []
    ward.gate.set()
    with anyio.fail_after(TIMEOUT):
        while not ward.carried_out:
            await anyio.sleep(0.01)
    assert await fetch_children(settings)


async def test_a_client_that_does_not_read_holds_nobody_up(
    settings: Settings, room: Path, records: RecentRecords
) -> None:
    """A follower that reads nothing delays no other client, and its buffer does not grow."""
    logger.add(records, format="{message}")
    async with await anyio.connect_unix(room) as stream:
        await stream.send(encode_line(Logs(follow=True)))
        for _ in range(20):
            for _ in range(100):
                logger.info("x" * 4_000)
            await anyio.sleep(server.FOLLOW_INTERVAL / 10)
        assert await fetch_children(settings)
        assert len(records.after(0)) == 100


async def test_a_follower_may_look_away(room: Path, records: RecentRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    """A follower may read nothing for longer than other clients may take, and goes on then."""
    monkeypatch.setattr(callers, "CALLER_TIMEOUT", 0.1)
    logger.add(records, format="{message}")
    for _ in range(100):
        logger.info("x" * 4_000)
    async with await anyio.connect_unix(room) as stream:
        await stream.send(encode_line(Logs(follow=True)))
        await stream.receive(1)
        await anyio.sleep(5 * callers.CALLER_TIMEOUT)
        logger.info("last")
        received = BufferedByteReceiveStream(stream)
        with anyio.fail_after(TIMEOUT):
            while b"last" not in await received.receive_until(b"\n", 1_000_000):
                pass


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of hardly any clients."""
    monkeypatch.setattr(server, "MAX_ORDERS", 2)
    monkeypatch.setattr(server, "MAX_FOLLOWERS", 1)


async def answer_on(stream: SocketStream) -> AnyAnswer:
    """Read the next answer on a connection."""
    with anyio.fail_after(TIMEOUT):
        return answer_decoder.decode(await BufferedByteReceiveStream(stream).receive_until(b"\n", 1_000_000))


async def when_there_is_room(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the answer is no refusal."""
    with anyio.fail_after(TIMEOUT):
        while True:
            try:
                return await ask()
            except OrderRefusedError:
                await anyio.sleep(0.02)


async def test_followers_keep_no_place_that_orders_need(
    few: None, settings: Settings, room: Path, records: RecentRecords
) -> None:
    """Followers that read nothing do not keep orders out; one too many is refused, until another one has gone."""
    logger.add(records, format="{message}")
    logger.info("first")
    async with await anyio.connect_unix(room) as stream:
        await stream.send(encode_line(Logs(follow=True)))
        assert isinstance(await answer_on(stream), LogEntry)
        with pytest.raises(OrderRefusedError, match="there are 1 clients that follow the log") as refused:
            await following(settings, Logs(follow=True), 1)
        assert (refused.value.exit_code, refused.value.kind) == (75, Kind.UNAVAILABLE)
        assert await fetch_children(settings)
        assert await following(settings, Logs(), 1)

    async def follow() -> list[AnyAnswer]:
        logger.info("so that who has gone is noticed")
        return await following(settings, Logs(follow=True), 1)

    assert await when_there_is_room(follow)


async def test_too_many_orders(few: None, settings: Settings, room: Path, ward: Ward) -> None:
    """One order too many is refused, until another one is done."""
    ward.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(ask, places(settings), Reload(), Done)
        await until_asked(ward, 2)
        with pytest.raises(OrderRefusedError, match="there are 2 clients that wait for an answer") as refused:
            await fetch_children(settings)
        assert (refused.value.exit_code, refused.value.kind) == (75, Kind.UNAVAILABLE)
        ward.gate.set()
    assert await fetch_children(settings)


async def until_asked(ward: Ward, count: int) -> None:
    """Wait until this many orders wait in the ward."""
    with anyio.fail_after(TIMEOUT):
        while ward.gate.statistics().tasks_waiting < count:
            await anyio.sleep(0.01)


async def test_a_client_that_reads_no_answer_is_closed(
    few: None, settings: Settings, room: Path, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that does not read a large answer is closed after a while, though it sends more requests."""
    ward.children = [ChildView(f"bed-{number}", ChildState.RUNNING) for number in range(10_000)]
    monkeypatch.setattr(callers, "CALLER_TIMEOUT", 0.2)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            stream = await stack.enter_async_context(await anyio.connect_unix(room))
            await stream.send(encode_line(Status()) * 10)
            await stream.receive(1)
        ward.children = []
        assert await when_there_is_room(partial(fetch_children, settings)) == []


async def test_without_descriptors_it_waits(settings: Settings, room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that cannot be accepted for lack of descriptors is accepted later."""
    accept = socket.socket.accept
    refusals = 2

    def refuse(listener: socket.socket) -> object:
        nonlocal refusals
        if refusals == 0:
            return accept(listener)
        refusals -= 1
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket.socket, "accept", refuse)
    monkeypatch.setattr(server, "ACCEPT_PAUSE", 0.01)
    logged: list[str] = []
    logger.add(logged.append, format="{message}")
    # The first is taken in by the call that was under way already.
    assert await fetch_children(settings)
    assert await fetch_children(settings)
    assert "Too many open files" in "".join(logged)


async def following(settings: Settings, request: Logs, count: int) -> list[AnyAnswer]:
    """Return as many answers of a follower as asked for."""
    found: list[AnyAnswer] = []
    with anyio.fail_after(TIMEOUT):
        async for said in talk(places(settings), request):
            found.append(said)
            if len(found) == count:
                break
    return found


async def test_the_log(settings: Settings, room: Path, records: RecentRecords) -> None:
    """A follower gets the kept records, of all or of matching children, and then the new ones."""
    logger.add(records, format="{message}")
    logger.info("nobody's")
    logger.bind(child="bed-1", delay=0.5).warning("starting {}", "again")
    entries = [said async for said in talk(places(settings), Logs()) if isinstance(said, LogEntry)]
    assert [entry.message for entry in entries] == ["nobody's", "starting again"]
    expected = LogEntry(entries[1].timestamp, "WARNING", "starting again", "bed-1", {"delay": "0.5"})
    assert [said async for said in talk(places(settings), Logs("bed-*"))] == [expected]
    assert [said async for said in talk(places(settings), Logs("sink"))] == []
    with pytest.raises(OrderRefusedError, match="no child is called bed-9: did you mean bed-1"):
        await following(settings, Logs("bed-9", follow=True), 1)
    async with anyio.create_task_group() as group:
        group.start_soon(partial(log_later, 3))
        found = await following(settings, Logs("bed-1", follow=True), 3)
    assert [said.message for said in found if isinstance(said, LogEntry)] == ["starting again", "later 0", "later 1"]


async def log_later(count: int) -> None:
    """Log records one after the other."""
    for number in range(count):
        await anyio.sleep(0.05)
        logger.bind(child="bed-1").info("later {}", number)


async def test_a_follower_learns_what_it_missed(settings: Settings, room: Path, records: RecentRecords) -> None:
    """A follower learns how many records it missed when more than are kept came between two reads."""
    logger.add(records, format="{message}")
    logger.info("first")
    found: list[AnyAnswer] = []
    with anyio.fail_after(TIMEOUT):
        async for said in talk(places(settings), Logs(follow=True)):
            found.append(said)
            if len(found) == 1:
                for number in range(150):
                    logger.info("{}", number)
            if isinstance(said, LogEntry) and said.message == "149":
                break
    assert found[1] == Missed(50)
    assert len(found) == 102


async def test_a_follower_that_is_gone_is_noticed(
    few: None, settings: Settings, room: Path, records: RecentRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follower that has gone is noticed without new records, since an empty line is sent now and then."""
    monkeypatch.setattr(server, "KEEPALIVE_INTERVAL", 0.1)
    monkeypatch.setattr(server, "FOLLOW_INTERVAL", 0.01)
    stream: SocketStream = await anyio.connect_unix(room)
    await stream.send(encode_line(Logs(follow=True)))
    assert await stream.receive() == b"\n"
    await stream.aclose()
    logger.add(records, format="{message}")
    logger.info("somebody else may follow")
    assert await when_there_is_room(partial(following, settings, Logs(follow=True), 1))


async def test_the_owner_alone_can_connect(room: Path) -> None:
    """Only the owner can connect, whatever the umask is."""
    assert stat.S_IMODE((await anyio.Path(room).stat()).st_mode) == 0o600


async def test_a_second_supervisor_is_refused(settings: Settings, room: Path) -> None:
    """A second supervisor is refused; the first keeps its socket, and answers on."""
    with pytest.raises(SupervisorRunsError, match="runs already"):
        await server.serve(Ward(), ORDERS, RecentRecords(), places(settings))
    assert await fetch_children(settings)


async def test_it_leaves_nothing_behind(settings: Settings, folder: Path) -> None:
    """The socket is removed at the end, even with a client connected; another supervisor's socket stays."""
    path = folder / "icu.sock"
    for replaced in (False, True):
        async with anyio.create_task_group() as group:
            await group.start(partial(server.serve, Ward(), ORDERS, RecentRecords(), places(settings)))
            client = await anyio.connect_unix(path)
            if replaced:
                path.unlink()
                path.write_text("another's")
            group.cancel_scope.cancel()
        await client.aclose()
        assert path.exists() is replaced


async def test_where_no_socket_can_be_it_goes_on(folder: Path) -> None:
    """Without a socket the ward runs on, with a warning that names place and reason."""
    logged: list[str] = []
    logger.add(logged.append, format="{level} {message}")
    nowhere = msgspec.structs.replace(Settings().supervisor, socket=folder / "missing" / "icu.sock")
    await server.serve(Ward(), ORDERS, RecentRecords(), places(Settings(supervisor=nowhere)))
    [text] = logged
    assert text.startswith("WARNING no control socket")
    assert "missing/icu.sock: No such file or directory" in text
