"""Catalogue of signs, and the code that is written out by hand beside it."""

from typing import Any, get_args

import msgspec
import pytest
from msgspec import Meta

from icu.messages import Observation, Quality, Served
from icu.vitals.catalogue import BY_NAME, NUMBERS, SIGNS, Sign, VitalSigns

# UCUM, LOINC, and what can be measured.
CODES = {
    "pulse": ("/min", "8867-4", (0, 350)),
    "resp_rate": ("/min", "9279-1", (0, 200)),
    "systolic": ("mm[Hg]", "8480-6", (0, 360)),
    "diastolic": ("mm[Hg]", "8462-4", (0, 360)),
    "spo2": ("%", "59408-5", (0, 100)),
    "temperature": ("Cel", "8310-5", (10, 50)),
    "map": ("mm[Hg]", "8478-0", (0, 360)),
}

# In the order of the catalogue.
FIELDS = list(dict.fromkeys(each.field for each in SIGNS))


@pytest.mark.parametrize("name", BY_NAME)
def test_units_codes_and_limits(name: str) -> None:
    """Units, codes and limits are pinned: a slip of the pen would change the meaning of values."""
    assert name in CODES, f"write unit, code and limits of {name} into CODES too"
    sign = BY_NAME[name]
    assert (sign.unit, sign.loinc, sign.limits) == CODES[name]
    assert sign.can_be(sign.example)


def test_no_two_signs_share_a_name() -> None:
    """Names, codes, names in data sets and names of columns are unique."""
    for kind in ("name", "loinc", "data_set", "reference"):
        names = [getattr(each, kind) for each in SIGNS if getattr(each, kind) is not None]
        assert len(set(names)) == len(names), kind
    columns = [word for each in SIGNS for names in each.columns.values() for word in names.split()]
    assert len(set(columns)) == len(columns)


def numbers_in(struct: type[msgspec.Struct]) -> dict[str, dict[type, Meta]]:
    """Numeric fields of a struct, with the bounds of each type."""
    found: dict[str, dict[type, Meta]] = {}
    for field in msgspec.structs.fields(struct):
        parts = [get_args(each) for each in get_args(field.type)]
        metas = {part[0]: part[1] for part in parts if len(part) == 2 and part[0] in {int, float}}
        if metas:
            found[field.name] = metas
    return found


@pytest.mark.parametrize("struct", [Observation, Served, Quality])
def test_what_is_written_out_has_each_sign_in_order(struct: type[msgspec.Struct]) -> None:
    """Each sign is on the topic, in the API and among the flags, in the order of the catalogue."""
    fields = struct.__struct_fields__
    assert set(FIELDS) <= set(fields), f"{struct.__name__} lacks {set(FIELDS) - set(fields)}"
    assert [each for each in fields if each in FIELDS] == FIELDS


def test_observations_take_what_can_be_measured() -> None:
    """Integers and floats within the limits of their own sign are accepted."""
    fields = numbers_in(Observation)
    fields.pop("interval", None)
    assert {name: (metas[int], metas[float]) for name, metas in fields.items()} == {
        each.field: (each.whole, each.exact) for each in NUMBERS
    }


def test_readings_are_described_by_the_catalogue() -> None:
    """Unit, limits and example in the API's description are those of the sign."""
    assert {name: metas[float] for name, metas in numbers_in(Served).items()} == {
        each.field: each.served for each in NUMBERS
    }


def test_optional_signs_are_the_last() -> None:
    """Only optional signs are left out of readings; rows and statements rely on their being last."""
    assert [each.optional for each in SIGNS] == sorted(each.optional for each in SIGNS)
    required = {each.name for each in msgspec.structs.fields(Served) if each.required}
    assert {each.field for each in SIGNS if not each.optional} == required - {"timestamp"}


def test_signs_of_recordings_are_in_order() -> None:
    """VitalSigns has the signs of the catalogue in order, None by default."""
    names = tuple(each.name for each in SIGNS)
    assert VitalSigns._fields == names, f"VitalSigns lacks {set(names) - set(VitalSigns._fields)}, or has another order"
    assert set(VitalSigns()) == {None}


@pytest.mark.parametrize("sign", NUMBERS, ids=lambda sign: sign.name)
def test_a_value_that_can_be_is_taken_on_the_topic(sign: Sign) -> None:
    """The bounds of messages and the sink's check of plausibility agree."""
    low, high = sign.limits
    values: list[float] = [low - 1, low, low + 0.5, sign.least, sign.example, high, high + 0.01, high + 1]
    for value in values:
        whole: Any = int(value) if value == int(value) else value
        assert is_taken(sign.field, whole) == sign.can_be(value), value


def is_taken(field: str, value: float) -> bool:
    """Tell if the topic accepts the value."""
    record = {"patient_uuid": "12345678-1234-5678-1234-567812345678", "timestamp": "2026-01-31T12:00:00Z", field: value}
    try:
        msgspec.json.decode(msgspec.json.encode(record), type=Observation)
    except msgspec.ValidationError:
        return False
    return True
