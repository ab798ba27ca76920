"""Decoding of the records that the strict decoder refuses: impossible values are left out, with the reason.

Times may also be numbers since 1970 here. A wrong type, or text of no known form, still refuses the whole record.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from icu.bounds import check_time, from_epoch
from icu.messages import LONGEST_INTERVAL, Delivery, Implausible, Observation, Quality, SchemaVersion
from icu.sink.errors import MessageError
from icu.vitals.catalogue import NUMBERS
from icu.vitals.limits import IMPLAUSIBLE
from icu.vitals.signs import format_blood_pressure, plausible, read_halves

# An integer beyond 64 bits comes from a broken sender, not from a sensor: the whole record is refused.
_Number: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float
_Moment: TypeAlias = datetime | int | float


class _Fields(Struct, frozen=True, kw_only=True, gc=False):
    """Fields of an Observation except its numbers, without the limits on their values."""

    patient_uuid: UUID
    timestamp: _Moment
    patient_name: str | None = None
    bp: str | None = None
    bp_measured_at: _Moment | None = None
    quality: Quality | None = None
    interval: _Number | None = None
    schema_version: SchemaVersion = 0


_Record: Final = msgspec.defstruct(
    "_Record",
    [(each.field, _Number | None, None) for each in NUMBERS],
    bases=(_Fields,),
    frozen=True,
    kw_only=True,
    gc=False,
)
# Fields of one measurement, left out together.
_PRESSURE_FIELDS: Final = ("bp", "map", "bp_measured_at")
_SIGNS: Final = Quality.__struct_fields__
_records: Final = msgspec.json.Decoder[_Fields](_Record)


def decode(delivery: Delivery, value: bytes, implausible: list[Implausible]) -> Observation:
    """Decode a record without its impossible values.

    Args:
        delivery: Source of the record, for the report.
        value: Its bytes.
        implausible: Receives the impossible values.

    Raises:
        MessageError: No value of the record is possible.
        msgspec.ValidationError: A field has a wrong type, or a time is none.
        msgspec.DecodeError: The bytes are no JSON.
    """
    record = _records.decode(value)
    fields = msgspec.structs.asdict(record)
    try:
        fields["timestamp"] = _timestamp(record.timestamp)
        if not (record.patient_name or "").strip():
            fields["patient_name"] = None
        left_out = _leave_out_numbers(fields) | _leave_out_halves(fields)
        # The sender's own text wins in the report: this step sees only the possible half of a pressure.
        left_out = _leave_out_untimed_pressure(fields) | left_out
        if left_out:
            implausible += [Implausible(delivery, name, text) for name, text in left_out.items()]
            _flag_lost_signs(fields, left_out)
        return Observation(**fields)
    except ValueError as exc:
        raise msgspec.ValidationError(str(exc)) from exc


def _timestamp(sent: _Moment) -> datetime:
    try:
        return _moment(sent)
    except ValueError as exc:
        raise ValueError(f"timestamp {exc}") from exc


def _moment(sent: _Moment) -> datetime:
    return check_time(sent if isinstance(sent, datetime) else from_epoch(sent))


def _leave_out_numbers(fields: dict[str, Any]) -> dict[str, str]:
    impossible = [each.field for each in NUMBERS if (came := fields[each.field]) is not None and not each.can_be(came)]
    if (interval := fields["interval"]) is not None and not 0 < interval <= LONGEST_INTERVAL:
        impossible.append("interval")
    left_out = {name: str(fields[name]) for name in impossible}
    fields |= dict.fromkeys(left_out)
    for each in NUMBERS:
        if each.least and fields[each.field] == 0:
            # An Observation takes 0 as an integer alone: of numbers with a point it refuses all below the least.
            fields[each.field] = 0
    return left_out


def _leave_out_halves(fields: dict[str, Any]) -> dict[str, str]:
    text = fields["bp"]
    if text is None:
        return {}
    fields["bp"], is_whole = _possible_halves(text)
    return {} if is_whole else {"bp": text}


# Cached: a broken sender repeats the same text, and patients share many pressures.
@lru_cache(maxsize=16_384)
def _possible_halves(text: str) -> tuple[str | None, bool]:
    """Keep the possible halves of a pressure; the flag is true where that is all of it."""
    sent = read_halves(text)
    kept = plausible(sent)
    return format_blood_pressure(*kept), kept == sent


def _leave_out_untimed_pressure(fields: dict[str, Any]) -> dict[str, str]:
    """Leave out a pressure whose time is impossible: stored without its time, it would pass for a new one."""
    sent = fields["bp_measured_at"]
    if sent is None or (isinstance(sent, datetime) and sent.tzinfo is None):
        # A time without a zone is left in place: the Observation refuses it, and with it the record.
        return {}
    with suppress(ValueError):
        measured = _moment(sent)
        if measured <= fields["timestamp"]:
            fields["bp_measured_at"] = measured
            return {}
    left_out = {name: str(fields[name]) for name in _PRESSURE_FIELDS if fields[name] is not None}
    fields |= dict.fromkeys(left_out)
    return left_out


def _flag_lost_signs(fields: dict[str, Any], left_out: Mapping[str, str]) -> None:
    """Flag the signs that lost a value as implausible.

    Raises:
        MessageError: The record had values, and keeps none.
    """
    lost = [sign for sign in _SIGNS if sign in left_out]
    if not lost:
        return
    if all(fields[sign] is None for sign in _SIGNS):
        values = ", ".join(f"{sign} {left_out[sign]}" for sign in lost)
        raise MessageError(IMPLAUSIBLE, f"no value of it is possible: {values}")
    quality = fields["quality"] or Quality()
    fields["quality"] = msgspec.structs.replace(quality, **dict.fromkeys(lost, IMPLAUSIBLE))
