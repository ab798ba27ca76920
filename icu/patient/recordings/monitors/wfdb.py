"""WFDB records of numerics, as in PhysioNet's MIMIC databases: a header `.hea` beside its `.dat` files.

The library scales the values, and joins the segments of a record with their gaps. Dates in the header are ignored: as
in other files, a recording's own times only give the distance between rows (MIMIC's lie in the years after 2100).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple, Protocol

import numpy as np

from icu.patient.body.signs import Floats
from icu.patient.errors import RecordingError
from icu.patient.recordings.monitors.headers import check_samples, read_headers
from icu.patient.recordings.monitors.headers import segments as segments_of
from icu.patient.recordings.monitors.names import WFDB
from icu.patient.recordings.monitors.seconds import Series
from icu.patient.recordings.monitors.sources import check_unit, chosen, listed, normalised_name, recording_of
from icu.patient.recordings.recording import Recording

SUFFIX: Final = ".hea"

# Samples per second. Faster signals are waveforms, although they may have the name of a sign: RESP, for instance.
_FASTEST: Final = 10.0

_KNOWN: Final = frozenset(known for name in WFDB for known in name.signs.values())


class _Signal(NamedTuple):
    """A signal, as the header describes it."""

    name: str
    unit: str
    # Samples per second.
    rate: float


class _Record(Protocol):
    """The used attributes of the library's records, which have no types."""

    fs: float
    sig_name: list[str]
    units: list[str]
    samps_per_frame: list[int]
    e_p_signal: list[Floats]


def read(path: Path) -> Recording:
    """Read a record by its header.

    Raises:
        RecordingError: It cannot be used, or the library is missing; the message says what to do.
    """
    library = _library(path)
    headers = read_headers(path)
    with _in_our_words(path):
        wanted = _wanted(path, _signals(library.rdheader(_name(path), rd_segments=True)))
        check_samples(headers, wanted)
        series = dict(_series(library.rdrecord(_name(path), channel_names=wanted, smooth_frames=False)))
    return recording_of(path, tuple(chosen(WFDB, series)))


def segments(paths: Iterable[Path]) -> Collection[Path]:
    """Find the headers among these that are segments of a record among these."""
    headers = [path for path in paths if path.suffix.lower() == SUFFIX]
    return {part for path in headers for part in segments_of(path)}


@contextmanager
def _in_our_words(path: Path) -> Iterator[None]:
    """Convert any error of the library to one that names the file."""
    try:
        yield
    except RecordingError:
        raise
    except Exception as exc:
        why = " ".join(f"{type(exc).__name__} {exc}".split())[:200]
        raise RecordingError(
            f"{path} cannot be read as a WFDB record: it, or its .dat, is damaged or cut off ({why}): "
            "copy or download both again"
        ) from exc


def _library(path: Path) -> ModuleType:
    try:
        import wfdb  # noqa: PLC0415 - an extra, and half a second
    except ImportError as exc:
        raise RecordingError(f"{path} needs another package: pip install 'wfdb>=4.3.1'") from exc
    except Exception as exc:
        raise RecordingError(f"{path} needs the package wfdb, which does not work here: {exc}") from exc
    library: ModuleType = wfdb
    return library


def _name(path: Path) -> str:
    """Return the library's name of a record: absolute, for it takes some relative names for addresses."""
    return str(path.absolute().with_suffix(""))


def _signals(header: _Record) -> Iterator[_Signal]:
    """Return the signals of a record, or of all its segments."""
    parts: Sequence[_Record | None] = getattr(header, "segments", None) or [header]
    for part in parts:
        if part is not None and part.sig_name:  # None is a gap
            for name, unit, samples in zip(part.sig_name, part.units, part.samps_per_frame, strict=True):
                yield _Signal(name or "", unit or "", header.fs * samples)


def _wanted(path: Path, signals: Iterable[_Signal]) -> list[str]:
    """Choose the signals that are vital signs.

    Raises:
        RecordingError: There are none, or one is in another unit than ours.
    """
    rates: dict[str, float] = {}
    for signal in signals:
        rates[signal.name] = max(signal.rate, rates.get(signal.name, 0))
        if normalised_name(signal.name) in _KNOWN and signal.rate <= _FASTEST:
            check_unit(path, signal.name, signal.unit)
    wanted = [name for name, rate in rates.items() if normalised_name(name) in _KNOWN and rate <= _FASTEST]
    if not wanted:
        raise RecordingError(_refusal(path, rates))
    return wanted


def _refusal(path: Path, rates: Mapping[str, float]) -> str:
    names = listed(rates)
    if max(rates.values(), default=0) > _FASTEST:
        why = f"holds waveforms ({names}; up to {max(rates.values()):g} samples a second) and no vital signs"
        return f"{path} {why}: take the record of the numerics that belongs to it (in MIMIC its name ends in n)"
    return f"{path}: none of its signals is a vital sign: they are {names}"


def _series(record: _Record) -> Iterator[tuple[str, Series]]:
    for name, samples, values in zip(record.sig_name, record.samps_per_frame, record.e_p_signal, strict=True):
        yield normalised_name(name), np.column_stack((np.arange(len(values)) / (record.fs * samples), values))
