"""`simulate`, `scorecard` and `picture`, called as from a shell."""

import json
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

HEADER = "patient_uuid,timestamp,pulse,resp_rate,sbp,dbp,map,spo2,temperature"


def test_the_same_arguments_are_the_same_bytes(icu: Run, tmp_path: Path) -> None:
    """The same arguments give the same bytes in a file and on standard output; another seed gives others."""
    words = ("simulate", "--patients", "5", "--hours", "2", "--every", "1min")
    assert icu(*words, "--seed", "7", "--out", "a.csv", "--labels", "l.csv") == (0, "", "")
    code, out, _ = icu(*words, "--seed", "7")
    assert code == 0
    assert out == (tmp_path / "a.csv").read_text() == icu(*words, "--seed", "7", "--out", "-")[1]
    lines = out.splitlines()
    assert lines[0] == HEADER
    assert len(lines) == 1 + 5 * 120 == len((tmp_path / "l.csv").read_text().splitlines())
    assert lines[1].split(",")[1] == "2026-01-01T00:00:00Z"
    assert icu(*words)[1] != out
    assert ",2020-02-29T10:00:00Z," in icu(*words, "--start", "2020-02-29T12:00:00+02:00")[1].splitlines()[1]


def test_parquet_is_the_same_each_time(icu: Run, tmp_path: Path) -> None:
    """The same arguments give the same Parquet file, and its first row has the given start."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    for name in ("a.parquet", "b.parquet"):
        words = ("--start", "2020-02-29T12:00:00+02:00", "--out", name, "--labels", f"labels-{name}")
        assert icu("simulate", "--patients", "5", *words) == (0, "", "")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert ",".join(rows[0]) == HEADER
    assert rows[0]["timestamp"].isoformat() == "2020-02-29T10:00:00+00:00"
    labels = pq.read_table(tmp_path / "labels-a.parquet").to_pylist()
    assert [row["patient_uuid"] for row in labels] == [row["patient_uuid"] for row in rows]


def test_a_scorecard_of_a_file(icu: Run) -> None:
    """A file's scorecard equals that of the fresh run, as a table or as JSON; --least decides the exit code."""
    assert icu("simulate", "--patients", "30", "--seed", "2", "--out", "a.csv")[0] == 0
    code, table, _ = icu("scorecard", "a.csv")
    assert code == 0
    assert table == icu("scorecard", "--patients", "30", "--seed", "2")[1]
    assert "q50.HR" in table
    assert "of 91 inside" in table.splitlines()[-1]
    code, out, _ = icu("scorecard", "a.csv", "--json", "--least", "10")
    card = json.loads(out)
    assert code == 0
    assert card["inside"] == sum(row["inside"] for row in card["statistics"])
    assert card["share"] == pytest.approx(100 * card["inside"] / 91)
    assert icu("scorecard", "a.csv", "--least", "100")[0] == 1


def test_statistics_that_cannot_be_had(icu: Run, tmp_path: Path) -> None:
    """A statistic that cannot be computed is a dash in the table, and null in JSON."""
    rows = [f"{patient},{hour},{60 + patient + hour % 5}" for patient in range(12) for hour in range(15)]
    (tmp_path / "a.csv").write_text("\n".join(["id,hours,hr", *rows]))
    assert " -" in next(line for line in icu("scorecard", "a.csv")[1].splitlines() if "q50.Temp" in line)
    statistics = json.loads(icu("scorecard", "a.csv", "--json")[1])["statistics"]
    assert next(each for each in statistics if each["name"] == "q50.Temp")["measured"] is None


def test_pictures(icu: Run, tmp_path: Path) -> None:
    """`picture` draws patients, and a scenario."""
    assert icu("picture", "patients", "--patients", "2", "--hours", "3", "--out", "a.svg") == (0, "", "")
    assert icu("picture", "scenario", "fever", "--out", "b.png") == (0, "", "")
    assert (tmp_path / "a.svg").exists()
    assert (tmp_path / "b.png").exists()


WRONG: dict[str, tuple[list[str], int, str]] = {
    "no scenario of that name": (["simulate", "--scenario", "seppsis"], 64, "choose one of"),
    "no picture of that name": (["picture", "scenario", "x", "--out", "a.svg"], 64, "choose one of"),
    "no kind of picture": (["picture", "patients", "--out", "a.pdf"], 64, ".svg or .png"),
    "no file for the picture": (["picture", "patients"], 64, "--out"),
    "nobody": (["simulate", "--patients", "0"], 64, "--patients"),
    "no time": (["simulate", "--hours", "0"], 64, "--hours"),
    "no span": (["simulate", "--every", "often"], 64, "30s"),
    "too often": (["simulate", "--every", "0.01s"], 64, "--every"),
    "too seldom": (["simulate", "--every", "2d"], 64, "--every"),
    "before 1970": (["simulate", "--start", "1969-12-31"], 64, "outside the years"),
    "after 2099": (["simulate", "--start", "2099-12-31", "--hours", "48"], 64, "outside the years"),
    "after all": (["simulate", "--start", "9999-12-31", "--hours", "48"], 64, "time"),
    "labels on stdout": (["simulate", "--labels", "-"], 64, "--labels"),
    "one file for both": (["simulate", "--out", "a.csv", "--labels", "./a.csv"], 64, "one file"),
    "a folder that is missing": (
        ["simulate", "--patients", "1", "--out", "no/a.csv"],
        78,
        "no/a.csv cannot be written",
    ),
    "a folder": (["simulate", "--patients", "1", "--out", "."], 78, "cannot be written"),
    "a full disk": (["simulate", "--patients", "1", "--out", "/dev/full"], 74, "No space left"),
    "options of a fresh run": (["scorecard", "a.csv", "--seed", "1"], 64, "--seed is for a fresh run"),
    "too few patients": (["scorecard", "--patients", "3"], 78, "10 of them at least"),
    "a file that is missing": (["scorecard", "no.csv"], 78, "no.csv cannot be read"),
    "a folder without recordings": (["scorecard", "."], 78, "holds no recording"),
}


@pytest.mark.parametrize(("words", "expected", "hint"), WRONG.values(), ids=WRONG)
def test_mistakes(icu: Run, words: list[str], expected: int, hint: str) -> None:
    """A mistake is one line on standard error that says what to do."""
    code, out, err = icu(*words)
    assert (code, out) == (expected, "")
    assert err.startswith("icu: ")
    assert err.count("\n") == 1
    assert hint in err


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("pyarrow", ["simulate", "--patients", "1", "--out", "a.parquet"]),
        ("pyarrow", ["scorecard", "a.parquet"]),
        ("matplotlib", ["picture", "patients", "--out", "a.svg"]),
    ],
)
def test_a_missing_extra(
    icu: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, words: list[str]
) -> None:
    """A missing extra is an error that says what to install, and leaves no file behind."""
    for name in [each for each in sys.modules if each.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    code, out, err = icu(*words)
    assert (code, out) == (78, "")
    assert f"needs {module}, which is not installed: pip install {module.partition('.')[0]}" in err
    assert not list(tmp_path.iterdir())
