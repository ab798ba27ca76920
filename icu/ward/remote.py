"""Orders to patients in a process of its own: lines on its standard input, which it answers among its notices.

OrderChannel is the end of the supervisor, Orders that of the process.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Final
from uuid import UUID

import anyio
import msgspec
from anyio import BrokenResourceError, ClosedResourceError, Event
from anyio.abc import AnyByteSendStream
from loguru import logger
from msgspec import Struct

from icu.errors import IcuError, PatientNotFoundError, SupervisionError
from icu.ops.notify import notify
from icu.patient.beds import Beds

ANSWER: Final = "X_ANSWER"
"""The name of the notice that brings an answer."""

DEADLINE: Final = 5.0
"""Seconds in which a process takes an order and answers it."""

MOST: Final = 50
"""Patients of one order. The answer names those who are refused, and is one datagram: 64 KiB at most are read of it."""


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """Begin a scenario for patients."""

    number: int
    patients: tuple[UUID, ...]
    scenario: str

    @property
    def line(self) -> bytes:
        """As it is sent."""
        return msgspec.json.encode(self) + b"\n"


class Answer(Struct, frozen=True):
    """The order of this number was carried out, but for these patients: why not."""

    number: int
    refused: dict[UUID, str]


class OrderChannel:
    """The orders to one process, from its start to its end, each with its answer."""

    def __init__(self, child_id: str, stdin: AnyByteSendStream) -> None:
        self._id = child_id
        self._stdin = stdin
        self._numbers = count(1)
        self._awaited: dict[int, _Awaited] = {}

    async def befall(self, patients: Sequence[UUID], scenario: str) -> dict[UUID, str]:
        """Begin a scenario for patients; returns those of them whom it does not befall, and why."""
        refused: dict[UUID, str] = {}
        for start in range(0, len(patients), MOST):
            try:
                refused |= await self._ask(patients[start : start + MOST], scenario)
            except SupervisionError as exc:
                return refused | dict.fromkeys(patients[start:], str(exc))
        return refused

    def answered(self, text: str) -> None:
        """Take an answer of the process. One that nobody waits for any more is let pass, and so is what is none."""
        try:
            answer = msgspec.json.decode(text, type=Answer)
        except msgspec.DecodeError as exc:
            logger.warning("an answer of {} cannot be read: {}", self._id, exc)
            return
        if answer.number in self._awaited:
            self._awaited[answer.number].end(answer)

    def close(self) -> None:
        """End all waiting: the process has ended."""
        for each in self._awaited.values():
            each.end(None)

    async def _ask(self, patients: Sequence[UUID], scenario: str) -> Mapping[UUID, str]:
        """The patients who are refused. SupervisionError where no answer comes."""
        order = Order(next(self._numbers), tuple(patients), scenario)
        awaited = self._awaited[order.number] = _Awaited()
        try:
            with anyio.fail_after(DEADLINE):
                await self._stdin.send(order.line)
                await awaited.ended.wait()
        except TimeoutError:
            why = f"{self._id} gave no answer within {DEADLINE:g} s, and may do so yet: python -m icu status {self._id}"
            raise SupervisionError(why) from None
        except (BrokenResourceError, ClosedResourceError):
            pass  # its end, which is told below
        finally:
            del self._awaited[order.number]
        if awaited.answer is None:
            raise SupervisionError(f"{self._id} ended before it had answered: python -m icu status {self._id}")
        return awaited.answer.refused


class _Awaited:
    """An answer that is to come. It stays None if the process ends before."""

    def __init__(self) -> None:
        self.ended = Event()
        self.answer: Answer | None = None

    def end(self, answer: Answer | None) -> None:
        self.answer = answer
        self.ended.set()


class Orders:
    """Orders to this process: heard in a thread, at any time, and obeyed and answered in its loop, once that runs."""

    def __init__(self) -> None:
        self._hand_over: Callable[[bytes], object] = lambda _: None

    def heed(self, line: bytes) -> None:
        """Take a line, in whatever thread."""
        try:
            self._hand_over(line)
        except RuntimeError:  # the loop has ended
            return

    def begin(self, beds: Mapping[str, Beds]) -> None:
        """Obey from now on, in the loop that runs."""
        loop = asyncio.get_running_loop()
        self._hand_over = lambda line: loop.call_soon_threadsafe(_obey, beds, line)


def _obey(beds: Mapping[str, Beds], line: bytes) -> None:
    try:
        order = msgspec.json.decode(line, type=Order)
    except msgspec.DecodeError as exc:
        logger.warning("an order of the supervisor cannot be read: {}", exc)
        return
    refused = {each: why for each in order.patients if (why := _refusal(beds, each, order.scenario)) is not None}
    notify(f"{ANSWER}={msgspec.json.encode(Answer(order.number, refused)).decode()}")


def _refusal(beds: Mapping[str, Beds], patient: UUID, scenario: str) -> str | None:
    """Why the scenario does not befall the patient, if so. There are no beds while their emulator ends."""
    try:
        if not beds:
            raise PatientNotFoundError(patient)
        for each in beds.values():
            each.befall(patient, scenario)
    except IcuError as exc:
        return str(exc)
    return None
