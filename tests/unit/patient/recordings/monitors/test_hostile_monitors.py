"""Hostile files of monitors, damaged or made to hang or to fill the memory: refused at once, in our words."""

import gzip
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from icu.patient.errors import RecordingError
from icu.patient.recordings import read_recordings
from icu.patient.recordings.monitors import packets
from tests.extras import QUIET, extra
from tests.processes import TIMEOUT
from tests.unit.patient.recordings.monitors.test_vital import write as write_vital
from tests.unit.patient.recordings.monitors.test_wfdb import write as write_wfdb

extra("wfdb")
extra("vitaldb")

pytestmark = QUIET


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """Fail where a read waits for ever."""

    def end(_: int, __: FrameType | None) -> NoReturn:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, TIMEOUT)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


ONE = "a.dat 32 100(0)/nu 32 0 7000 0 0 HR"
LAYOUT = "l 1 1 0\n~ 0 1/bpm 0 0 0 0 0 HR\n"

HEADERS: dict[str, tuple[str, str]] = {
    "a length of -5": (f"a 1 1 -5\n{ONE}\n", r"a\.hea:1: '-5' is no number of samples: write the digits 0 to 9"),
    "a length of other digits": (f"a 1 1 ٣\n{ONE}\n", r"a\.hea:1: '٣' is no number of samples"),
    "a length of words": (f"a 1 1 three\n{ONE}\n", r"a\.hea:1: 'three' is no number of samples"),
    "an endless length": (f"a 1 1 {'9' * 30}\n{ONE}\n", r"a\.hea:1: '9+' is no number of samples"),
    "a length of years": (f"a 1 1 999999999999\n{ONE}\n", r"a\.hea has \d+ samples to be read: cut it"),
    "a length that the file has not": (f"a 1 1 1000000\n{ONE}\n", r"a\.hea cannot be read as a WFDB record: .*cut off"),
    "no gain": (f"a 1 1 3\n{ONE}\n".replace(" 100(0)/nu", " 0(0)/nu"), r"a\.hea: HR has no gain, .*instance 10/bpm"),
    "a gain that is left out": ("a 1 1 3\na.dat 32\n", "none of its signals is a vital sign"),
    "a gain of words": (f"a 1 1 3\n{ONE}\n".replace(" 100(", " ten("), r"a\.hea:2: 'ten' is no number"),
    "a rate of 0": (f"a 1 0 3\n{ONE}\n", r"a\.hea:1: '0' is no number of samples a second: write one above 0"),
    "a rate of words": (f"a 1 fast 3\n{ONE}\n", r"a\.hea:1: 'fast' is no number of samples a second"),
    "a rate with an exponent": (f"a 1 1e-3 3\n{ONE}\n", r"a\.hea:1: '1e-3' is no number of samples a second"),
    "a billion signals": (f"a 1000000000 1 3\n{ONE}\n", r"a\.hea:1: says that 1000000000 signals follow, and 1 do"),
    "fewer signals than there are": (f"a 1 1 3\n{ONE}\n{ONE}\n", r"a\.hea:1: says that 1 signals follow, and 2 do"),
    "a frame of a billion samples": (
        f"a 1 0.00000001 3\n{ONE}\n".replace("32 100", "32x1000000000 100"),
        r"a\.hea has \d+ samples to be read",
    ),
    "a skew of a billion frames": (
        f"a 1 1 3\n{ONE}\n".replace("32 100", "32:1000000000 100"),
        r"a\.hea has \d+ samples to be read",
    ),
    "samples from elsewhere": (f"a 1 1 3\n/dev/{ONE}\n", r"a\.hea:2: is no line of a signal"),
    "samples from a pipe": (
        f"a 1 1 3\n{ONE}\n".replace("a.dat", "pipe"),
        r"a\.hea names pipe, which is no regular file",
    ),
    "samples from a device": (
        f"a 1 1 3\n{ONE}\n".replace("a.dat", "zero"),
        r"a\.hea names zero, which is no regular file",
    ),
    "samples that are missing": (
        f"a 1 1 3\n{ONE}\n".replace("a.dat", "b.dat"),
        r"names b\.dat, which is not beside it",
    ),
    "a segment that is a pipe": ("a/1 1 1 3\npipe 3\n", r"a\.hea names pipe\.hea, which is no regular file"),
    "a segment that is a device": ("a/1 1 1 3\nzero 3\n", r"a\.hea names zero\.hea, which is no regular file"),
    "a segment that is missing": ("a/1 1 1 3\nb 3\n", r"a\.hea names b\.hea, which is not beside it: copy it there"),
    "a segment of itself": ("a/1 1 1 3\na 3\n", r"a\.hea has segments, so that it can be none of .*a\.hea"),
    "a gap of years": ("a/3 1 1 999999999999\nl 0\na_1 3\n~ 999999999996\n", r"a\.hea has \d+ samples to be read"),
    "a gap of -5": ("a/3 1 1 3\nl 0\na_1 3\n~ -5\n", r"a\.hea:4: '-5' is no number of samples"),
    "a long header": ("#" * 1_000_001, r"a\.hea has over 1000000 bytes: that is no header"),
}


