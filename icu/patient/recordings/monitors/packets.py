"""The packets of a `.vital` file, looked through to the end before the library reads them: it takes a file that was cut
off for a short one, and memory for all that is packed into a small one.

The format, as the library reads it: a gzip stream of `VITA`, a version (4 bytes), a header (2 bytes of length, then so
many), and packets (a byte of type, 4 of length, then so many).
"""

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from icu.bounds import open_regular
from icu.patient.errors import RecordingError

MOST_KEPT: Final = 1_000_000_000
"""Bytes that the library may come to hold: eight signs, once a second, for four days."""
_MOST_UNPACKED: Final = 4_000_000_000
"""Bytes: a day of ten waveforms of 500 samples a second has half."""
MOST_PACKETS: Final = 5_000_000
_LONGEST: Final = 250_000_000
"""Bytes of a packet: a day of a waveform of 500 samples a second, in the files that have each waveform in one."""
_LONGEST_READ: Final = 1_000_000
"""Bytes of a packet of other files: at a longer one the library ends without a word."""

_VALUE: Final = 300
_OTHER: Final = 1_000
"""Bytes that the library takes for a value, and for a packet that is none, beside its content."""

_PIECE: Final = 1_000_000

_START: Final = struct.Struct("<4sIH")
"""`VITA`, version, length of the header."""
_PACKED_AT: Final = 26
"""Where the header, if it is so long, has a byte that is 1 in files that have each waveform in one packet."""
_PACKET: Final = struct.Struct("<BI")
_TRACK: Final = struct.Struct("<HBBI")
"""Number, type, format, length of the name behind it."""
_RECORD: Final = struct.Struct("<HdH")
"""Length of what precedes the value, time, number of the track."""
_IS_TRACK, _IS_RECORD = 0, 1


class _Packet(NamedTuple):
    kind: int
    length: int
    content: bytes
    """The beginning of it."""


def check_packets(path: Path, wanted: Callable[[str], bool]) -> None:
    """Refuse what is no such file, not all of one, or too much of one.

    `wanted` says of a track's name, without its device, whether its values may be kept. A file that cannot be opened
    is the caller's to tell.
    """
    try:
        with open_regular(path) as packed, gzip.GzipFile(fileobj=packed) as file:
            _check(file, wanted)
    except EOFError as exc:
        raise RecordingError(f"{path} is cut off: copy or download it again") from exc
    except (gzip.BadGzipFile, zlib.error, ValueError) as exc:
        raise damaged(path, str(exc)) from exc


def damaged(path: Path, why: str) -> RecordingError:
    """The error for what a whole file of this kind would not hold."""
    return RecordingError(
        f"{path} cannot be read as a .vital file: {' '.join(why.split())[:200]}: copy or download it again"
    )


def _check(file: gzip.GzipFile, wanted: Callable[[str], bool]) -> None:
    """ValueError for what cannot be read, or not be kept."""
    tracks = set[int]()
    kept = 0
    for number, packet in enumerate(_packets(file, _longest(file))):
        if packet.kind == _IS_TRACK and wanted(_name_of(packet.content)):
            tracks.add(_TRACK.unpack_from(packet.content)[0])
        if packet.kind != _IS_RECORD:
            kept += packet.length + _OTHER
        elif len(packet.content) >= _RECORD.size and _RECORD.unpack_from(packet.content)[2] in tracks:
            kept += packet.length + _VALUE
        if kept > MOST_KEPT or number > MOST_PACKETS or file.tell() > _MOST_UNPACKED:
            raise ValueError("it holds more than can be replayed")


def _longest(file: gzip.GzipFile) -> int:
    """How long a packet may be, from the file's beginning."""
    begin = file.read(_START.size)
    if begin[:4] != b"VITA" or len(begin) < _START.size:
        raise ValueError("it does not begin like one")
    header = _all(file, _START.unpack(begin)[2])
    return _LONGEST if header[_PACKED_AT : _PACKED_AT + 1] == b"\1" else _LONGEST_READ


def _packets(file: gzip.GzipFile, longest: int) -> Iterator[_Packet]:
    while begin := file.read(_PACKET.size):
        kind, length = _PACKET.unpack(begin + _all(file, _PACKET.size - len(begin)))
        if length > longest:
            raise ValueError(f"a part of it has {length} bytes")
        content = _all(file, min(length, _PIECE))
        for at in range(len(content), length, _PIECE):
            _all(file, min(_PIECE, length - at))
        yield _Packet(kind, length, content)


def _all(file: gzip.GzipFile, length: int) -> bytes:
    """So many bytes. EOFError where there are fewer."""
    found = file.read(length)
    if len(found) < length:
        raise EOFError
    return found


def _name_of(track: bytes) -> str:
    """The name in a track's packet; nothing where it is too short to have one."""
    if len(track) < _TRACK.size:
        return ""
    *_, length = _TRACK.unpack_from(track)
    return track[_TRACK.size : _TRACK.size + length].decode("utf-8", "ignore")
