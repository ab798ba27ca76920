"""Decoding of batches: observations beside their deliveries, and the new offsets."""

from icu.messages import Delivery, Position
from icu.sink.intake import decode_batches
from icu.store.writing.offsets import Move
from icu.transports.base import Batch
from tests.hostile import value
from tests.samples import BORIS, decoded, delivery, observation
from tests.stores import observed


def test_each_observation_stands_beside_its_delivery() -> None:
    """Each observation stays beside its delivery, with refused records between them and partitions in any order."""
    unreadable = Delivery(1, 8, None, b"?")
    boris = [delivery(observation(n, patient=BORIS), partition=1, offset=7 + 2 * n) for n in range(2)]
    anna = [delivery(observation(n), offset=n) for n in range(3)]
    result = decode_batches(
        [
            Batch(1, [boris[0], unreadable, boris[1]], 7, Position(10, "m"), more=False),
            Batch(0, anna, 0, Position(3, "m"), more=False),
        ]
    )
    assert result.request.deliveries == [*boris, *anna]
    assert result.request.observed == observed(*(decoded(each) for each in result.request.deliveries))
    assert [(each.delivery, each.reason) for each in result.request.refusals] == [(unreadable, "malformed")]
    assert result.request.moves == [Move(1, 7, Position(10, "m")), Move(0, 0, Position(3, "m"))]
    assert result.implausible == []


def test_impossible_values_are_gathered_from_all_batches() -> None:
    """Impossible values of all batches are collected, each with its delivery."""
    first, second = (Delivery(partition, 0, None, value(spo2=101 + partition)) for partition in range(2))
    result = decode_batches(
        [Batch(each.partition, [each], 0, Position(1, "m"), more=False) for each in (first, second)]
    )
    assert [(each.delivery, each.name, each.value) for each in result.implausible] == [
        (first, "spo2", "101"),
        (second, "spo2", "102"),
    ]
