"""Orders to patients in a process of its own: lines on its standard input, written here and read there."""

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

import msgspec
from loguru import logger
from msgspec import Struct

from icu.errors import IcuError
from icu.patient.beds import Beds


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """Let a scenario befall a patient."""

    patient: UUID
    scenario: str

    @property
    def line(self) -> bytes:
        """As it is sent."""
        return msgspec.json.encode(self) + b"\n"


class Orders:
    """What a process is told: heard in a thread, at any time, and obeyed in its loop, once that runs."""

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
        for each in beds.values():
            each.befall(order.patient, order.scenario)
    except (msgspec.DecodeError, IcuError) as exc:
        logger.warning("an order of the supervisor was not carried out: {}", exc)
