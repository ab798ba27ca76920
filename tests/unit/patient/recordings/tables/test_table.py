"""From bytes to a header and rows: encodings, delimiters, lines above the header, and bounds."""

import os
from pathlib import Path

import pytest

from icu.patient.errors import RecordingError
from icu.patient.recordings.tables import table
from tests.unit.patient.recordings.tables.samples import read, signs

LINES = "Zeit °C;HR;Temp\r\na;70;36,6\r\nb;71;36,75\r\n"
WANTED = [{"pulse": 70, "temperature": 36.6}, {"pulse": 71, "temperature": 36.75}]

TAKEN = {
    "UTF-8": LINES.encode(),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + LINES.encode(),
    "UTF-16": LINES.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + LINES.encode("utf-16-be"),
    "UTF-16 without a mark": LINES.encode("utf-16-le"),
    "Windows-1252": LINES.encode("cp1252"),
    "Excel's word on its delimiter": b"sep=;\r\n" + LINES.encode(),
    "a preamble": b"Monitor: HR, Temp\nward 5\n\n# began 12:00\n" + LINES.encode(),
    "old Mac lines": LINES.replace("\r\n", "\r").encode(),
    "empty lines": LINES.replace("b;", "\r\n;;\r\n\r\nb;").encode(),
    "quotes": b'"x"; "HR"; "Temp"\n"a"; "70"; "36,6"\n"b"; "71"; "36,75"\n',
    "tabs": LINES.replace(";", "\t").encode(),
    "bars": LINES.replace(";", "|").encode(),
    "commas": b'"x",HR,Temp\n"a, b",70,36.6\nb,71,36.75\n',
}


@pytest.mark.parametrize("content", TAKEN.values(), ids=TAKEN)
def test_what_spreadsheets_and_devices_write(tmp_path: Path, content: bytes) -> None:
    """The same values are read from every encoding and delimiter; a decimal comma is a point where it is
    unambiguous."""
    assert signs(read(tmp_path, content)) == WANTED


REFUSED = {
    "nothing": (b"", "a.csv is empty"),
    "blank lines": (b"\n\n", "a.csv is empty"),
    "a companion of macOS": (b"\x00\x05\x16\x07\x00\x02", "take the one without `._`"),
    "a workbook": (b"PK\x03\x04abc", "save the sheet as CSV"),
    "an archive": (b"\x1f\x8b\x08abc", "unpack it"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "it is no text"),
    "a NUL in a line": (b"hr\n70\n" + b"7" * 5_000 + b"\0\n", r"a\.csv:3: cannot be read as a table: it is no text"),
    "no header": (b"2026-01-01,70,97\n", r"a\.csv:1: none of its columns is a vital sign: they are 2026-01-01, 70, 97"),
    "other names, below a preamble": (b"\nfoo;bar\n1;2\n", r"a\.csv:2: none .*: they are foo, bar"),
    "a torn line": (b"hr,temp\n70\n", r"a\.csv:2: has 1 fields, the header 2"),
    "a torn line in a preamble's table": (b"x\nhr,temp\n70,36\n71\n", r"a\.csv:4: has 1 fields, the header 2"),
    "decimal commas between commas": (b"hr,temp\n70,36,6\n", r"a\.csv:2: has 3 fields, the header 2"),
    "a quoted decimal comma": (b'hr,temp\n70,"36,6"\n', r"a\.csv:2: column temp: '36,6' is no number"),
    "a quote that never ends": (b'hr,note\n70,"' + b"a\n" * 100_000, "field larger than field limit"),
}


@pytest.mark.parametrize(("content", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table(tmp_path: Path, content: bytes, why: str) -> None:
    """A file that is no table is refused in one sentence, with its kind, or with the columns that were seen."""
    with pytest.raises(RecordingError, match=why):
        read(tmp_path, content)


def test_a_line_without_end(tmp_path: Path) -> None:
    """A line of a gigabyte is not read into memory: in the header, below it, and in a file with a hole."""
    for begin in (b"hr\n70\n", b""):
        path = tmp_path / "a.csv"
        path.write_bytes(begin + b"7")
        with path.open("ab") as file:
            file.write(b"7" * (table.LONGEST_LINE + 10))
        with pytest.raises(RecordingError, match=rf"a\.csv:{1 + begin.count(10)}: has over 1048576 characters"):
            read(tmp_path, path.read_bytes())
    path.write_bytes(b"")
    os.truncate(path, 1 << 30)
    with pytest.raises(RecordingError, match="has over 1048576 characters"):
        table.open_table(path, len)


def test_columns_without_end(tmp_path: Path) -> None:
    """More columns than any monitor has are a mistake."""
    names = ",".join(["hr", *(f"x{n}" for n in range(table.MOST_COLUMNS))])
    with pytest.raises(RecordingError, match="has 4097 columns, over 4096"):
        read(tmp_path, f"{names}\n")


def test_how_it_was_read_is_said(tmp_path: Path) -> None:
    """A note has the line of the header, and an encoding that is a guess."""
    notes = read(tmp_path, "x\ny\nhr,température\n70,1\n".encode("cp1252")).notes
    assert notes[:2] == ["the header is line 3", "it is no UTF-8: read as Windows-1252"]
    assert notes[-1] == "columns left alone: température"
