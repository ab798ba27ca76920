"""Decoding of records: an observation, or the reason why the record is none."""

import re
from functools import lru_cache
from itertools import accumulate
from typing import Final
from uuid import UUID

import msgspec

from icu.messages import Delivery, Implausible, Observation
from icu.sink import lenient
from icu.sink.errors import MessageError

# Bytes of the largest accepted value: about Kafka's own default limit for a record (max.message.bytes).
MAX_VALUE_BYTES: Final = 1_000_000

# Nesting of arrays and objects. msgspec's own limit is the interpreter's, which differs between Python versions.
MAX_DEPTH: Final = 512

# Bytes of the longest form of a uuid, as a URN (RFC 9562). No longer key is read, or kept in memory.
_LONGEST_KEY: Final = len("urn:uuid:") + 36

_observations: Final = msgspec.json.Decoder(Observation)
# JSON strings, whose brackets do not nest. Possessive, so that hostile text cannot make it backtrack.
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def decode(delivery: Delivery, implausible: list[Implausible]) -> Observation:
    """Decode a delivery, whatever its bytes are.

    Args:
        delivery: Any record of the topic.
        implausible: Receives the impossible values, which the observation is decoded without.

    Raises:
        MessageError: The record is no observation. Nothing else is raised.
    """
    value = delivery.value
    if value is None:
        raise MessageError("tombstone", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise MessageError("oversize", f"the value has {len(value)} bytes, over {MAX_VALUE_BYTES}")
    try:
        # The strict decoder is fast; only the few records that it refuses are decoded field by field.
        try:
            observation = _observations.decode(value)
        except msgspec.ValidationError:
            observation = lenient.decode(delivery, value, implausible)
        # msgspec checks neither UTF-8 nor depth in the fields that it ignores.
        if not value.isascii():
            value.decode()
        if len(value) > MAX_DEPTH:
            _check_depth(value)
    except msgspec.ValidationError as exc:
        raise MessageError("invalid", str(exc)) from exc
    # msgspec raises errors outside its own tree for bad UTF-8 and for deep nesting.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, ValueError) as exc:
        raise MessageError("malformed", str(exc)) from exc
    # Compared as integers: comparing two UUID objects costs a tenth of decoding.
    key = delivery.key
    if key is not None and len(key) <= _LONGEST_KEY and _uuid_in_key(key) not in (None, observation.patient_uuid.int):
        raise MessageError("key", "the key is the uuid of another patient than the value's")
    return observation


def _check_depth(value: bytes) -> None:
    """Check the nesting of a JSON document.

    Raises:
        ValueError: It is deeper than `MAX_DEPTH`.
    """
    # Hardly any document has so many brackets at all, and counting them costs next to nothing.
    if value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return
    brackets = _TEXT.sub(b"", value).translate(None, _NO_BRACKETS)
    if max(accumulate(1 if each in b"[{" else -1 for each in brackets)) > MAX_DEPTH:
        raise ValueError(f"arrays and objects nest deeper than {MAX_DEPTH}")


# As many as there may be patients: each sends the same key with every record.
@lru_cache(maxsize=16_384)
def _uuid_in_key(key: bytes) -> int | None:
    """Read a record key as a uuid, as an integer; None for keys of any other form, which senders may use freely."""
    try:
        return UUID(key.decode("ascii")).int
    except ValueError:
        return None
