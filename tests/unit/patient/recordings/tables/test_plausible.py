"""One impossible value costs that value alone, with a reason."""

from pathlib import Path
from typing import Any

import pytest

from icu.patient.recordings.tables.plausible import plausible
from tests.unit.patient.recordings.tables.samples import read, signs

IMPOSSIBLE: dict[str, tuple[dict[str, float], dict[str, Any], dict[str, str]]] = {
    "a saturation": ({"spo2": 101, "pulse": 80}, {"pulse": 80}, {"spo2": "implausible"}),
    "a saturation in between": ({"spo2": 0.97}, {}, {"spo2": "implausible"}),
    "the least saturation": ({"spo2": 0}, {"spo2": 0}, {}),
    "a temperature": ({"temperature": 0}, {}, {"temperature": "implausible"}),
    "a pulse": ({"pulse": -1}, {}, {"pulse": "implausible"}),
    "breaths": ({"resp_rate": 201}, {}, {"resp_rate": "implausible"}),
    "upside down": ({"systolic": 80, "diastolic": 120, "map": 93}, {"map": 93}, {"bp": "implausible"}),
    "as high as low": ({"systolic": 80, "diastolic": 80}, {"systolic": 80, "diastolic": 80}, {}),
    "one half": ({"systolic": 999, "diastolic": 80}, {"diastolic": 80}, {"bp": "implausible"}),
    "both halves": ({"systolic": 999, "diastolic": -3}, {}, {"bp": "implausible"}),
    "a mean": (
        {"systolic": 120, "diastolic": 80, "map": 999},
        {"systolic": 120, "diastolic": 80},
        {"map": "implausible"},
    ),
    "nothing": ({"pulse": 0.004, "temperature": 36.666}, {"pulse": 0, "temperature": 36.67}, {}),
}


@pytest.mark.parametrize(("values", "kept", "quality"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_is_kept(values: dict[str, float], kept: dict[str, Any], quality: dict[str, str]) -> None:
    """Possible values are kept, and the quality has the reasons of the absent ones."""
    assert plausible(values) == (kept, quality)


def test_neither_the_row_nor_the_stay_is_lost(tmp_path: Path) -> None:
    """A row that loses all its values stays, with reasons, and they are counted; a row that had none does not."""
    recording = read(tmp_path, "hr,spo2,sbp,dbp\n80,97,97,287\n81,101,,\n-1,,,\n,,,\n82,98,120,80\n")
    assert signs(recording) == [
        {"pulse": 80, "spo2": 97},
        {"pulse": 81},
        {},
        {"pulse": 82, "spo2": 98, "systolic": 120, "diastolic": 80},
    ]
    quality = [dict(row.quality) for row in recording.rows]
    assert quality == [{"bp": "implausible"}, {"spo2": "implausible"}, {"pulse": "implausible"}, {}]
    assert (recording.impossible, recording.skipped) == (4, 1)
