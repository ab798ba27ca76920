"""`db`: what its commands print, and how they end."""

import json
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from icu.bootstrap import database
from icu.bootstrap.database import Restored
from icu.cli import progress
from icu.cli.database import lines_of, sentence_about, size_of
from icu.store.database.info import DatabaseInfo
from icu.store.engines.base import Storage
from icu.store.engines.sqlite import files
from tests.stores import execute, rows
from tests.unit.cli.conftest import Run

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(icu: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty database."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/icu.db")
    assert icu("db", "upgrade")[0] == 0
    return tmp_path / "icu.db"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (999.6, "1 kB"),
        (1_234_567, "1.23 MB"),
        (8.5e9, "8.5 GB"),
        (1e16, "1e+04 TB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    """Sizes have three digits and a unit."""
    assert size_of(count) == text


def test_a_backup_and_its_restoration(icu: Run, path: Path, tmp_path: Path) -> None:
    """A backup says where it is and how large; a restoration says of when it is, and where the old database is."""
    code, out, err = icu("db", "backup", "backup.db")
    assert (code, err) == (0, "")
    assert re.fullmatch(rf"{path} was copied to backup.db: \d+ kB in \d+\.\d s\n", out)
    [(backed_up,)] = rows(f"sqlite:///{path}", "SELECT backed_up FROM upkeep_state")
    moment = datetime.fromtimestamp(backed_up / 1000, UTC)
    code, out, err = icu("db", "restore", "backup.db")
    assert (code, err) == (0, "")
    made = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    beginning = f"{path} was restored from backup.db, of {made}; the database of before is kept as "
    assert out.startswith(beginning)
    assert Path(out.removeprefix(beginning).strip()).parent == tmp_path
    assert icu("db", "check", "--full") == (0, "the database is well\n", "")


def test_a_backup_replaces_nothing_by_itself(icu: Run, path: Path, tmp_path: Path) -> None:
    """An existing file is a mistake, and --force replaces it."""
    (tmp_path / "backup.db").write_text("kept")
    code, _, err = icu("db", "backup", "backup.db")
    assert (code, "overwrite it with --force" in err) == (64, True)
    assert (tmp_path / "backup.db").read_text() == "kept"
    assert icu("db", "backup", "--force", "backup.db")[0] == 0
    assert path.exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["backup"], 64, "FILE"),
        (["backup", "."], 64, "is a folder"),
        (["backup", "no/backup.db"], 64, "does not exist: create it"),
        (["backup", "icu.db", "--force"], 64, "is the database itself"),
        (["backup", "x" * 300], 78, "File name too long"),
        (["restore", "nothing.db"], 64, "nothing.db is no file: name a backup"),
        (["restore", "."], 64, ". is no file: name a backup"),
        (["restore", "icu.db"], 64, "is the database itself"),
        (["restore", "text"], 70, "file is not a database"),
    ],
    ids=lambda each: "-".join(each)[:30] if isinstance(each, list) else None,
)
def test_mistakes(icu: Run, path: Path, words: list[str], code: int, sentence: str) -> None:
    """A mistake is one line that says what to do, and changes nothing."""
    (path.parent / "text").write_text("no database" * 100)
    before = path.read_bytes()
    ended, out, err = icu("db", *words)
    assert (ended, out) == (code, "")
    assert sentence in err.splitlines()[-1]
    assert "Traceback" not in err
    assert path.read_bytes() == before


def test_restoring_while_a_sink_runs(icu: Run, path: Path) -> None:
    """The database of a running sink is not replaced, and the message says what to stop."""
    assert icu("db", "backup", "backup.db")[0] == 0
    lock = files.lock(path)
    code, _, err = icu("db", "restore", "backup.db")
    lock.close()
    assert (code, f"{path} is in use: stop its sink and its upkeep" in err) == (78, True)


@pytest.mark.parametrize("words", [["info"], ["check"], ["backup", "backup.db"]], ids=lambda words: words[0])
def test_no_database_yet(icu: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]) -> None:
    """Where there is no database yet, none is made, and the message says how one comes about."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/icu.db")
    code, out, err = icu("db", *words)
    assert (code, out) == (70, "")
    assert "there is no database" in err
    assert list(tmp_path.glob("*.db")) == []


def test_findings_of_a_check(icu: Run, path: Path) -> None:
    """Each finding is a line, and the exit code says that there are some."""
    execute(f"sqlite:///{path}", "INSERT INTO journal (batch, payload) VALUES (1, '')")
    code, out, err = icu("db", "check")
    assert code == 70
    assert out.startswith("the journal ends at 1")
    assert err == "icu: the database is not as it should be: the lines above say why\n"


def test_figures_as_json(icu: Run, path: Path) -> None:
    """The same figures for programs, in bytes and with full times."""
    code, out, _ = icu("db", "info", "--json")
    found = json.loads(out)
    assert (code, found["location"], found["readings"], found["growth"]) == (0, str(path), 0, None)
    assert found["storage"]["size"] >= path.stat().st_size


