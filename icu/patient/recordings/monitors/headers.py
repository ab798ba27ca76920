"""Headers of WFDB records, checked before the library reads them: it opens any file that a header names, allocates
memory for any number in it, and takes a default for anything that it does not understand.

The format: https://physionet.org/physiotools/wag/header-5.htm
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from icu.bounds import parse_number, read_small
from icu.patient.errors import RecordingError

# Samples read of one record: ten days of twenty signals, one a second.
MOST_SAMPLES: Final = 20_000_000

# Bytes of a header.
_MOST_BYTES: Final = 1_000_000
# Name of a segment, or file of a signal, that holds nothing.
_GAP: Final = "~"

_SIGNALS: Final = "signals"
_SEGMENTS: Final = "segments"

_NATURAL: Final = re.compile(r"\A[0-9]{1,18}\Z")
_PLAIN: Final = re.compile(r"\A[0-9.]{1,40}\Z")
# Format, samples a frame, skew in frames, offset in bytes.
_FORMAT: Final = re.compile(r"\A([0-9]{1,18})(?:x([0-9]{1,18}))?(?::([0-9]{1,18}))?(?:\+([0-9]{1,18}))?\Z")
# Baseline and unit, which may follow the number.
_GAIN: Final = re.compile(r"[(/].*")
_FILE_NAME: Final = re.compile(r"\A(~|[-A-Za-z0-9_]+\.?[A-Za-z0-9_]*)\Z")
_SEGMENT_NAME: Final = re.compile(r"\A(~|[-A-Za-z0-9_]+)\Z")


class Signal(NamedTuple):
    """A signal's line of a header."""

    name: str
    file: str
    per_frame: int
    # Frames by which it begins later.
    skew: int
    # Steps of one unit; 0 where the header gives none.
    gain: float


class Header(NamedTuple):
    """Header of a record, or of one of its segments."""

    path: Path
    # None where it is as long as its files.
    frames: int | None
    signals: Sequence[Signal]
    # Names of the segments' headers.
    segments: Sequence[str] = ()


def read_headers(path: Path) -> Sequence[Header]:
    """Read a header, and those of its segments.

    Raises:
        RecordingError: A line is wrong; the message names it.
    """
    main = _header(path)
    parts = [_header(_beside(path, name + path.suffix)) for name in dict.fromkeys(main.segments)]
    for part in parts:
        if part.segments:
            raise RecordingError(f"{part.path} has segments, so that it can be none of {path}")
    return [main, *parts]


def segments(path: Path) -> Sequence[Path]:
    """Find the headers of a record's segments; none where its own header is wrong."""
    try:
        return [path.with_name(name + path.suffix) for name in _header(path).segments]
    except RecordingError:
        return []


def check_samples(headers: Sequence[Header], wanted: Collection[str]) -> None:
    """Check the size and the files of a record before it is read.

    Raises:
        RecordingError: A signal has no gain, a file is missing, or the samples do not fit into memory.
    """
    read = (headers[0].frames or 0) * len(wanted)  # gaps between segments take memory too
    for header in headers:
        for file in {each.file for each in header.signals if each.name in wanted} - {_GAP}:
            read += _samples(header, file)
    if read > MOST_SAMPLES:
        raise RecordingError(f"{headers[0].path} has {read} samples to be read: cut it into parts of {MOST_SAMPLES}")
    for header in headers:
        _check_gains(header, wanted)


def _check_gains(header: Header, wanted: Collection[str]) -> None:
    for signal in header.signals:
        if signal.name in wanted and signal.file != _GAP and not signal.gain:
            why = f"{signal.name} has no gain, so that nobody knows what its values mean"
            raise RecordingError(f"{header.path}: {why}: write the steps of one unit, for instance 10/bpm")


