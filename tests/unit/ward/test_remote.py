"""Orders to patients of another process: each has an answer, or is told that it has none."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from anyio.abc import SocketStream

from icu.bootstrap.patients import ChildProcessPatients
from icu.control.client import ask
from icu.control.errors import OrderRefusedError
from icu.control.protocol import Failed, Logs, ScenarioRefused, encode_line
from icu.messages import uuid_of_name
from icu.patient.patients import EmulatedPatients
from icu.ward import remote
from icu.ward.orders import Stop
from icu.ward.remote import accepting_supervisor_orders, begin, place_in
from tests.bedsides import patients_of

MANY = [f"Bed {number}" for number in range(1, 2 * remote.MAX_PATIENTS + 2)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, for a socket."""
    with tempfile.TemporaryDirectory(prefix="icu-") as name:
        yield Path(name)


@pytest.fixture
async def patients() -> EmulatedPatients:
    """Many simulated patients, and a recorded one."""
    return await to_thread.run_sync(partial(patients_of, MANY, ["Rec"]))


@pytest.fixture
def running(patients: EmulatedPatients) -> dict[str, EmulatedPatients]:
    """The patients of the process's one child, as long as it runs."""
    return {"icu": patients}


@pytest.fixture
async def process(running: dict[str, EmulatedPatients], folder: Path) -> AsyncIterator[None]:
    """What is at the other end, in this process: it obeys."""
    async with accepting_supervisor_orders(ChildProcessPatients(running), {"NOTIFY_SOCKET": str(folder / "notify")}):
        yield


def ill(patients: EmulatedPatients) -> Sequence[str]:
    """Those who have a fever."""
    return [
        each.name for each in patients.identities if each.name in MANY and patients.truth(each.uuid).scenario == "fever"
    ]


async def refused(folder: Path, *names: str, scenario: str = "fever") -> dict[str, str]:
    """Whom it does not befall, and why."""
    uuids = {uuid_of_name(each): each for each in names}
    with anyio.fail_after(30):
        said = await begin("icu", place_in(folder), list(uuids), scenario)
    return {uuids[each]: why for each, why in said.items()}


async def test_an_order_is_answered(process: None, folder: Path, patients: EmulatedPatients) -> None:
    """It has been carried out when the answer is there, for as many patients as there may be."""
    assert await refused(folder, "Bed 7") == {}
    assert ill(patients) == ["Bed 7"]
    assert await refused(folder, *MANY) == {}
    assert ill(patients) == MANY


@pytest.mark.parametrize(
    ("name", "scenario", "why"),
    [
        ("Rec", "fever", "Rec is a recording: what happened has happened, and nobody wrote down why"),
        ("Nobody", "fever", f"no patient has the uuid {uuid_of_name('Nobody')}"),
        ("Bed 2", "fewer\u2028\n", "there is no scenario 'fewer\\u2028\\n': choose one of bradycardia"),
    ],
)
async def test_a_refusal_says_why(
    process: None, folder: Path, patients: EmulatedPatients, name: str, scenario: str, why: str
) -> None:
    """Of each patient who is refused; the others are not."""
    said = await refused(folder, name, "Bed 1", scenario=scenario)
    assert said[name].startswith(why)
    assert ill(patients) == (["Bed 1"] if scenario == "fever" else [])


async def test_where_no_patients_are_left(process: None, folder: Path, running: dict[str, EmulatedPatients]) -> None:
    """An emulator has ended, and its process not yet."""
    running.clear()
    assert await refused(folder, "Bed 1") == {"Bed 1": f"no patient has the uuid {uuid_of_name('Bed 1')}"}


@pytest.mark.parametrize("request_", [Stop(("icu",)), Logs()], ids=str)
async def test_it_takes_no_other_orders(process: None, folder: Path, request_: Stop | Logs) -> None:
    """What is asked of a ward is none of its business, and it obeys the next order."""
    with pytest.raises(OrderRefusedError, match="that is no request") as caught:
        await ask([place_in(folder)], request_, ScenarioRefused, deadline=30)
    assert caught.value.exit_code == 64
    assert await refused(folder, "Bed 1") == {}


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
    await stream.send(encode_line(Failed("no room", 75)))


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
    monkeypatch.setattr(remote, "ANSWER_DEADLINE", 0.3)

    async def attend(stream: SocketStream) -> None:
        async with stream:
            await behave(stream)

    async with await anyio.create_unix_listener(place_in(folder).path) as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, attend)
        assert await refused(folder, *MANY) == dict.fromkeys(MANY, why)
        group.cancel_scope.cancel()


async def test_what_was_answered_before_counts(folder: Path) -> None:
    """Where a process ends between two pieces of an order, those of the first are not told as refused."""
    answers = [ScenarioRefused({uuid_of_name(MANY[0]): "no luck"})]

    async def attend(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            if answers:
                await stream.send(encode_line(answers.pop()))

    async with await anyio.create_unix_listener(place_in(folder).path) as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, attend)
        said = await refused(folder, *MANY)
        group.cancel_scope.cancel()
    ended = "icu ended before it had answered: python -m icu status icu"
    assert said == {MANY[0]: "no luck", **dict.fromkeys(MANY[remote.MAX_PATIENTS :], ended)}


async def test_a_process_that_has_ended(folder: Path) -> None:
    """Nobody listens any more: that is its end."""
    assert await refused(folder, "Bed 1") == {"Bed 1": "icu ended before it had answered: python -m icu status icu"}


async def test_a_process_that_cannot_be_reached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something of ours is missing, file descriptors for instance: it is not told as the end of the process."""

    async def connect(path: Path) -> SocketStream:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(anyio, "connect_unix", connect)
    why = "icu cannot be reached: Too many open files: python -m icu status icu"
    assert await refused(folder, "Bed 1") == {"Bed 1": why}
