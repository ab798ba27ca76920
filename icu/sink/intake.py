"""Decoding what was fetched: observations go on, everything else is refused with a reason and becomes a dead letter."""

from collections.abc import Iterable

from icu.errors import MessageError
from icu.messages import Delivery, Observation, Refusal, decode
from icu.store.writer import Intake, Move
from icu.transports.base import Batch


def take_in(batches: Iterable[Batch]) -> Intake:
    """What one transaction has to store. Whatever the bytes are, each delivery ends in one of the two lists."""
    observations: list[Observation] = []
    deliveries: list[Delivery] = []
    refusals: list[Refusal] = []
    moves: list[Move] = []
    for batch in batches:
        moves.append(Move(batch.partition, batch.start, batch.position))
        for delivery in batch.deliveries:
            try:
                observations.append(decode(delivery))
            except MessageError as exc:
                refusals.append(Refusal(delivery, exc.reason, exc.detail))
            else:
                deliveries.append(delivery)
    return Intake(observations, deliveries, refusals, moves)
