"""Tables as texts, and what is read of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from icu.patient.recordings import read_recordings
from icu.patient.recordings.recording import Recording


def recordings(folder: Path, text: str | bytes, *, name: str = "a.csv", step: float = 3_600) -> Sequence[Recording]:
    """The recordings of the patients in this text."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_recordings(path, step=step)


def read(folder: Path, text: str | bytes, *, name: str = "a.csv", step: float = 3_600) -> Recording:
    """The recording with this text, which is of one patient."""
    [recording] = recordings(folder, text, name=name, step=step)
    return recording


def signs(recording: Recording) -> list[dict[str, Any]]:
    """What was measured, row by row."""
    return [{sign: value for sign, value in row.signs._asdict().items() if value is not None} for row in recording.rows]


def times(recording: Recording) -> list[float]:
    """When, to the millisecond."""
    return [round(row.elapsed, 3) for row in recording.rows]
