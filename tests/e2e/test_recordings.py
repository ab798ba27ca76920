"""Recordings through the whole system: the API serves the values of the files."""

import csv
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from icu.messages import uuid_of_name
from tests.e2e.conftest import Icu, Program, Start

START = datetime(2026, 1, 31, tzinfo=UTC)

MINE = {
    "anna.psv": "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|ICULOS\n"
    "NaN|NaN|NaN|NaN|77|NaN|NaN|1\n"
    "89.5|100|35.15|119|98|NaN|12.25|2\n"
    "90|NaN|37.06|120.5|NaN|80.5|NaN|3\n"
    "NaN|NaN|NaN|NaN|NaN|NaN|NaN|4\n"
    "91|97|NaN|NaN|NaN|60|18|7\n",
    "boris.csv": "hr,spo2,resp\n60,98,12\n61,NaN,\n62,99,0\n",
}


# The hour of a published stay in which the diastolic pressure is above the systolic one.
UPSIDE_DOWN = {"p000064": 1, "p000177": 18, "p000273": 17}


def number(text: str | None) -> float | None:
    """Parse a cell, independently of the product's own reader."""
    return None if text is None or text in {"", "NaN"} else float(text)


def folder_of(variable: str) -> Path:
    """Return the folder of real recordings that a variable names. Skips the test without one."""
    folder = os.environ.get(variable)
    if not folder:
        pytest.skip(f"{variable} names no folder of recordings")
    return Path(folder)


def expected(path: Path) -> list[dict[str, Any]]:
    """Return the expected readings of a file that begins at START, with rows an hour apart or by ICULOS."""
    with path.open() as file:
        rows = list(csv.DictReader(file, delimiter="|" if path.suffix == ".psv" else ","))
    hours = [float(row.get("ICULOS") or position) for position, row in enumerate(rows)]
    found = []
    for row, hour in zip(rows, hours, strict=True):
        cells = {name.lower(): number(text) for name, text in row.items()}
        pressure = (cells.get("sbp"), cells.get("dbp"))
        reading = {
            "pulse": cells.get("hr"),
            "resp_rate": cells.get("resp"),
            "bp": None if pressure == (None, None) else "/".join("-" if p is None else f"{p:g}" for p in pressure),
            "spo2": cells.get("o2sat", cells.get("spo2")),
            "temperature": cells.get("temp"),
        }
        if cells.get("map") is not None:
            reading["map"] = cells["map"]
        if any(value is not None for value in reading.values()):
            found.append({"timestamp": START + timedelta(hours=hour - hours[0]), **reading})
    return found


def served(ward: Program, name: str) -> list[dict[str, Any]]:
    """Return all readings of a patient, page by page, oldest first."""
    found: list[dict[str, Any]] = []
    path = f"/patient/{uuid_of_name(name)}/metrics?order=asc&limit=7"
    while path:
        response = ward.get(path)
        found += response.json()
        path = urljoin(path, response.links["next"]["url"]) if "next" in response.links else ""
    return [{**each, "timestamp": datetime.fromisoformat(each["timestamp"])} for each in found]


def compare(
    start: Start, folder: Path, suffixes: tuple[str, ...], wanted: dict[str, list[dict[str, Any]]] | None = None
) -> tuple[int, int]:
    """Replay a folder and compare every value. Returns the numbers of equal readings and values."""
    files = sorted(path for path in folder.iterdir() if path.suffix in suffixes)
    wanted = wanted or {path.stem: expected(path) for path in files}
    ward = start("supervise", "--recordings", str(folder), "--speed", "1000000", "--start", START.isoformat())
    total = sum(map(len, wanted.values()))
    ward.until("/metrics", lambda response: f"icu_sink_stored_total {total}.0" in response.text)
    assert {each["name"] for each in ward.get("/patients").json()} == set(wanted)
    values = 0
    for name, readings in wanted.items():
        assert served(ward, name) == readings, name
        values += sum(value is not None for reading in readings for value in reading.values()) - len(readings)
    figures = ward.get("/metrics").text
    assert "icu_sink_dead_letters_total{" not in figures
    assert "icu_sink_duplicates_total 0.0" in figures
    ward.ready()
    assert ward.stop() == 0
    return total, values


