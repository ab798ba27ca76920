"""Decoding what was fetched: observations go on, everything else is refused with a reason and becomes a dead letter."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from icu.messages import Delivery, Implausible, Observation, Refusal
from icu.sink.decoding import decode
from icu.sink.errors import MessageError
from icu.store.writer import Intake, Move
from icu.transports.base import Batch


class Taken(NamedTuple):
    """Intake of one transaction, and the impossible values that came."""

    intake: Intake
    implausible: Sequence[Implausible]


def take_in(batches: Iterable[Batch]) -> Taken:
    """Decode the batches. Whatever the bytes are, each delivery is an observation or a refusal."""
    observations: list[Observation] = []
    deliveries: list[Delivery] = []
    refusals: list[Refusal] = []
    moves: list[Move] = []
    implausible: list[Implausible] = []
    for batch in batches:
        moves.append(Move(batch.partition, batch.start, batch.position))
        for delivery in batch.deliveries:
            try:
                observations.append(decode(delivery, implausible))
            except MessageError as exc:
                refusals.append(Refusal(delivery, exc.reason, exc.detail))
            else:
                deliveries.append(delivery)
    return Taken(Intake(observations, deliveries, refusals, moves), implausible)
