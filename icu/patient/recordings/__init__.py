"""Recordings of real patients, read whole and checked before the first row is sent: one file for each kind of file.

A time at which no sign was measured makes no row, and the times of the others stay as they are: a gap is a gap.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from icu.patient.errors import RecordingError
from icu.patient.recordings.monitors import vital, wfdb
from icu.patient.recordings.recording import Recording
from icu.patient.recordings.tables import text

_FROM_MONITORS: Final[Mapping[str, Callable[[Path], Recording]]] = {wfdb.SUFFIX: wfdb.read, vital.SUFFIX: vital.read}
"""Readers of files that have times of their own."""

SUFFIXES: Final = (*text.SUFFIXES, *_FROM_MONITORS)


def read_recordings(path: Path, *, step: float) -> Sequence[Recording]:
    """Read a file: one recording, or one for each of its patients. `step` is the seconds between two rows where it has
    no times of its own.

    RecordingError names the file and, where there is one, the line and the column of what cannot be used.
    """
    try:
        if not path.is_file() and path.exists():
            raise RecordingError(f"{path} cannot be read as a recording: it is no regular file")
        reader = _FROM_MONITORS.get(path.suffix.lower())
        return text.read(path, step=step) if reader is None else [reader(path)]
    except OSError as exc:
        raise RecordingError(f"{path} cannot be read as a recording: {exc.strerror}") from exc


def find_recordings(folder: Path) -> list[Path]:
    """The recordings in a folder, by name; hidden files are none. RecordingError where there is none."""
    try:
        if not folder.is_dir():
            raise RecordingError(f"there is no folder {folder}: --recordings names a folder of recordings")
        found = sorted(filter(_is_recording, folder.iterdir()))
        parts = wfdb.segments(found)
    except OSError as exc:
        raise RecordingError(f"the folder {folder} cannot be read: {exc.strerror}") from exc
    if not found:
        raise RecordingError(f"{folder} holds no recording: put files ending in {', '.join(SUFFIXES)} into it")
    return [path for path in found if path not in parts]


def _is_recording(path: Path) -> bool:
    # macOS writes a hidden `._NAME` beside each file on disks of others.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
