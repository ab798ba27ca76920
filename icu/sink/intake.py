"""Decoding of fetched batches: observations are stored, all other records become dead letters with a reason."""

from collections.abc import Sequence
from typing import NamedTuple

from icu.messages import Delivery, Implausible, Refusal
from icu.sink.decoding import decode
from icu.sink.errors import MessageError
from icu.sink.plain import decode_plain
from icu.store.readings import ObservedRow, to_observed
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest
from icu.transports.base import Batch


class DecodedBatches(NamedTuple):
    """Request of one transaction, and the impossible values that are left out of it."""

    request: WriteRequest
    implausible: Sequence[Implausible]


def decode_batches(batches: Sequence[Batch]) -> DecodedBatches:
    """Decode every delivery of the batches into observed values or a refusal. Never raises for its bytes."""
    observed: list[ObservedRow] = []
    deliveries: list[Delivery] = []
    refusals: list[Refusal] = []
    moves: list[Move] = []
    implausible: list[Implausible] = []
    for batch in batches:
        moves.append(Move(batch.partition, batch.start, batch.position))
        for delivery in batch.deliveries:
            try:
                observed.append(decode_delivery(delivery, implausible))
            except MessageError as exc:
                refusals.append(Refusal(delivery, exc.reason, exc.detail))
            else:
                deliveries.append(delivery)
    backlog = frozenset(batch.partition for batch in batches if batch.more)
    return DecodedBatches(WriteRequest(observed, deliveries, refusals, moves, backlog), implausible)


def decode_delivery(delivery: Delivery, implausible: list[Implausible]) -> ObservedRow:
    """Decode a delivery into observed values.

    Args:
        delivery: Any record of the topic.
        implausible: Receives the impossible values, which are left out.

    Raises:
        MessageError: The record is no observation. Nothing else is raised.
    """
    return decode_plain(delivery) or _decode_any(delivery, implausible)


def _decode_any(delivery: Delivery, implausible: list[Implausible]) -> ObservedRow:
    observation = decode(delivery, implausible)
    return to_observed(observation, observation.patient_uuid.int)
