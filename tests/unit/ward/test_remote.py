"""Orders to patients of another process: each has an answer, or the reason why none came."""

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
    """Patients of the process's only child, while it runs."""
    return {"icu": patients}


@pytest.fixture
async def process(running: dict[str, EmulatedPatients], folder: Path) -> AsyncIterator[None]:
    """The receiving end, in this process."""
    async with accepting_supervisor_orders(ChildProcessPatients(running), {"NOTIFY_SOCKET": str(folder / "notify")}):
        yield


def feverish(patients: EmulatedPatients) -> Sequence[str]:
    """Names of the patients with a fever."""
    return [
        each.name for each in patients.identities if each.name in MANY and patients.truth(each.uuid).scenario == "fever"
    ]


async def refused(folder: Path, *names: str, scenario: str = "fever") -> dict[str, str]:
    """Reasons by the names of patients without the scenario."""
    uuids = {uuid_of_name(each): each for each in names}
    with anyio.fail_after(30):
        said = await begin("icu", place_in(folder), list(uuids), scenario)
    return {uuids[each]: why for each, why in said.items()}


async def test_an_order_is_answered(process: None, folder: Path, patients: EmulatedPatients) -> None:
    """An answered order has been carried out, for any number of patients."""
    assert await refused(folder, "Bed 7") == {}
    assert feverish(patients) == ["Bed 7"]
    assert await refused(folder, *MANY) == {}
    assert feverish(patients) == MANY


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
    """Each refused patient has a reason, and the others get the scenario."""
    said = await refused(folder, name, "Bed 1", scenario=scenario)
    assert said[name].startswith(why)
    assert feverish(patients) == (["Bed 1"] if scenario == "fever" else [])


async def test_orders_after_the_emulator(process: None, folder: Path, running: dict[str, EmulatedPatients]) -> None:
    """No patient is found once the emulator has ended, while its process still runs."""
    running.clear()
    assert await refused(folder, "Bed 1") == {"Bed 1": f"no patient has the uuid {uuid_of_name('Bed 1')}"}


@pytest.mark.parametrize("request_", [Stop(("icu",)), Logs()], ids=str)
async def test_other_orders_are_refused(process: None, folder: Path, request_: Stop | Logs) -> None:
    """Orders to a ward are refused, and the next order is carried out."""
    with pytest.raises(OrderRefusedError, match="that is no request") as caught:
        await ask([place_in(folder)], request_, ScenarioRefused, deadline=30)
    assert caught.value.exit_code == 64
    assert await refused(folder, "Bed 1") == {}


Behaviour = Callable[[SocketStream], Awaitable[None]]


async def stands_still(stream: SocketStream) -> None:
    """Take the order and never answer."""
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
async def test_missing_answers(folder: Path, monkeypatch: pytest.MonkeyPatch, behave: Behaviour, why: str) -> None:
    """A missing answer is reported in time, with its cause."""
    monkeypatch.setattr(remote, "ANSWER_DEADLINE", 0.3)

    async def attend(stream: SocketStream) -> None:
        async with stream:
            await behave(stream)

    async with await anyio.create_unix_listener(place_in(folder).path) as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, attend)
        assert await refused(folder, *MANY) == dict.fromkeys(MANY, why)
        group.cancel_scope.cancel()


async def test_earlier_answers_count(folder: Path) -> None:
    """A process that ends between two parts of an order has answered the first, whose patients are not refused."""
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
    """A socket without a listener is reported as the end of the process."""
    assert await refused(folder, "Bed 1") == {"Bed 1": "icu ended before it had answered: python -m icu status icu"}


async def test_a_process_that_cannot_be_reached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error on this side, such as too few file descriptors, is not reported as the end of the process."""

    async def connect(path: Path) -> SocketStream:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(anyio, "connect_unix", connect)
    why = "icu cannot be reached: Too many open files: python -m icu status icu"
    assert await refused(folder, "Bed 1") == {"Bed 1": why}
