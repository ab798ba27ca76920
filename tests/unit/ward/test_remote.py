"""Orders to patients of another process: each has an answer, or is told that it has none."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from anyio.abc import SocketStream

from icu.bootstrap.patients import LonePatients
from icu.config.settings import PatientChild
from icu.control.client import ask
from icu.control.protocol import Befallen, Failed, Logs, line
from icu.errors import OrderRefusedError
from icu.patient.beds import Beds
from icu.ward import remote
from icu.ward.orders import Befall, Stop
from icu.ward.remote import forward, obeying_supervisor, place_in
from tests.bedsides import beds_of

MANY = [f"Bed {number}" for number in range(1, 102)]
CHILD = PatientChild(id="icu", name="Bed", patients=101)
RECORDED = "Rec is a recording: what happened has happened, and nobody wrote down why"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, for a socket."""
    with tempfile.TemporaryDirectory(prefix="icu-") as name:
        yield Path(name)


@pytest.fixture
async def beds() -> Beds:
    """Many simulated patients, and a recorded one."""
    return await to_thread.run_sync(partial(beds_of, MANY, ["Rec"]))


@pytest.fixture
def running(beds: Beds) -> dict[str, Beds]:
    """The patients of the process's one child, as long as it runs."""
    return {"icu": beds}


@pytest.fixture
async def process(running: dict[str, Beds], folder: Path) -> AsyncIterator[None]:
    """What is at the other end, in this process: it obeys."""
    async with obeying_supervisor(LonePatients(CHILD, running), {"NOTIFY_SOCKET": str(folder / "notify")}):
        yield


def ill(beds: Beds) -> Sequence[str]:
    """Those who have a fever."""
    return [each.name for each in beds.identities if each.name in MANY and beds.truth(each.uuid).scenario == "fever"]


async def told(folder: Path, bed: str, scenario: str = "fever") -> Befallen:
    """The answer to an order."""
    with anyio.fail_after(30):
        return await forward(Befall(bed, scenario), "icu", place_in(folder))


async def test_an_order_is_answered(process: None, folder: Path, beds: Beds) -> None:
    """It has been carried out when the answer is there, which tells whom it befell, and who is refused."""
    assert await told(folder, "Bed 7") == Befallen(["Bed 7"], [])
    assert ill(beds) == ["Bed 7"]
    said = await told(folder, "icu")
    assert (sorted(said.patients), said.problems) == (sorted(MANY), [RECORDED])
    assert ill(beds) == MANY


async def test_a_refusal_says_why(process: None, folder: Path, beds: Beds) -> None:
    """As the process itself does."""
    said = await told(folder, "icu", "fewer\u2028\n")
    assert said.patients == []
    assert said.problems[0].startswith("there is no scenario 'fewer\\u2028\\n': choose one of bradycardia")
    assert ill(beds) == []


async def test_where_no_patients_are_left(process: None, folder: Path, running: dict[str, Beds]) -> None:
    """An emulator has ended, and its process not yet."""
    running.clear()
    assert await told(folder, "icu") == Befallen([], ["icu is about to end: python -m icu status icu"])


@pytest.mark.parametrize("request_", [Stop(("icu",)), Logs()], ids=str)
async def test_it_takes_no_other_orders(process: None, folder: Path, request_: Stop | Logs) -> None:
    """What is asked of a ward is none of its business, and it obeys the next order."""
    with pytest.raises(OrderRefusedError, match="that is no request") as refused:
        await ask([place_in(folder)], request_, Befallen, deadline=30)
    assert refused.value.exit_code == 64
    assert (await told(folder, "Bed 1")).patients == ["Bed 1"]


Behaviour = Callable[[SocketStream], Awaitable[None]]


async def stands_still(stream: SocketStream) -> None:
    """Take the order and say nothing."""
    await anyio.sleep_forever()


async def dies(stream: SocketStream) -> None:
    """Go away when the order has come."""
    await stream.receive()


async def refuses(stream: SocketStream) -> None:
    """Have no room."""
    await stream.receive()
    await stream.send(line(Failed("no room", 75)))


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (stands_still, "icu gave no answer within 0.3 s, and may do so yet: python -m icu status icu"),
        (dies, "icu ended before it had answered: python -m icu status icu"),
        (refuses, "no room"),
    ],
)
async def test_no_answer_is_told_as_that(
    folder: Path, monkeypatch: pytest.MonkeyPatch, behave: Behaviour, why: str
) -> None:
    """In time, and for what it is."""
    monkeypatch.setattr(remote, "DEADLINE", 0.3)

    async def attend(stream: SocketStream) -> None:
        async with stream:
            await behave(stream)

    async with await anyio.create_unix_listener(place_in(folder).path) as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, attend)
        assert await told(folder, "icu") == Befallen([], [why])
        group.cancel_scope.cancel()


async def test_a_process_that_has_ended(folder: Path) -> None:
    """Nobody listens any more: that is its end."""
    assert (await told(folder, "icu")).problems == ["icu ended before it had answered: python -m icu status icu"]


async def test_a_process_that_cannot_be_reached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something of ours is missing, file descriptors for instance: it is not told as the end of the process."""

    async def connect(path: Path) -> SocketStream:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(anyio, "connect_unix", connect)
    said = await told(folder, "icu")
    assert said.problems == ["icu cannot be reached: Too many open files: python -m icu status icu"]
