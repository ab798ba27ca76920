"""Files of Vital Recorder (`.vital`), as in VitalDB: numeric tracks, each with the times of its own values.

A track is named after its device, `Solar8000/HR`. Devices differ before the stroke, and share a few names behind it:
those count. Waveforms are not used.

The library prints the faults of a file and goes on, and takes a truncated file for a short one. So the file is checked
first, to its end, and printed faults become our error.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol, TypedDict

import numpy as np

from icu.patient.errors import RecordingError
from icu.patient.recordings.monitors.names import VITAL
from icu.patient.recordings.monitors.packets import check_packets, damaged
from icu.patient.recordings.monitors.seconds import Series
from icu.patient.recordings.monitors.sources import Source, check_unit, chosen, listed, normalised_name, recording_of
from icu.patient.recordings.recording import Recording

SUFFIX: Final = ".vital"

# Type of a numeric track.
_NUMERIC: Final = 2

_KNOWN: Final = frozenset(known for name in VITAL for known in name.signs.values())


class _Value(TypedDict):
    dt: float
    val: float


class _Track(Protocol):
    """The used attributes of the library's tracks, which have no types."""

    type: int
    unit: str
    recs: list[_Value]


def read(path: Path) -> Recording:
    """Read a file.

    Raises:
        RecordingError: It cannot be used, or the library is missing; the message says what to do.
    """
    library = _library(path)
    check_packets(path, _may_be_wanted)
    tracks = _loaded(library, path)
    wanted = [name for name, track in tracks.items() if track.type == _NUMERIC and _known(name) in _KNOWN]
    if not wanted:
        raise RecordingError(f"{path}: none of its tracks is a vital sign: they are {listed(tracks)}")
    for name in wanted:
        check_unit(path, name, tracks[name].unit)
    tracks = _loaded(library, path, wanted)
    return recording_of(path, tuple(_sources({name: tracks[name] for name in wanted})))


def _library(path: Path) -> ModuleType:
    try:
        import vitaldb  # noqa: PLC0415 - an extra, and half a second
    except ImportError as exc:
        raise RecordingError(f"{path} needs another package: pip install 'vitaldb>=1.7'") from exc
    except Exception as exc:
        raise RecordingError(f"{path} needs the package vitaldb, which does not work here: {exc}") from exc
    library: ModuleType = vitaldb
    return library


def _loaded(library: ModuleType, path: Path, names: Sequence[str] = ()) -> Mapping[str, _Track]:
    """Load tracks by name, or all of them without values. The constructor would hide whether the file could be read."""
    file = library.VitalFile()
    try:
        why = _printed(lambda: file.load_vital(str(path.absolute()), names, header_only=not names))
    except Exception as exc:
        raise damaged(path, f"{type(exc).__name__} {exc}") from exc
    if why:
        raise damaged(path, why)
    tracks: Mapping[str, _Track] = file.trks
    return tracks


def _printed(load: Callable[[], bool]) -> str:
    """Return the faults that the library prints; empty where it could read the file."""
    with redirect_stdout(StringIO()) as output:
        well = load()
    return "" if well else output.getvalue().strip() or "it has no header"


def _may_be_wanted(name: str) -> bool:
    """Tell if the library might load a track of this name: it does so for any ending that is asked for."""
    return _known(name).endswith(tuple(_KNOWN))


def _known(name: str) -> str:
    return normalised_name(name.rpartition("/")[2])


def _sources(tracks: Mapping[str, _Track]) -> Iterator[Source]:
    """Return the sources of all devices by kind; within a kind, in the file's order of devices."""
    devices: dict[str, dict[str, Series]] = {}
    for name, track in tracks.items():
        series = np.array([(record["dt"], record["val"]) for record in track.recs])
        devices.setdefault(name.rpartition("/")[0], {})[_known(name)] = series
    for kind in VITAL:
        for series_of_device in devices.values():
            yield from chosen([kind], series_of_device)