def test_figures_as_lines(icu: Run, path: Path) -> None:
    """Each figure is a line, with its name first."""
    code, out, _ = icu("db", "info")
    assert code == 0
    named = dict(re.split(r"  +", line, maxsplit=1) for line in out.splitlines())
    assert named["database"] == str(path)
    assert named["last backup"] == "never"
    assert named["growth"] == "unknown: too few readings in the last 24 hours"


def test_figures_of_a_large_database() -> None:
    """Estimates are called so and have few digits; times say how long ago they were."""
    info = DatabaseInfo(
        location="icu.db",
        version="0007",
        storage=Storage(size=8_500_000_000, log=45_000_000, content=8_455_000_000, unused=0, disk=100_000_000_000),
        patients=10_000,
        readings=172_812_345,
        estimated=True,
        oldest=datetime(2026, 1, 30, 12, 0, tzinfo=UTC),
        newest=datetime(2026, 1, 31, 11, 59, 58, tzinfo=UTC),
        bytes_per_reading=49.2,
        growth=8.5e9,
        days_left=11.76,
        rolled_until=datetime(2026, 1, 31, 11, 57, tzinfo=UTC),
        late_hours=1_234,
        raw_horizon=datetime(2026, 1, 30, tzinfo=UTC),
        minute_horizon=None,
        hour_horizon=None,
        upkeep_seen=datetime(2026, 1, 31, 11, 59, 50, tzinfo=UTC),
        sink_seen=None,
        dead_letters=3,
        journal_entries=2_000,
        journal_readings=99_000,
        days=None,
        backed_up=datetime(2026, 1, 30, 2, 0, tzinfo=UTC),
    )
    lines = "\n".join(lines_of(info, NOW))
    for text in (
        "8.5 GB, of it 45 MB log",
        "8.5 GB a day",
        "100 GB free, full in 12 days if nothing is deleted",
        "about 173,000,000, 49.2 bytes each",
        "2026-01-31 11:57:00 UTC, 3 min behind; 1,234 late hours wait",
        "readings before 2026-01-30 00:00:00 UTC",
        "2026-01-30 02:00:00 UTC, 34 hours ago",
        "10 s ago",
        "never",
    ):
        assert text in lines
    (line,) = [each for each in lines_of(structs.replace(info, days_left=11_305_399.0), NOW) if each.startswith("disk")]
    assert line.endswith("100 GB free, not full within 10 years if nothing is deleted")


def test_names_cannot_steer_the_terminal() -> None:
    """Control characters of a file's name are escaped."""
    assert "\x1b" not in sentence_about(Path("\x1b[2J.db"), Restored("icu.db", None, None))


def test_progress(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A long work tells its progress every few seconds, and a short one says nothing."""
    with progress.share_of("backup") as report:
        report(0.1)
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(progress, "TELL_EVERY", 0)
        report(0.424)
        assert capsys.readouterr().err == "backup: 42%\n"


def test_a_backup_that_cannot_be_noted(icu: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup whose time cannot be noted, in a locked database, is complete all the same, and a warning says so."""

    async def fail(*_: object) -> None:
        raise database.StoreError("locked")

    monkeypatch.setattr(database, "note_backup", fail)
    code, out, err = icu("db", "backup", "backup.db")
    assert (code, "was copied" in out) == (0, True)
    assert "the backup is complete, but its time could not be noted in the database: locked" in err
    assert path.exists()


def test_copying(icu: Run, path: Path, tmp_path: Path) -> None:
    """A copy says what was copied to where; a second one that there is nothing to do; and mistakes what is wrong."""
    source, target = f"sqlite:///{path}", f"sqlite:///{tmp_path}/copy.db"
    done = f"{path} was copied to {tmp_path}/copy.db, 0 readings, and compared: it is complete\n"
    assert icu("db", "copy", source, target) == (0, done, "")
    code, out, _ = icu("db", "copy", source, target)
    assert (code, out.startswith(f"{tmp_path}/copy.db is a complete copy of {path}, of ")) == (0, True)
    code, out, err = icu("db", "copy", source, source)
    assert (code, err) == (64, f"icu: {path} is the database to be copied: name a new one\n")
    code, out, err = icu("db", "copy", source, f"sqlite:///{tmp_path}/nowhere/copy.db")
    assert (code, "the database's folder" in err) == (78, True)
    code, out, err = icu("db", "copy", source, "oracle://icu:secret@db/icu")
    assert (code, "secret" in err) == (78, False)


@pytest.fixture
def usual_ctrl_c() -> Iterator[None]:
    """Handle Ctrl-C as Python does, although the tests may run behind a script's `&`, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("usual_ctrl_c")
def test_ctrl_c_ends_a_work_at_its_next_step() -> None:
    """The first Ctrl-C lets the step under way end; a second one ends the work at once, as before and afterwards."""
    told: list[float] = []
    with progress.stoppable(told.append) as report:
        report(0.1)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(progress.StoppedError):
            report(0.2)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert told == [0.1]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
