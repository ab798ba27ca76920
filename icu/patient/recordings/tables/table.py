"""A text file as a table: from bytes to a header and rows of cells.

Spreadsheets, devices and programs differ in encoding (UTF-8, UTF-16, Windows-1252), in the delimiter, in the decimal
comma or point, and in lines above the header. A table is read row by row, as often as it is needed, and never held in
memory.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from icu.patient.errors import RecordingError
from icu.vitals.headers import is_unit

# Characters. A file with a longer line is no table.
LONGEST_LINE: Final = 1 << 20
MOST_COLUMNS: Final = 4_096
# Lines among which the header is searched.
_PREAMBLE: Final = 100
# Bytes read at a time.
_PIECE: Final = 1 << 20

_DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]*,[0-9]+\Z")
_DELIMITERS: Final = (",", ";", "\t", "|")
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# First bytes of files that are no text, and what to do with them.
_FOREIGN: Final = (
    (b"\x00\x05\x16\x07", "it is a companion that macOS writes beside files (`._NAME`): take the one without `._`"),
    (b"PK\x03\x04", "it is a ZIP or Excel file: unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "it is an old Excel file: save the sheet as CSV"),
    (b"\x1f\x8b", "it is compressed: unpack it with gunzip"),
    (b"PAR1", "it is a Parquet file: name it .parquet"),
)


class Line(NamedTuple):
    """A row of cells, stripped of blanks, and its place in the file."""

    path: Path
    number: int
    cells: Sequence[str]

    def wrong(self, why: str) -> RecordingError:
        """Make the error for a mistake in this line."""
        return RecordingError(f"{self.path}:{self.number}: {why}")

    def mistake(self, column: str, why: str) -> RecordingError:
        """Make the error for a mistake in one of its cells."""
        return self.wrong(f"column {column}: {why}")


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table, with the encoding, delimiter and line of its header."""

    path: Path
    encoding: str
    delimiter: str
    # Line of the header, counted from 1.
    number: int
    header: Sequence[str]

    @property
    def where(self) -> str:
        """File and line of the header, for messages."""
        return f"{self.path}:{self.number}"

    def rows(self) -> Iterator[Line]:
        """Read all rows below the header that are not empty.

        Raises:
            RecordingError: A row has another number of cells than the header, or no end.
        """
        with _text(self.path, self.encoding) as file:
            lines = islice(_bounded(self.path, file), self.number, None)
            reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)
            for row in reader:
                line = Line(self.path, self.number + reader.line_num, self._cells(row))
                if len(row) == len(self.header):
                    yield line
                elif any(line.cells):
                    raise line.wrong(f"has {len(row)} fields, the header {len(self.header)}")

    def _cells(self, row: Sequence[str]) -> Sequence[str]:
        """Strip blanks and replace decimal commas, unless the comma is the delimiter."""
        cells = list(map(str.strip, row))
        if self.delimiter == ",":
            return cells
        return [each.replace(",", ".") if _DECIMAL_COMMA.match(each) else each for each in cells]


def open_table(path: Path, knows: Callable[[Sequence[str]], int]) -> Table:
    """Find a table's encoding, delimiter and header, the first line of which `knows` any name: it returns how many.

    RecordingError says why there is none, and which columns were seen. OSError where the file cannot be read.
    """
    encoding = _encoding(path)
    with _text(path, encoding) as file:
        head = list(islice(_bounded(path, file), _PREAMBLE + 1))
        candidates = [found for number in range(min(len(head), _PREAMBLE)) if (found := _header(head, number, knows))]
    if not candidates:
        raise RecordingError(_unknown(path, head))
    # A sentence of the preamble may name signs too: rows like it stand below the header.
    number, delimiter, header = next((each for each in candidates if _goes_on(head, *each)), candidates[0])
    if len(header) > MOST_COLUMNS:
        raise RecordingError(f"{path}:{number}: has {len(header)} columns, over {MOST_COLUMNS}")
    # PhysioNet's rdsamp writes units into a line of their own.
    below = split(head[number], delimiter) if number < len(head) else []
    if len(below) == len(header) and all(each and is_unit(each) for each in below):
        header = [f"{name} [{unit}]" for name, unit in zip(header, below, strict=True)]
        number += 1
    return Table(path, encoding, delimiter, number, header)


def _header(
    head: Sequence[str], place: int, knows: Callable[[Sequence[str]], int]
) -> tuple[int, str, Sequence[str]] | None:
    """Read a line as a header, with the delimiter that gives most known names."""
    splits = [(each, split(head[place], each)) for each in _DELIMITERS]
    delimiter, names = max(splits, key=lambda each: (knows(each[1]), len(each[1])))
    return (place + 1, delimiter, names) if knows(names) else None


def _goes_on(head: Sequence[str], number: int, delimiter: str, header: Sequence[str]) -> bool:
    below = next((each for each in head[number:] if each.strip()), None)
    return below is None or len(split(below, delimiter)) == len(header)


def split(line: str, delimiter: str) -> Sequence[str]:
    """Split a line into names, without the quotes that some programs leave around them."""
    return [
        each.strip().strip("'").strip()
        for each in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    ]


def _unknown(path: Path, head: Sequence[str]) -> str:
    first = next((number for number, line in enumerate(head) if line.strip()), None)
    if first is None:
        return f"{path} is empty"
    names = max((split(head[first], each) for each in _DELIMITERS), key=len)
    seen = ", ".join(each[:40] for each in names[:40])
    return f"{path}:{first + 1}: none of its columns is a vital sign: they are {seen}"


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4_096)
        for magic, why in _FOREIGN:
            if head.startswith(magic):
                raise RecordingError(f"{path} cannot be read as a table: {why}")
        for bom, encoding in _BOMS:
            if head.startswith(bom):
                return encoding
        if b"\0" in head:
            return _wide(path, head)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while head:
                decoder.decode(head)
                head = file.read(_PIECE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _wide(path: Path, head: bytes) -> str:
    """Recognise UTF-16 without a byte order mark: every other byte of Latin letters is 0."""
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros and zeros.count(0) > 0.8 * len(zeros):
            return encoding
    raise RecordingError(f"{path} cannot be read as a table: it is no text")


@contextmanager
def _text(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open the file as text; wrong bytes become our error."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield file
    except (UnicodeDecodeError, csv.Error) as exc:
        raise RecordingError(f"{path} cannot be read as a table: {exc}") from exc


def _bounded(path: Path, file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise RecordingError(f"{path}:{number}: has over {LONGEST_LINE} characters in one line: it is no table")
        if "\0" in line:
            raise RecordingError(f"{path}:{number}: cannot be read as a table: it is no text")
        yield line
