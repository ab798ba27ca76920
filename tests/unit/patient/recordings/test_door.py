"""Recordings of any kind: files that are recordings, and messages about those that are not."""

import errno
import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from icu.patient.errors import RecordingError
from icu.patient.recordings import find_recordings, read_recordings


@pytest.mark.parametrize("name", ["", "/dev/zero", "a" * 5_000])
def test_what_cannot_be_opened(tmp_path: Path, name: str) -> None:
    """A folder, a device without end and a name that is too long are refused."""
    with pytest.raises(RecordingError, match="cannot be read as a recording"):
        read_recordings(tmp_path / name, step=1)


def test_a_folder_gives_its_recordings_by_name(tmp_path: Path) -> None:
    """A folder gives its recordings by name, without other files and without those that macOS hides."""
    for name in ("b.csv", "a.PSV", "README.md", "c.tsv", "e.hea", "e.dat", "f.vital", "._b.csv"):
        (tmp_path / name).touch()
    (tmp_path / "d.csv").mkdir()
    assert [path.name for path in find_recordings(tmp_path)] == ["a.PSV", "b.csv", "c.tsv", "e.hea", "f.vital"]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    """A folder without recordings is refused with the known kinds of files."""
    with pytest.raises(RecordingError, match="holds no recording"):
        find_recordings(tmp_path)
    with pytest.raises(RecordingError, match="there is no folder"):
        find_recordings(tmp_path / "missing")
    with pytest.raises(RecordingError, match=r"the folder .* cannot be read: File name too long"):
        find_recordings(tmp_path / ("a" * 5_000))


def test_a_folder_that_may_not_be_looked_into_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without the right to read is refused, also when the superuser runs the tests."""

    def refuse(_: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(RecordingError, match=r"the folder .* cannot be read: Permission denied"):
        find_recordings(tmp_path)


def test_a_segment_is_no_recording_of_its_own(tmp_path: Path) -> None:
    """A WFDB record of several segments is one bed, although its segments have headers too."""
    (tmp_path / "m.hea").write_text("# by hand\nm/4 1 1 6\nm_layout 0\nm_1 3\n~ 1\nm_2 2\n# Sex: F\n")
    for name in ("m_layout", "m_1", "m_2", "n"):
        (tmp_path / f"{name}.hea").write_text(f"{name} 1 1 3\n{name}.dat 16 1/bpm 16 0 0 0 0 HR\n")
    assert [path.name for path in find_recordings(tmp_path)] == ["m.hea", "n.hea"]


@pytest.mark.parametrize(("name", "package"), [("a.hea", "wfdb"), ("a.vital", "vitaldb")])
def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    """A missing extra is an error that says how to install it."""
    (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RecordingError, match=rf"a\..* needs another package: pip install '{package}>="):
        read_recordings(tmp_path / name, step=1)


@pytest.mark.parametrize(("name", "package"), [("a.hea", "wfdb"), ("a.vital", "vitaldb")])
def test_what_does_not_work_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    """A package that fails while it is imported is named, with its error."""
    (tmp_path / name).touch()
    (tmp_path / f"{package}.py").write_text("raise TypeError('no such keyword')")
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RecordingError, match=f"the package {package}, which does not work here: no such keyword"):
        read_recordings(tmp_path / name, step=1)
