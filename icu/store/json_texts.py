"""Readings as JSON, made from columns in one pass: the text that msgspec writes of `Reading`, without the structs.

A ward repeats its values, so the text of each is looked up: of a sign with its name and comma, of a pair of pressures,
of a time as its minute and the rest. What is left to do for a reading is to join a few texts.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, Final

import msgspec

from icu.store.readings import CLOCK_TOLERANCE_MS, Columns, Known, from_milliseconds, to_quality, to_value
from icu.vitals.catalogue import DIASTOLIC, NUMBERS, SIGNS, SYSTOLIC, Sign
from icu.vitals.signs import format_blood_pressure

_MINUTE: Final = 60_000

_encoder: Final = msgspec.json.Encoder()


def json_texts(columns: Columns, rows: slice) -> list[str]:
    """Return the objects of these rows, each as JSON."""
    part = {name: column[rows] for name, column in columns.items()}
    texts = [
        [_minutes[each // _MINUTE] + _rests[each % _MINUTE] for each in part["timestamp"]],
        *(_of_sign(sign, part) for sign in SIGNS if sign is not DIASTOLIC),
        _looked_up(_pressure_times, part["bp_measured_at"]),
        _looked_up(_qualities, part["quality"]),
        _clocks(part["lag"]),
    ]
    return list(map("".join, zip(*texts, strict=False)))  # the last of them may be endless


def _of_sign(sign: Sign, part: Columns) -> Iterable[str]:
    if sign is SYSTOLIC:
        return map(_pressures.__getitem__, zip(part[SYSTOLIC.name], part[DIASTOLIC.name], strict=True))
    return _looked_up(_numbers[sign.name], part[sign.name])


def _looked_up(texts: Known[Any, str], column: Sequence[Any]) -> Iterable[str]:
    # Some columns are nearly always empty, and to count what is not there takes a tenth of looking it up.
    if column.count(None) == len(column):
        return repeat(texts[None])
    return map(texts.__getitem__, column)


def _clocks(lags: Iterable[int]) -> Iterable[str]:
    """The end of each object: nearly always nothing is said of the sender's clock."""
    if min(lags, default=0) >= -CLOCK_TOLERANCE_MS:
        return repeat("}")
    return (
        _field("clock_ahead_seconds", -lag / 1000) + "}" if lag < -CLOCK_TOLERANCE_MS else "}"  # as in `Reading`
        for lag in lags
    )


def _text(value: object) -> str:
    return _encoder.encode(value).decode()


def _field(name: str, value: object) -> str:
    return f',"{name}":{_text(value)}'


def _or_nothing(name: str, convert: Callable[[Any], object]) -> Known[Any, str]:
    """Texts of a field that is left out where it is None."""
    return Known(lambda stored: "" if stored is None else _field(name, convert(stored)))


def _of_number(sign: Sign) -> Known[int | None, str]:
    if sign.optional:
        return _or_nothing(sign.field, to_value)
    return Known(lambda hundredths: _field(sign.field, to_value(hundredths)))


def _pressure(halves: tuple[int | None, int | None]) -> str:
    return _field(SYSTOLIC.field, format_blood_pressure(*map(to_value, halves)))


_minutes: Final = Known[int, str](
    lambda minute: '{"timestamp":' + _text(from_milliseconds(minute * _MINUTE)).removesuffix('00Z"')
)
_rests: Final = Known[int, str](lambda rest: _text(from_milliseconds(rest)).rpartition(":")[2])
_numbers: Final = {each.name: _of_number(each) for each in NUMBERS}
_pressures: Final = Known[tuple[int | None, int | None], str](_pressure)
_pressure_times: Final = _or_nothing("bp_measured_at", from_milliseconds)
_qualities: Final = _or_nothing("quality", to_quality)
