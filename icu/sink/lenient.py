"""Records that the strict decoder refuses: an impossible value is left out, with the reason; the rest stays.

Times may count from 1970 here, too. What is of another type, or no text of its kind, is refused all the same.
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

# Beyond 64 bits, as at 1e999, it is no measurement but a sender that is broken.
_Number: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float
_Moment: TypeAlias = datetime | int | float


class _Fields(Struct, frozen=True, kw_only=True, gc=False):
    """The fields of an Observation but for its numbers, whether or not their values are possible."""

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
_OF_PRESSURE: Final = ("bp", "map", "bp_measured_at")
_SIGNS: Final = Quality.__struct_fields__
_records: Final = msgspec.json.Decoder[_Fields](_Record)


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
