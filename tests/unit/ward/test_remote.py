"""Orders to patients of another process: each has an answer, or is told that it has none."""

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import anyio
import msgspec
import pytest
from anyio import create_memory_object_stream, to_thread, wait_all_tasks_blocked
from anyio.abc import UNIXDatagramSocket
from loguru import logger

from icu.messages import uuid_of_name
from icu.patient.beds import Beds
from icu.ward import remote
from icu.ward.remote import ANSWER, Answer, Order, OrderChannel, Orders
from tests.bedsides import beds_of
from tests.clocks import virtual_asyncio

MANY = [f"Bed {number}" for number in range(2 * remote.MOST + 1)]
ANNA = uuid_of_name("Bed 0")
NOBODY = UUID(int=1)
ENDED = {ANNA: "icu ended before it had answered: python -m icu status icu"}


class Process:
    """What is on the other side of a channel, in this one: its orders by a pipe, its answers by a socket."""

    def __init__(self, notices: UNIXDatagramSocket, beds: dict[str, Beds]) -> None:
        self.stdin, self._stdout = create_memory_object_stream[bytes](10)
        self.channel = OrderChannel("icu", self.stdin)
        self.orders = Orders()
        self._notices = notices
        self._beds = beds

    async def run(self) -> None:
        """Obey and answer."""
        self.orders.begin(self._beds)
        async with self.stdin, self._stdout, anyio.create_task_group() as group:
            group.start_soon(self._hear)
            async for packet, _ in self._notices:
                name, _, value = packet.decode().partition("=")
                assert name == ANSWER
                self.channel.answered(value)

    async def _hear(self) -> None:
        async for line in self._stdout:
            await to_thread.run_sync(self.orders.heed, line.removesuffix(b"\n"))


@pytest.fixture
async def beds() -> Beds:
    """Many simulated patients, and a recorded one."""
    return await to_thread.run_sync(partial(beds_of, MANY, ["Rec"]))


@pytest.fixture
async def process(beds: Beds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    """It runs."""
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    async with await anyio.create_unix_datagram_socket(local_path=path) as notices, anyio.create_task_group() as group:
        process = Process(notices, {"icu": beds})
        group.start_soon(process.run)
        await wait_all_tasks_blocked()
        yield process
        group.cancel_scope.cancel()


def ill(beds: Beds) -> Sequence[str]:
    """Those who have a fever."""
    return [each.name for each in beds.identities if each.name in MANY and beds.truth(each.uuid).scenario == "fever"]


async def test_an_order_is_answered(process: Process, beds: Beds) -> None:
    """It has been carried out when the answer is there, for as many patients as there may be."""
    with anyio.fail_after(30):
        assert await process.channel.befall([uuid_of_name(each) for each in MANY], "fever") == {}
    assert ill(beds) == MANY


@pytest.mark.parametrize(
    ("patient", "scenario", "why"),
    [
        (uuid_of_name("Rec"), "fever", "Rec is a recording: what happened has happened, and nobody wrote down why"),
        (NOBODY, "fever", f"no patient has the uuid {NOBODY}"),
        (ANNA, "fewer\u2028\n", "there is no scenario 'fewer\\u2028\\n': choose one of bradycardia"),
    ],
)
async def test_a_refusal_says_why(process: Process, beds: Beds, patient: UUID, scenario: str, why: str) -> None:
    """Of each patient who is refused; the others are not."""
    with anyio.fail_after(30):
        refused = await process.channel.befall([patient, uuid_of_name("Bed 1")], scenario)
    assert refused[patient].startswith(why)
    assert ill(beds) == (["Bed 1"] if scenario == "fever" else [])


async def test_where_no_patients_are_left(process: Process, beds: Beds) -> None:
    """An emulator has ended, and its process not yet."""
    process._beds.clear()
    with anyio.fail_after(30):
        assert await process.channel.befall([ANNA], "fever") == {ANNA: f"no patient has the uuid {ANNA}"}


async def test_what_is_no_order(process: Process, beds: Beds) -> None:
    """A warning, and the next order is obeyed; one behind the end of the loop, or before it, is nothing."""
    told: list[str] = []
    logger.add(lambda message: told.append(message.record["message"]))
    Orders().heed(Order(1, (ANNA,), "fever").line)
    for line in (b"{", b"[" * 50_000, b'{"number":1}'):
        process.orders.heed(line)
    with anyio.fail_after(30):
        assert await process.channel.befall([ANNA], "fever") == {}
    assert [each.startswith("an order of the supervisor cannot be read") for each in told] == [True] * 3
    assert ill(beds) == ["Bed 0"]


def answer(number: int, why: str | None = None) -> str:
    """An answer, as it comes: whether Anna is refused, and why."""
    return msgspec.json.encode(Answer(number, {ANNA: why} if why else {})).decode()


@pytest.fixture
def channel() -> Iterator[OrderChannel]:
    """The channel of a process that does not read its orders."""
    stdin, stdout = create_memory_object_stream[bytes](10)
    with stdin, stdout:
        yield OrderChannel("icu", stdin)


@pytest.mark.parametrize("anyio_backend", [virtual_asyncio()], ids=["asyncio"])
async def test_no_answer_is_told_as_that(channel: OrderChannel) -> None:
    """In time, and for all who are left; one that comes late is nobody's, and no other's either."""
    patients, began = [uuid_of_name(each) for each in MANY], anyio.current_time()
    async with anyio.create_task_group() as group:
        group.start_soon(answer_first, channel)
        refused = await channel.befall(patients, "fever")
    assert refused == dict.fromkeys(
        patients[remote.MOST :], "icu gave no answer within 5 s, and may do so yet: python -m icu status icu"
    )
    assert anyio.current_time() - began == remote.DEADLINE
    channel.answered(answer(2))


async def answer_first(channel: OrderChannel) -> None:
    """Answer the first order, and none of the others."""
    await wait_all_tasks_blocked()
    channel.answered(answer(1))


async def test_answers_find_their_orders(channel: OrderChannel) -> None:
    """Whatever the order in which they come; what is no answer is a warning."""
    told: list[str] = []
    logger.add(lambda message: told.append(message.record["message"]))
    found: dict[str, dict[UUID, str]] = {}

    async def order(scenario: str) -> None:
        found[scenario] = await channel.befall([ANNA], scenario)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(order, "fever")
            group.start_soon(order, "sepsis")
            await wait_all_tasks_blocked()
            for text in ("", "{}", "[[", answer(7, "no"), answer(2, "second"), answer(1)):
                channel.answered(text)
    assert found == {"fever": {}, "sepsis": {ANNA: "second"}}
    assert [each.startswith("an answer of icu cannot be read") for each in told] == [True] * 3


async def test_the_end_of_a_process_is_an_answer(channel: OrderChannel) -> None:
    """Whoever waits is told at once."""
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(close, channel)
            assert await channel.befall([ANNA], "fever") == ENDED


async def close(channel: OrderChannel) -> None:
    """End the process."""
    await wait_all_tasks_blocked()
    channel.close()


@pytest.mark.parametrize("ours", [True, False])
async def test_a_pipe_that_is_closed(ours: bool) -> None:
    """The process has just ended: at our end of the pipe, or at its own."""
    stdin, stdout = create_memory_object_stream[bytes](10)
    with stdin, stdout:
        (stdin if ours else stdout).close()
        assert await OrderChannel("icu", stdin).befall([ANNA], "fever") == ENDED