def _samples(header: Header, file: str) -> int:
    """Count the samples that the library reads from a file, with all signals in it."""
    path = _beside(header.path, file)
    signals = [each for each in header.signals if each.file == file]
    if not header.frames:
        return path.stat().st_size  # of each sample there is a byte at least
    return (header.frames + max(each.skew for each in signals)) * sum(each.per_frame for each in signals)


def _beside(path: Path, name: str) -> Path:
    """Return the path of a file that a header names.

    Raises:
        RecordingError: It is no regular file beside the header.
    """
    found = path.with_name(name)
    if not found.is_file():
        what = "is no regular file" if found.exists() else "is not beside it: copy it there"
        raise RecordingError(f"{path} names {name}, which {what}")
    return found


def _header(path: Path) -> Header:
    lines = list(_lines(path))
    if not lines:
        raise RecordingError(f"{path} is empty: copy or download it again")
    (first, record), *others = lines
    with _at_line(path, first):
        kind, frames = _record(record.split(), len(others))
    signals: list[Signal] = []
    names: list[str] = []
    for number_, line in others:
        with _at_line(path, number_):
            if kind is _SEGMENTS:
                names.append(_segment(line.split()))
            else:
                signals.append(_signal(line.split()))
    return Header(path, frames, signals, [each for each in names if each != _GAP])


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read the lines that are no comments, with their numbers."""
    try:
        text = read_small(path, most=_MOST_BYTES).decode("utf-8", errors="replace")
    except ValueError as exc:
        raise RecordingError(f"{path} {exc}: that is no header of a record") from exc
    except OSError as exc:
        raise RecordingError(f"{path} cannot be read as a recording: {exc.strerror}") from exc
    for position, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield position, line


@contextmanager
def _at_line(path: Path, line: int) -> Iterator[None]:
    """Turn a ValueError into a mistake in this line."""
    try:
        yield
    except ValueError as exc:
        raise RecordingError(f"{path}:{line}: {exc}") from exc


def _record(words: Sequence[str], following: int) -> tuple[str, int | None]:
    """Parse a header's first line.

    Returns:
        Kind of the lines that follow, signals or segments, and the samples of each signal.
    """
    kind, count = _SIGNALS, words[1] if len(words) > 1 else ""
    if "/" in words[0]:
        kind, count = _SEGMENTS, words[0].partition("/")[2]
    if _natural(f"number of {kind}", count) != following:
        raise ValueError(f"says that {count} {kind} follow, and {following} do: copy or download it again")
    rate = words[2].partition("/")[0] if len(words) > 2 else "250"
    if not _PLAIN.match(rate) or not parse_number(rate):
        raise ValueError(f"{rate[:40]!r} is no number of samples a second: write one above 0, without an exponent")
    return kind, _natural("number of samples", words[3]) if len(words) > 3 else None


def _segment(words: Sequence[str]) -> str:
    """Parse a segment's line; returns its name."""
    if not _SEGMENT_NAME.match(words[0]):
        raise ValueError(f"{words[0][:40]!r} is no name of a segment")
    _natural("number of samples", words[1] if len(words) > 1 else "")
    return words[0]


def _signal(words: Sequence[str]) -> Signal:
    file, kind, gain, *rest = [*words, "", ""]
    found = _FORMAT.match(kind)
    if not found or not _FILE_NAME.match(file):
        raise ValueError("is no line of a signal: it begins with a file beside the header, and a format")
    _, per_frame, skew, _ = (_natural("format", each or "0") for each in found.groups())
    return Signal(
        # Spelt like the library's, which drops other characters: names are compared with its own.
        name=" ".join(rest[5:]).strip().encode("ascii", "ignore").decode(),
        file=file,
        per_frame=per_frame or 1,
        skew=skew,
        gain=parse_number(_GAIN.sub("", gain) or "0"),
    )


def _natural(what: str, text: str) -> int:
    if not _NATURAL.match(text):
        raise ValueError(f"{text[:40]!r} is no {what}: write the digits 0 to 9")
    return int(text)
