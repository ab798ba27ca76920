"""Output files appear whole or not at all."""

from pathlib import Path

import pytest

from icu.config.errors import ConfigurationError
from icu.errors import OutputError
from icu.study.output import open_output


def test_a_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    """The old file stays until the end; the new one has its permissions, and no other file is left."""
    path = tmp_path / "data.csv"
    path.write_text("old")
    path.chmod(0o640)
    with open_output(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_one(tmp_path: Path) -> None:
    """A failure leaves the old file, and no part of the new one."""
    path = tmp_path / "data.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), open_output(path) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """A link stays a link, and its target is replaced."""
    path, link = tmp_path / "data.csv", tmp_path / "latest.csv"
    link.symlink_to(path)
    with open_output(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_device_is_written_to(tmp_path: Path) -> None:
    """A device is written to, not replaced; a full one is an OutputError."""
    with open_output(Path("/dev/null")) as file:
        file.write(b"new")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(OutputError, match="No space left"), open_output(Path("/dev/full")) as file:
        file.write(b"new")
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_made(tmp_path: Path) -> None:
    """A missing folder, and a folder in the file's place, are wrong settings."""
    for path in (tmp_path / "no" / "data.csv", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be written"), open_output(path):
            pass
