"""Lines for a reader that may stall: no writer waits for it, and lost lines are counted."""

import itertools
import os
import time
from collections.abc import Iterator

import pytest

from icu.ops import line_writer
from icu.ops.line_writer import LineWriter


class Pipe:
    """A pipe with a reader that the test controls, and the number of lines that were reported as dropped."""

    def __init__(self) -> None:
        self.reader, self.descriptor = os.pipe()
        self.reports: list[int] = []
        self.writer = LineWriter(self.tell)

    def tell(self, dropped: int) -> None:
        """Record the number of dropped lines, and put a line about it, as the log does."""
        self.reports.append(dropped)
        self.put(f"dropped {dropped}")

    def put(self, text: str) -> None:
        """Put one line of 4 KiB: a few of them fill the pipe."""
        self.writer.put(self.descriptor, text.ljust(4_095).encode() + b"\n")

    def fill(self) -> int:
        """Put lines until one of them has to wait for the reader. Returns its number."""
        for number in itertools.count():
            self.put(str(number))
            if not self.writer.flush(0.2):
                return number
        raise AssertionError

    def read(self, lines: int) -> list[str]:
        """Read lines, waiting for them."""
        data = b""
        while data.count(b"\n") < lines:
            data += os.read(self.reader, 65_536)
        return [line.strip() for line in data.decode().splitlines()]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that is closed at the end, which also ends the writer."""
    pipe = Pipe()
    yield pipe
    os.close(pipe.reader)
    pipe.writer.flush()
    os.close(pipe.descriptor)


def test_lines_keep_their_order(pipe: Pipe) -> None:
    """Lines are written by a thread, in their order."""
    for number in range(100):
        pipe.put(str(number))
    assert pipe.read(100) == [str(number) for number in range(100)]


def test_flushing_waits_for_the_last_line(pipe: Pipe) -> None:
    """A flush returns once the last line is written."""
    pipe.put("the end")
    pipe.writer.flush()
    assert pipe.read(1) == ["the end"]


def test_a_stalled_reader_stops_nobody(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines wait up to a bound, and later ones are dropped; the reader gets the waiting ones and then the number
    dropped."""
    monkeypatch.setattr(line_writer, "MAX_LINES", 20)
    written = pipe.fill()
    began = time.monotonic()
    for number in range(written + 1, written + 100):
        pipe.put(str(number))
    assert time.monotonic() - began < 2
    kept = written + 20
    assert pipe.read(kept + 1) == [*map(str, range(kept)), f"dropped {100 - 20}"]
    pipe.put("and on")
    assert pipe.read(1) == ["and on"]
    assert pipe.reports == [100 - 20]


def test_the_end_does_not_wait_for_a_stalled_reader(pipe: Pipe) -> None:
    """A flush gives up after a while."""
    pipe.fill()
    began = time.monotonic()
    assert not pipe.writer.flush(0.2)
    assert 0.1 < time.monotonic() - began < 2


def test_a_reader_that_went_away_is_no_error() -> None:
    """A reader that has gone is no error, since there is nowhere to report it."""
    reader, writer = os.pipe()
    os.close(reader)
    reports: list[int] = []
    lines = LineWriter(reports.append)
    for _ in range(3):
        lines.put(writer, b"into the void")
    lines.flush()
    os.close(writer)
    assert not reports
