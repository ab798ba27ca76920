"""From the bytes of a record to an observation, or to the reason why it is none."""

import re
from functools import lru_cache
from itertools import accumulate
from typing import Final
from uuid import UUID

import msgspec

from icu.messages import Delivery, Implausible, Observation
from icu.sink import lenient
from icu.sink.errors import MessageError

MAX_VALUE_BYTES: Final = 1_000_000
"""Larger values are refused: Kafka's own default limit for a record (max.message.bytes) is about this."""

MAX_DEPTH: Final = 512
"""Arrays and objects within each other. msgspec itself stops where the interpreter does, each version elsewhere."""

_observations: Final = msgspec.json.Decoder(Observation)
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def decode(delivery: Delivery, implausible: list[Implausible]) -> Observation:
    """The observation that a delivery carries. Impossible values are left out, and added to `implausible`.

    Raises MessageError, and nothing else, whatever the bytes are.
    """
    value = delivery.value
    if value is None:
        raise MessageError("tombstone", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise MessageError("oversize", f"the value has {len(value)} bytes, over {MAX_VALUE_BYTES}")
    try:
        try:
            observation = _observations.decode(value)
        except msgspec.ValidationError:
            observation = lenient.decode(delivery, value, implausible)
        # msgspec looks at neither in the fields that it ignores.
        if not value.isascii():
            value.decode()
        if len(value) > MAX_DEPTH:
            _check_depth(value)
    except msgspec.ValidationError as exc:
        raise MessageError("invalid", str(exc)) from exc
    # msgspec leaves its own error tree on bad UTF-8 and on deep nesting.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, ValueError) as exc:
        raise MessageError("malformed", str(exc)) from exc
    # Integers, for comparing two UUIDs costs as much as a tenth of decoding.
    if delivery.key is not None and _number_of(delivery.key) not in (None, observation.patient_uuid.int):
        raise MessageError("key", "the key is the uuid of another patient than the value's")
    return observation


def _check_depth(value: bytes) -> None:
    """ValueError for a JSON document that nests too deeply. Hardly any holds so many brackets at all."""
    if value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return
    brackets = _TEXT.sub(b"", value).translate(None, _NO_BRACKETS)
    if max(accumulate(1 if each in b"[{" else -1 for each in brackets)) > MAX_DEPTH:
        raise ValueError(f"arrays and objects nest deeper than {MAX_DEPTH}")


@lru_cache(maxsize=16_384)
def _number_of(key: bytes) -> int | None:
    """The uuid that a key spells, as a number, or None: keys of other forms are the sender's own business."""
    try:
        return UUID(key.decode("ascii")).int
    except ValueError:
        return None
