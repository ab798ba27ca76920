"""Blood pressure as text and as numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.vitals.catalogue import SYSTOLIC
from icu.vitals.signs import format_blood_pressure, parse_blood_pressure, plain, plausible, read_halves

HALF = st.none() | st.integers(0, 36_000).map(lambda n: plain(n / 100))


@given(HALF, HALF)
def test_what_is_written_is_read_again(systolic: float | None, diastolic: float | None) -> None:
    """Every possible pressure survives formatting and parsing, with missing halves and fractions."""
    if systolic is not None and diastolic is not None:
        systolic, diastolic = max(systolic, diastolic), min(systolic, diastolic)
    text = format_blood_pressure(systolic, diastolic)
    if text is None:
        assert systolic is diastolic is None
    else:
        assert parse_blood_pressure(text) == (systolic, diastolic)


@pytest.mark.parametrize("text", ["", "120", "120/", "/80", "120 / 80", "1e2/80", "+120/80", "0120/80", "--5/80"])
def test_other_spellings_are_refused(text: str) -> None:
    """Other spellings than 120/80 are refused, and the message shows how to write it."""
    with pytest.raises(ValueError, match="120/80"):
        parse_blood_pressure(text)


def test_the_range_is_closed() -> None:
    """The largest pressure of a monitor is accepted, the next is not."""
    assert parse_blood_pressure(f"{SYSTOLIC.limits.high}/0").systolic == SYSTOLIC.limits.high
    with pytest.raises(ValueError, match="outside"):
        parse_blood_pressure(f"{SYSTOLIC.limits.high + 1}/0")
    for text in ("-120/80", "1200/80", "120/-0.5"):
        with pytest.raises(ValueError, match="outside"):
            parse_blood_pressure(text)


PARTLY: dict[str, tuple[float | None, float | None]] = {
    "120/80": (120, 80),
    "119.5/-": (119.5, None),
    "361/80": (None, 80),
    "120/1200": (120, None),
    "80/120": (None, None),
    "-5/80": (None, 80),
    "80/-0.25": (80, None),
    "-/80.25": (None, 80.25),
    "999/999": (None, None),
    "80/80": (80, 80),
    "0/0": (0, 0),
}


@pytest.mark.parametrize(("text", "kept"), PARTLY.items(), ids=PARTLY)
def test_an_impossible_half_costs_that_half(text: str, kept: tuple[float | None, float | None]) -> None:
    """An impossible half is left out; an upside-down pressure loses both, for either may be wrong."""
    assert plausible(read_halves(text)) == kept
