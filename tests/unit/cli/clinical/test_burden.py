"""`alarms burden`, called as from a shell."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

WORDS = ("alarms", "burden", "--patients", "4", "--hours", "0.5", "--seed", "3")


def test_the_burden_side_by_side(icu: Run) -> None:
    """A column for each setting, a row for each kind of alarm, and the literature; the same each time."""
    code, out, err = icu(*WORDS)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "beds: 4, bed-days: 0.1"
    heading = next(each for each in lines if each.startswith("alarms a bed-day"))
    for name in ("thresholds alone", "with delay", "with hysteresis", "with all"):
        assert name in heading
    rows = {each[:24].strip(): each[24:].split() for each in lines if each[24:].strip()}
    assert {"all", "physiological", "technical", "high", "medium", "low", "suppressed", "floods"} <= set(rows)
    assert float(rows["all"][0]) == float(rows["physiological"][0]) + float(rows["technical"][0])
    assert float(rows["all"][0]) >= float(rows["all"][3])
    assert "187 alarms a bed-day: Drew et al., PLoS ONE 2014" in lines
    assert icu(*WORDS)[1] == out


def test_as_json(icu: Run) -> None:
    """The whole statistics of each setting, by its name."""
    code, out, _ = icu(*WORDS, "--json")
    found = json.loads(out)
    assert code == 0
    assert list(found["settings"]) == ["thresholds alone", "with delay", "with hysteresis", "with all"]
    assert found["settings"]["with all"]["beds"] == 4
    assert found["literature"]["duration_median"]["value"] == 17


def test_of_recordings(icu: Run, tmp_path: Path) -> None:
    """A folder in place of simulated patients."""
    (tmp_path / "a.csv").write_text("time,pulse,spo2\n0,70,96\n60,70,85\n120,70,96\n")
    code, out, _ = icu("alarms", "burden", str(tmp_path))
    assert (code, out.splitlines()[0]) == (0, "beds: 1, bed-days: 0.0")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--every", "0.5s"), "--every 0.5s is not between 1s and 1h"),
        (("nowhere",), "nowhere"),
        ((".", "--scenario-rate", "0"), "--scenario-rate is for simulated patients: leave it or . out"),
        ((".",), "holds no recording"),
        (("--patients", "0"), "--patients"),
    ],
)
def test_mistakes(icu: Run, words: tuple[str, ...], error: str) -> None:
    """One line that says what to write."""
    code, out, err = icu("alarms", "burden", *words)
    assert (code != 0, out) == (True, "")
    assert error in err
    assert len(err.splitlines()) == 1


def test_the_help_names_it(icu: Run) -> None:
    """The help of `alarms` names what there is."""
    code, out, _ = icu("alarms", "--help")
    assert (code, "burden" in out) == (0, True)
