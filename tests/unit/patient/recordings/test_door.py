"""Recordings of whatever kind: which files are some, and what is said of those that are not."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from icu.errors import RecordingError
from icu.patient.recordings import find_recordings, read_recording


@pytest.mark.parametrize("name", ["", "/dev/zero", "a" * 5_000])
def test_what_cannot_be_opened(tmp_path: Path, name: str) -> None:
    """A folder, a device without end, a name longer than any."""
    with pytest.raises(RecordingError, match="cannot be read as a recording"):
        read_recording(tmp_path / name, step=1)


def test_a_folder_gives_its_recordings_by_name(tmp_path: Path) -> None:
    """Files of other kinds are left alone."""
    for name in ("b.csv", "a.PSV", "README.md", "c.tsv"):
        (tmp_path / name).touch()
    (tmp_path / "d.csv").mkdir()
    assert [path.name for path in find_recordings(tmp_path)] == ["a.PSV", "b.csv", "c.tsv"]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    """It says what is looked for."""
    with pytest.raises(RecordingError, match="holds no recording"):
        find_recordings(tmp_path)
    with pytest.raises(RecordingError, match="there is no folder"):
        find_recordings(tmp_path / "missing")
    with pytest.raises(RecordingError, match=r"the folder .* cannot be read: File name too long"):
        find_recordings(tmp_path / ("a" * 5_000))


def test_a_folder_that_may_not_be_looked_into_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for the superuser, who runs tests in containers and may look everywhere."""

    def refuse(_: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(RecordingError, match=r"the folder .* cannot be read: Permission denied"):
        find_recordings(tmp_path)
