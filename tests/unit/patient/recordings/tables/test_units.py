"""Units from the header of a column, or from all its values."""

from pathlib import Path
from typing import Any

import pytest

from icu.patient.errors import RecordingError
from tests.unit.patient.recordings.tables.samples import read, signs

TOLD: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "Fahrenheit": ("Temperature (F)\n98.6\n98.7\n", [{"temperature": 37}, {"temperature": 37.06}]),
    "kPa": ("SBP (kPa),DBP (kPa)\n16,10\n", [{"systolic": 120.01, "diastolic": 75.01}]),
    "fractions": ("spo2\n0.97\n0.985\n", [{"spo2": 97}, {"spo2": 98.5}]),
    "fractions up to the whole": ("spo2\n0.97\n1\n", [{"spo2": 97}, {"spo2": 100}]),
    "fractions, as stated": ("SpO2 (fraction)\n0.97\n", [{"spo2": 97}]),
    "no fractions": ("spo2\n97\n1\n0\n", [{"spo2": 97}, {"spo2": 1}, {"spo2": 0}]),
    "slow breaths": ("resp\n2\n1\n", [{"resp_rate": 2}, {"resp_rate": 1}]),
    "a shock": ("sbp\n28\n60\n", [{"systolic": 28}, {"systolic": 60}]),
    "a shock, as stated": ("SBP (mmHg)\n28\n", [{"systolic": 28}]),
}


@pytest.mark.parametrize(("text", "wanted"), TOLD.values(), ids=TOLD)
def test_units_that_can_be_told(tmp_path: Path, text: str, wanted: list[dict[str, Any]]) -> None:
    """Known units are converted."""
    assert signs(read(tmp_path, text)) == wanted


REFUSED = {
    "Fahrenheit": ("temperature\n98.6\n98.1\n36\n", r"a\.csv:1: column temperature: .* Fahrenheit: write \(F\)"),
    "kPa": ("sbp,dbp\n16,10\n", r"column sbp: no value is above 30, as in kPa"),
    "kPa in one cell": ("bp\n16/10\n", "column bp: no value is above 30"),
    "beats a second": ("hr\n1.2\n1.3\n", "column hr: all values lie between 0 and 3"),
    "a small waveform": ("resp\n0.2\n0.3\n", "column resp: all values lie between 0 and 3"),
    "percent that are none": ("SpO2 (%)\n0.97\n", r"column SpO2 \(%\): is in %, and no value is above 1"),
    "not known": ("HR (Hz)\n1\n", r"a\.csv:1: column HR \(Hz\): its unit hz is not known"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_units_that_cannot(tmp_path: Path, text: str, why: str) -> None:
    """A unit that is unknown or unlikely is refused with advice on what to write."""
    with pytest.raises(RecordingError, match=why):
        read(tmp_path, text)


def test_what_was_converted_by_its_values_is_said(tmp_path: Path) -> None:
    """A conversion by the values causes a note; one by the header does not."""
    assert "column spo2 has fractions: times 100" in read(tmp_path, "spo2\n0.97\n").notes
    assert len(read(tmp_path, "SpO2 (fraction)\n0.97\n").notes) == 1
