"""Cells: numbers in decimal digits, and spellings of a missing value."""

import pytest

from icu.patient.recordings.tables.cells import is_missing, number


@pytest.mark.parametrize(
    "text",
    ["", "NaN", "nan", "NA", "N/A", "n.a.", "null", "None", "-", "--", "---", "—", "?", "*", "**", "***", ".", r"\N",
     "#N/A", "<NA>", "NaT", "(null)", "#DIV/0!", "_", "missing"],
)  # fmt: skip
def test_what_is_missing(text: str) -> None:
    """A spelling of a missing value is neither a number nor a mistake."""
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "-1", "0.0", ".5", "off", "low", "E", "inf", "none today"])
def test_what_is_not(text: str) -> None:
    """A 0 is a value, and a word is a mistake."""
    assert not is_missing(text)


@pytest.mark.parametrize(
    ("text", "value"), [("70", 70), ("+70.5", 70.5), ("-1", -1), (".5", 0.5), ("7.", 7), ("1e2", 100), ("3.7E+01", 37)]
)
def test_numbers(text: str, value: float) -> None:
    """Numbers are read as people and numpy write them."""
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    ["7_0", "٧٠", "７０", "inf", "infinity", "nan", "1e400", "1e4000", "0x46", "7 0", "70,5", "70%", "1.2.3", "e2", "+",
     "70\n", "7" * 65],
)  # fmt: skip
def test_no_numbers(text: str) -> None:
    """Texts that Python would take for numbers, and other texts, are mistakes."""
    with pytest.raises(ValueError, match="is no number"):
        number(text)