@pytest.mark.parametrize(("header", "why"), HEADERS.values(), ids=HEADERS)
def test_a_header_that_claims_what_cannot_be(tmp_path: Path, header: str, why: str) -> None:
    """An impossible header is refused with its line, before the library hangs, fills the memory or misreads it."""
    write_wfdb(tmp_path, "a", 1, {"HR": [70, 71, 72]})
    write_wfdb(tmp_path, "a_1", 1, {"HR": [70, 71, 72]})
    (tmp_path / "l.hea").write_text(LAYOUT)
    for name in ("pipe", "pipe.hea"):
        os.mkfifo(tmp_path / name)
    for name in ("zero", "zero.hea"):
        (tmp_path / name).symlink_to("/dev/zero")
    (tmp_path / "a.hea").write_text(header)
    with pytest.raises(RecordingError, match=why) as caught:
        read_recordings(tmp_path / "a.hea", step=1)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def packet(kind: int, content: bytes) -> bytes:
    """Make a packet of a .vital file."""
    return struct.pack("<BI", kind, len(content)) + content


BEGIN = b"VITA" + struct.pack("<IH", 3, 27) + bytes(26)
TRACK = packet(0, struct.pack("<HBBI", 1, 2, 1, 2) + b"HR")
VALUE = packet(1, struct.pack("<HdHf", 10, 1.7e9, 1, 70))

CONTENTS: dict[str, tuple[bytes, str]] = {
    "a packet that is longer than the file": (
        BEGIN + b"\0" + TRACK + struct.pack("<BI", 1, 900_000) + b"x",
        r"a\.vital is cut off: copy or download it again",
    ),
    "a packet at which the library stops": (
        BEGIN + b"\0" + TRACK + packet(1, bytes(1_000_001)) + VALUE,
        r"a\.vital cannot be read as a \.vital file: a part of it has 1000001 bytes",
    ),
    "a packet of gigabytes": (
        BEGIN + b"\1" + TRACK + struct.pack("<BI", 1, 0xFFFF_FFFF) + VALUE,
        r"a part of it has 4294967295 bytes",
    ),
    "half a packet's head": (BEGIN + b"\0" + TRACK + VALUE + b"\1\0", r"a\.vital is cut off"),
    "a header that is longer than the file": (b"VITA" + struct.pack("<IH", 3, 900) + b"x", r"a\.vital is cut off"),
    "a track without a name": (BEGIN + b"\0" + packet(0, b"\1\0") + VALUE, r"a\.vital cannot be read as"),
    "a track with a name of control characters": (
        BEGIN + b"\0" + packet(0, struct.pack("<HBBI", 1, 2, 1, 600) + b"\x1b[2J\n" * 100),
        r"none of its tracks is a vital sign: they are \[2J",
    ),
    "times that are none": (
        BEGIN + b"\0" + TRACK + VALUE + packet(1, struct.pack("<HdHf", 10, float("nan"), 1, 70)),
        r"its times do not lie within",
    ),
}


@pytest.mark.parametrize(("content", "why"), CONTENTS.values(), ids=CONTENTS)
def test_packets_that_claim_what_cannot_be(tmp_path: Path, content: bytes, why: str) -> None:
    """A packet that the library would skip in silence is refused."""
    path = tmp_path / "a.vital"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(RecordingError, match=why) as caught:
        read_recordings(path, step=1)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "part",
    [VALUE, packet(10, bytes(900)), packet(9, bytes(3)), TRACK, packet(99, b"")],
    ids=["values", "raw data", "devices", "tracks", "nothing"],
)
@pytest.mark.parametrize(("bound", "most"), [("MOST_KEPT", 10_000_000), ("MOST_PACKETS", 50_000)])
def test_a_small_file_that_unpacks_to_gigabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: bytes, bound: str, most: int
) -> None:
    """The size of the unpacked data is counted before the library reads it. The test lowers the limits to save time."""
    monkeypatch.setattr(packets, bound, most)
    path = tmp_path / "bomb.vital"
    path.write_bytes(gzip.compress(BEGIN + b"\0" + TRACK + part * 60_000))
    with pytest.raises(RecordingError, match=r"bomb\.vital .* holds more than can be replayed: "):
        read_recordings(path, step=1)


def of_wfdb(folder: Path) -> Path:
    """Write a record of two segments."""
    write_wfdb(folder, "m_1", 1, {"HR": [70, 71, 72], "SpO2": [97, 97, 98]})
    write_wfdb(folder, "m_2", 1, {"HR": [80, 81]})
    (folder / "l.hea").write_text("l 2 1 0\n~ 0 1/bpm 0 0 0 0 0 HR\n~ 0 1/% 0 0 0 0 0 SpO2\n")
    (folder / "m.hea").write_text("m/4 2 1 9\nl 0\nm_1 3\n~ 4\nm_2 2\n")
    return folder / "m.hea"


def of_vital(folder: Path) -> Path:
    """Write a file of two tracks and a waveform."""
    tracks = {"Solar8000/HR": [(n, 70) for n in range(50)], "Solar8000/ART_SBP": [(n, 120) for n in range(50)]}
    return write_vital(folder, tracks, packed=False)


@pytest.mark.parametrize("write", [of_wfdb, of_vital])
def test_whatever_is_damaged_is_read_or_refused(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    """300 damaged copies are read or refused, in bounded memory, without a stack, a hang or a long message."""
    words = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.unit.patient.recordings.monitors.fuzz",
        str(write(tmp_path)),
        "0",
        "300",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT * 5, check=True)
    assert done.stdout == ""
