"""Recordings of real patients, read whole and checked before the first row is sent; one module for each kind of file.

A time without any measured sign makes no row, and the times of the other rows stay as they are: a gap stays a gap.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from icu.patient.errors import RecordingError
from icu.patient.recordings.monitors import vital, wfdb
from icu.patient.recordings.recording import Recording
from icu.patient.recordings.tables import text

# Readers of files with times of their own.
_FROM_MONITORS: Final[Mapping[str, Callable[[Path], Recording]]] = {wfdb.SUFFIX: wfdb.read, vital.SUFFIX: vital.read}

SUFFIXES: Final = (*text.SUFFIXES, *_FROM_MONITORS)


def read_recordings(path: Path, *, step: float) -> Sequence[Recording]:
    """Read a file: one recording, or one for each of its patients.

    Args:
        path: The file.
        step: Seconds between two rows, where the file has no times.

    Raises:
        RecordingError: It cannot be used; the message names the file and, where there is one, line and column.
    """
    try:
        if not path.is_file() and path.exists():
            raise RecordingError(f"{path} cannot be read as a recording: it is no regular file")
        reader = _FROM_MONITORS.get(path.suffix.lower())
        return text.read(path, step=step) if reader is None else [reader(path)]
    except OSError as exc:
        raise RecordingError(f"{path} cannot be read as a recording: {exc.strerror}") from exc


def find_recordings(folder: Path) -> list[Path]:
    """Find the recordings in a folder, sorted by name, without hidden files.

    Raises:
        RecordingError: There is none, or the folder cannot be read.
    """
    try:
        if not folder.is_dir():
            raise RecordingError(f"there is no folder {folder}: --recordings names a folder of recordings")
        found = sorted(filter(_is_recording, folder.iterdir()))
        # Segments belong to the record that names them, and are no recordings of their own.
        parts = wfdb.segments(found)
    except OSError as exc:
        raise RecordingError(f"the folder {folder} cannot be read: {exc.strerror}") from exc
    if not found:
        raise RecordingError(f"{folder} holds no recording: put files ending in {', '.join(SUFFIXES)} into it")
    return [path for path in found if path not in parts]


def _is_recording(path: Path) -> bool:
    # macOS writes a hidden `._NAME` beside each file on disks of others.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
