"""Tables as texts, and the recordings in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from icu.patient.recordings import read_recordings
from icu.patient.recordings.recording import Recording


def recordings(folder: Path, text: str | bytes, *, name: str = "a.csv", step: float = 3_600) -> Sequence[Recording]:
    """Read the recordings of the patients in this text."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_recordings(path, step=step)


def read(folder: Path, text: str | bytes, *, name: str = "a.csv", step: float = 3_600) -> Recording:
    """Read the recording in this text, which has one patient."""
    [recording] = recordings(folder, text, name=name, step=step)
    return recording


def signs(recording: Recording) -> list[dict[str, Any]]:
    """Return the measured signs, row by row."""
    return [{sign: value for sign, value in row.signs._asdict().items() if value is not None} for row in recording.rows]


def times(recording: Recording) -> list[float]:
    """Return the times of the rows, to the millisecond."""
    return [round(row.elapsed, 3) for row in recording.rows]
