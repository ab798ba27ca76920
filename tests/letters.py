"""Dead letters, as a sink stores them."""

from collections.abc import Sequence
from typing import Final

from icu.messages import Delivery, Implausible, Observation, Position, Refusal, encode
from icu.sink.errors import MessageError
from icu.sink.intake import decode_delivery
from icu.store.readings import ObservedRow
from icu.store.writer import Writer
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest
from tests.stores import NOON

# Milliseconds since 1970 at which the letters arrived, and at which they are replayed, an hour later.
ARRIVED: Final = NOON + 2_000
LATER: Final = NOON + 3_600_000


def refused(*observations: Observation, reason: str = "invalid", start: int = 0) -> list[Refusal]:
    """Refuse observations that are valid today, as a program of before might have."""
    return [
        Refusal(Delivery(0, start + place, each.key, each.value, (("origin", b"test"),)), reason, "of a later schema")
        for place, each in enumerate(encode(observations))
    ]


async def store_letters(writer: Writer, refusals: Sequence[Refusal], *, start: int = 0, arrived: int = ARRIVED) -> None:
    """Store refusals as the records from `start` on of partition 0."""
    move = Move(0, start, Position(start + len(refusals), "m"))
    await writer.write(WriteRequest([], [], refusals, [move]), arrived=arrived)


def decode(delivery: Delivery) -> ObservedRow | Refusal:
    """Decode as the sink does."""
    implausible: list[Implausible] = []
    try:
        return decode_delivery(delivery, implausible)
    except MessageError as exc:
        return Refusal(delivery, exc.reason, exc.detail)