def test_small_recordings_value_by_value(start: Start, tmp_path: Path) -> None:
    """Missing signs, halves of a pressure, fractions, empty rows and gaps in time arrive as written."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name, text in MINE.items():
        (folder / name).write_text(text)
    assert compare(start, folder, (".psv", ".csv")) == (7, 21)


def test_a_replay_ends_at_launch(start: Start, tmp_path: Path) -> None:
    """In a replay faster than real time the last row has the time of the launch: no reading is of the future."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "anna.psv").write_text(MINE["anna.psv"])
    ward = start("supervise", "--recordings", str(folder), "--speed", "100000")
    ward.until("/metrics", lambda response: "icu_sink_stored_total 4.0" in response.text)
    first, *_, last = (each["timestamp"] for each in served(ward, "anna"))
    assert abs((datetime.now(UTC) - last).total_seconds()) < 30
    assert last - first == timedelta(hours=6)
    assert ward.stop() == 0


def test_a_restarted_recording_waits_for_its_next_row(start: Start, icu: Icu, tmp_path: Path) -> None:
    """A restarted recording does not send the row of an hour later: no latest reading is of the future."""
    (tmp_path / "rec.csv").write_text("HR,hours\n70,0\n71,1\n")
    (tmp_path / "supervisor.toml").write_text(
        '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n'
        '[[child]]\nrole = "patient"\nid = "rec"\nname = "Rec"\nrecording = "rec.csv"\n'
        '[[child]]\nrole = "patient"\nid = "sim"\nname = "Sim"\n'
    )
    ward = start("supervise")
    ward.until("/patients", lambda response: response.status_code == 200 and len(response.json()) == 2)
    for words in (["restart"], ["stop"], ["start"]):
        assert icu(*words, "rec").returncode == 0
    already = len(ward.get(f"/patient/{uuid_of_name('Sim')}/metrics").json())
    ward.until(
        f"/patient/{uuid_of_name('Sim')}/metrics",
        lambda response: response.is_success and len(response.json()) > already + 2,
    )
    assert [each["pulse"] for each in served(ward, "Rec")] == [70]
    assert ward.stop() == 0


def test_several_patients_a_file(start: Start, tmp_path: Path) -> None:
    """Interleaved rows become one history for each patient, in the store too."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "ward.csv").write_text("subject_id,time (s),hr\n1,0,80\n2,7,140\n1,60,81\n2,67,141\n")
    (folder / "._ward.csv").write_bytes(b"\0\5\x16\7")
    ward = start("supervise", "--recordings", str(folder), "--speed", "100000", "--start", START.isoformat())
    ward.until("/metrics", lambda response: "icu_sink_stored_total 4.0" in response.text)
    assert {each["name"] for each in ward.get("/patients").json()} == {"ward/1", "ward/2"}
    for name, pulses in (("ward/1", [80, 81]), ("ward/2", [140, 141])):
        readings = served(ward, name)
        assert [each["pulse"] for each in readings] == pulses
        assert [each["timestamp"] for each in readings] == [START, START + timedelta(minutes=1)]
    assert ward.stop() == 0


@pytest.mark.recordings
def test_real_recordings_value_by_value(start: Start) -> None:
    """Recordings of real intensive-care stays arrive complete; ICU_TEST_RECORDINGS names their folder."""
    readings, values = compare(start, folder_of("ICU_TEST_RECORDINGS"), (".psv",))
    print(f"{readings} readings, {values} values agree")
    assert readings


@pytest.mark.recordings
def test_published_recordings_value_by_value(start: Start) -> None:
    """The same stays as published, with 41 columns, arrive the same; ICU_TEST_RECORDINGS_PUBLISHED names them.

    An hour with its pressure upside down has none, and says why.
    """
    folder, cut = folder_of("ICU_TEST_RECORDINGS_PUBLISHED"), folder_of("ICU_TEST_RECORDINGS")
    wanted = {path.stem: expected(path) for path in folder.glob("*.psv")}
    assert UPSIDE_DOWN.keys() <= wanted.keys()
    for name, hour in UPSIDE_DOWN.items():
        [reading] = [each for each in wanted[name] if each["timestamp"] == START + timedelta(hours=hour)]
        reading |= {"bp": None, "quality": {"bp": "implausible"}}
    for path in cut.glob("*.psv"):
        assert expected(path) == wanted[path.stem]
    readings, values = compare(start, folder, (".psv",), wanted)
    print(f"{readings} readings, {values} values agree")
