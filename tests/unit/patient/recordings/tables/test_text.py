"""Tables as recordings: rows, and mistakes with file, line and column."""

from pathlib import Path

import pytest

from icu.patient.errors import RecordingError
from icu.vitals.catalogue import VitalSigns
from tests.unit.patient.recordings.tables.samples import read


def test_pipes_hours_and_missing_values(tmp_path: Path) -> None:
    """The format of the PhysioNet challenge is read: NaN and halves of a pressure stay missing, fractions are kept."""
    recording = read(
        tmp_path,
        "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|Age|ICULOS\n"
        "89.5|100|35.15|119|98|NaN|12.25|79.92|2\n"
        "NaN|NaN|NaN|NaN|NaN|NaN|NaN|79.92|3\n"
        "NaN|NaN|NaN|NaN|77|NaN|NaN|79.92|4\n"
        "90|NaN|NaN|120.5|NaN|80|NaN|79.92|5\n",
        name="a.psv",
    )
    assert recording.rows == [
        (0, VitalSigns(89.5, 12.25, 119, None, 100, 35.15, 98), {}),
        (7_200, VitalSigns(map=77), {}),
        (10_800, VitalSigns(90, None, 120.5, 80, None, None), {}),
    ]
    assert (recording.skipped, recording.duration) == (1, 10_800)


def test_zero_is_a_value(tmp_path: Path) -> None:
    """A 0 in a table is a value, as in asystole."""
    assert read(tmp_path, "hr\n0\n").rows[0].signs.pulse == 0


@pytest.mark.parametrize("name", ["MAP", "mbp", "Mean", "Mean BP", "mean_arterial_pressure"])
def test_a_mean_pressure_by_its_usual_names(tmp_path: Path, name: str) -> None:
    """A mean pressure is read by its usual names, beside either form of a pressure."""
    assert read(tmp_path, f"bp,{name}\n120/80,93.5\n").rows[0].signs == VitalSigns(systolic=120, diastolic=80, map=93.5)
    assert read(tmp_path, f"sbp,dbp,{name}\n120,80,NaN\n").rows[0].signs == VitalSigns(systolic=120, diastolic=80)


MISTAKES = {
    "a word": ("hr\n70\nfast\n", r"a\.csv:3: column hr: 'fast' is no number"),
    "infinite": ("hr\ninf\n", "is no number"),
    "time goes back": ("seconds,hr\n5,70\n4,71\n", r"a\.csv:3: its time is not later"),
    "time stands still": ("seconds,hr\n5,70\n5,71\n", "not later"),
    "time moves half a millisecond": ("seconds,hr\n0,70\n0.0005,71\n", r"a\.csv:3: .* less than a millisecond"),
    "time moves a millisecond, then less": (
        "seconds,hr\n0,70\n0.001,71\n0.0019,72\n9,73\n",
        r"a\.csv:4: .* less than a millisecond",
    ),
    "three thousand years": ("ICULOS,hr\n0,70\n26280000,71\n", r"a\.csv:3: .* within 130 years of the first row's"),
    "beyond all time": (f"ICULOS,hr\n0,70\n1{'0' * 60},71\n", r"a\.csv:3: .* within 130 years"),
    "from year 1 to year 9999": (
        "time,hr\n0001-01-01T00:00:00+14:00,70\n9999-12-31T23:59:59-14:00,71\n",
        r"a\.csv:",
    ),
    "no time": ("timestamp,hr\nyesterday,70\n", "column timestamp: 'yesterday'"),
    "no row": ("hr\n", "holds no row"),
    "only missing": ("hr\nNaN\n", "holds no row"),
}


@pytest.mark.parametrize(("text", "why"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_file_line_and_column(tmp_path: Path, text: str, why: str) -> None:
    """A mistake is refused with file, line and column before any row is sent."""
    with pytest.raises(RecordingError, match=why):
        read(tmp_path, text)


def test_rows_may_lie_a_millisecond_apart(tmp_path: Path) -> None:
    """Rows may be a millisecond apart, the store's resolution, in spite of binary fractions; many such rows are a
    waveform."""
    text = "seconds,hr\n" + "".join(f"{n * 200 + k / 1000},70\n" for n in range(1_000) for k in range(2))
    assert len(read(tmp_path, text).rows) == 2_000
