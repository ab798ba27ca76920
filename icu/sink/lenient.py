"""Records that the strict decoder refuses: an impossible value is left out, with the reason; the rest stays.

Times may count from 1970 here, too. What is of another type, or no text of its kind, is refused all the same.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from math import ulp
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from icu.bounds import check_time, from_epoch
from icu.messages import LONGEST_INTERVAL, Delivery, Implausible, Observation, Quality, SchemaVersion
from icu.sink.errors import MessageError
from icu.vitals import limits
from icu.vitals.limits import IMPLAUSIBLE
from icu.vitals.signs import format_blood_pressure, plausible, read_halves

# Beyond 64 bits, as at 1e999, it is no measurement but a sender that is broken.
_Number: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float
_Moment: TypeAlias = datetime | int | float


class _Record(Struct, frozen=True, kw_only=True, gc=False):
    """The fields of an Observation, whether or not their values are possible."""

    patient_uuid: UUID
    timestamp: _Moment
    patient_name: str | None = None
    pulse: _Number | None = None
    resp_rate: _Number | None = None
    bp: str | None = None
    spo2: _Number | None = None
    temperature: _Number | None = None
    map: _Number | None = None
    bp_measured_at: _Moment | None = None
    quality: Quality | None = None
    interval: _Number | None = None
    schema_version: SchemaVersion = 0


_RANGES: Final = {
    "pulse": limits.PULSE,
    "resp_rate": limits.RESP_RATE,
    "spo2": limits.SPO2,
    "temperature": limits.TEMPERATURE,
    "map": limits.BLOOD_PRESSURE,
    "interval": limits.Range(ulp(0), LONGEST_INTERVAL),  # above 0
}
_OF_PRESSURE: Final = ("bp", "map", "bp_measured_at")
_SIGNS: Final = Quality.__struct_fields__
_records: Final = msgspec.json.Decoder(_Record)


def decode(delivery: Delivery, value: bytes, implausible: list[Implausible]) -> Observation:
    """The observation without its impossible values, which are added to `implausible`. `value` is the delivery's.

    Raises what msgspec does, and MessageError where there were values and none is possible.
    """
    came = _records.decode(value)
    fields = msgspec.structs.asdict(came)
    try:
        fields["timestamp"] = _timestamp(came.timestamp)
        if not (came.patient_name or "").strip():
            fields["patient_name"] = None
        left_out = _leave_out_numbers(fields) | _leave_out_halves(fields)
        left_out = _leave_out_untimed_pressure(fields) | left_out
        if left_out:
            implausible += [Implausible(delivery, name, text) for name, text in left_out.items()]
            _say_why(fields, left_out)
        return Observation(**fields)
    except ValueError as exc:
        raise msgspec.ValidationError(str(exc)) from exc


def _timestamp(said: _Moment) -> datetime:
    try:
        return _moment(said)
    except ValueError as exc:
        raise ValueError(f"timestamp {exc}") from exc


def _moment(said: _Moment) -> datetime:
    return check_time(said if isinstance(said, datetime) else from_epoch(said))


def _leave_out_numbers(fields: dict[str, Any]) -> dict[str, str]:
    left_out = {}
    for name, (low, high) in _RANGES.items():
        came = fields[name]
        if came is not None and (not low <= came <= high or (name == "spo2" and 0 < came < limits.LEAST_SPO2)):
            left_out[name] = str(came)
            fields[name] = None
    if fields["spo2"] == 0:
        # An Observation takes 0 as an integer alone: of numbers with a point it refuses all below 1.
        fields["spo2"] = 0
    return left_out


def _leave_out_halves(fields: dict[str, Any]) -> dict[str, str]:
    text = fields["bp"]
    if text is None:
        return {}
    fields["bp"], is_whole = _possible_halves(text)
    return {} if is_whole else {"bp": text}


@lru_cache(maxsize=16_384)
def _possible_halves(text: str) -> tuple[str | None, bool]:
    """The possible halves of a pressure, and whether those are all of it. Cached, for senders repeat themselves."""
    came = read_halves(text)
    kept = plausible(came)
    return format_blood_pressure(*kept), kept == came


def _leave_out_untimed_pressure(fields: dict[str, Any]) -> dict[str, str]:
    """A pressure of the future, or of the year 1, may be of any time. Without its time it would pass for a new one."""
    said = fields["bp_measured_at"]
    if said is None or (isinstance(said, datetime) and said.tzinfo is None):
        # Without a zone it is no time at all, and the Observation refuses it.
        return {}
    with suppress(ValueError):
        measured = _moment(said)
        if measured <= fields["timestamp"]:
            fields["bp_measured_at"] = measured
            return {}
    left_out = {name: str(fields[name]) for name in _OF_PRESSURE if fields[name] is not None}
    fields |= dict.fromkeys(left_out)
    return left_out


def _say_why(fields: dict[str, Any], left_out: Mapping[str, str]) -> None:
    """Flag the signs that lost a value. MessageError where the record had values and keeps none."""
    lost = [sign for sign in _SIGNS if sign in left_out]
    if not lost:
        return
    if all(fields[sign] is None for sign in _SIGNS):
        came = ", ".join(f"{sign} {left_out[sign]}" for sign in lost)
        raise MessageError(IMPLAUSIBLE, f"no value of it is possible: {came}")
    quality = fields["quality"] or Quality()
    fields["quality"] = msgspec.structs.replace(quality, **dict.fromkeys(lost, IMPLAUSIBLE))
