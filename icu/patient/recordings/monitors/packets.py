"""Packets of a `.vital` file, checked to the end before the library reads them: it takes a truncated file for a short
one, and allocates memory for anything that a small file unpacks to.

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

# Bytes that the library may come to hold: eight signs, once a second, for four days.
MOST_KEPT: Final = 1_000_000_000
# Bytes: twice a day of ten waveforms of 500 samples a second.
_MOST_UNPACKED: Final = 4_000_000_000
MOST_PACKETS: Final = 5_000_000
# Bytes of a packet: a day of a waveform of 500 samples a second, in files with a whole waveform in one packet.
_LONGEST: Final = 250_000_000
# Bytes of a packet of other files: at a longer one the library stops reading, in silence.
_LONGEST_READ: Final = 1_000_000

# Bytes that the library allocates for a value, and for any other packet, beside its content.
_VALUE: Final = 300
_OTHER: Final = 1_000

# Bytes read at a time.
_PIECE: Final = 1_000_000

# `VITA`, version, length of the header.
_START: Final = struct.Struct("<4sIH")
# Place in the header, if it is so long, of a byte that is 1 in files with a whole waveform in one packet.
_PACKED_AT: Final = 26
_PACKET: Final = struct.Struct("<BI")
# Number, type, format, length of the name that follows.
_TRACK: Final = struct.Struct("<HBBI")
# Length before the value, time, number of the track.
_RECORD: Final = struct.Struct("<HdH")
_IS_TRACK, _IS_RECORD = 0, 1


class _Packet(NamedTuple):
    kind: int
    length: int
    # Its beginning.
    content: bytes


def check_packets(path: Path, wanted: Callable[[str], bool]) -> None:
    """Check a file before the library reads it.

    Args:
        path: The file.
        wanted: True for the name of a track, without its device, whose values may be kept.

    Raises:
        RecordingError: It is no such file, truncated, or too large.
        OSError: It cannot be opened.
    """
    try:
        with open_regular(path) as packed, gzip.GzipFile(fileobj=packed) as file:
            _check(file, wanted)
    except EOFError as exc:
        raise RecordingError(f"{path} is cut off: copy or download it again") from exc
    except (gzip.BadGzipFile, zlib.error, ValueError) as exc:
        raise damaged(path, str(exc)) from exc


def damaged(path: Path, why: str) -> RecordingError:
    """Make the error for content that no intact file has."""
    return RecordingError(
        f"{path} cannot be read as a .vital file: {' '.join(why.split())[:200]}: copy or download it again"
    )


def _check(file: gzip.GzipFile, wanted: Callable[[str], bool]) -> None:
    """Check the packets.

    Raises:
        ValueError: They cannot be read, or take too much memory.
    """
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
    """Read the file's beginning; returns the bytes of its longest possible packet."""
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
    """Read so many bytes.

    Raises:
        EOFError: There are fewer.
    """
    found = file.read(length)
    if len(found) < length:
        raise EOFError
    return found


def _name_of(track: bytes) -> str:
    """Read the name from a track's packet; empty where it is too short."""
    if len(track) < _TRACK.size:
        return ""
    *_, length = _TRACK.unpack_from(track)
    return track[_TRACK.size : _TRACK.size + length].decode("utf-8", "ignore")
