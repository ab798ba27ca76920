"""Commands for a running ward: output and exit codes."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import anyio.from_thread
import msgspec
import pytest
from loguru import logger

from icu.cli import control
from icu.cli.listing import child_table, escape_control, format_entry, outline
from icu.config.load import load
from icu.control.places import names_of, places
from icu.control.protocol import LogEntry, Supervisors
from icu.control.records import RecentRecords
from icu.control.server import serve
from icu.supervisor.view import ChildState, ChildView
from icu.ward.orders import ORDERS
from tests.unit.cli.conftest import Run
from tests.unit.control.conftest import Ward

NO_SUPERVISOR = [
    ["status"],
    ["status", "--watch"],
    ["status", "sink", "--json"],
    ["start", "sink"],
    ["stop", "*"],
    ["restart", "sink"],
    ["scale", "icu", "3"],
    ["scenario", "beds", "sepsis"],
    ["reload"],
    ["tree"],
    ["logs"],
    ["logs", "-f", "sink"],
]


@pytest.mark.parametrize("words", NO_SUPERVISOR, ids=" ".join)
def test_without_a_supervisor_it_is_75(icu: Run, words: list[str]) -> None:
    """Without a supervisor, one line says where the command looked and how to start one."""
    code, out, err = icu(*words)
    assert (code, out) == (75, "")
    assert err.startswith("icu: no supervisor answers: nobody listens at ")
    assert "python -m icu supervise" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["status"], ["reload"], ["logs"]], ids=" ".join)
def test_the_settings_say_which_supervisor_is_meant(icu: Run, tmp_path: Path, words: list[str]) -> None:
    """`--config` selects the supervisor: a mistake in the file ends with 78, and a socket in it is used."""
    assert icu(*words, "--config", "no.toml")[0] == 78
    (tmp_path / "a.toml").write_text(f'[supervisor]\nsocket = "{"x" * 200}"\n')
    code, _, err = icu(*words, "--config", "a.toml")
    assert (code, "more than 100 bytes" in err) == (78, True)
    (tmp_path / "b.toml").write_text('[supervisor]\nsocket = "b.sock"\n')
    assert f"nobody listens at {tmp_path}/b.sock" in icu(*words, "--config", "b.toml")[2]


@pytest.fixture
def ward(icu: Run) -> Iterator[Ward]:
    """A ward with a control socket, in a thread of its own."""
    ward = Ward()
    records = RecentRecords()
    logger.add(records, format="{message}")
    logger.bind(child="sink", delay=1.5).warning("trouble \x1b[2J")
    with anyio.from_thread.start_blocking_portal() as portal:
        future, _ = portal.start_task(partial(serve, ward, ORDERS, records, places(load()), names=names_of(None)))
        yield ward
        future.cancel()


def test_status(icu: Run, ward: Ward) -> None:
    """`status` prints a line a child; it ends with 3 if a requested child is down, with 4 if one is unknown."""
    assert icu("status") == (3, "sink   running  0:00:05\nbed-1  backoff\n", "")
    assert icu("status", "sink") == (0, "sink  running  0:00:05\n", "")
    code, out, err = icu("status", "sink", "bed-2")
    assert (code, out, err) == (4, "", "icu: no child is called bed-2: did you mean bed-1?\n")


@pytest.mark.parametrize("text", ["oops [", "[database]\nurl = 7\n", '[supervisor]\nsocket = "' + "x" * 200 + '"\n'])
@pytest.mark.parametrize("words", [["status", "sink"], ["logs"], ["tree"], ["start", "sink"]], ids=" ".join)
def test_a_mistake_in_the_file_blinds_nobody(icu: Run, ward: Ward, tmp_path: Path, words: list[str], text: str) -> None:
    """After a mistake in the file the ward runs on, and commands still reach it, with a warning about the mistake."""
    good = icu(*words)
    (tmp_path / "supervisor.toml").write_text(text)
    code, out, err = icu(*words)
    assert (code, out) == good[:2]
    assert err.startswith("icu: the ward goes on as it was started; but ")
    assert err.count("\n") == 1


def test_a_file_that_names_another_place_by_now(icu: Run, ward: Ward, tmp_path: Path) -> None:
    """A supervisor is found by the path of its settings file; another file or environment means another ward."""
    (tmp_path / "supervisor.toml").write_text('[database]\nurl = "sqlite:///b.db"\n[[child]]\nrole = "sink"\n')
    assert icu("status", "sink") == (0, "sink  running  0:00:05\n", "")
    (tmp_path / "supervisor.toml").rename(tmp_path / "b.toml")
    assert icu("status", "sink", "--config", "b.toml")[0] == 75


def test_an_environment_that_says_where(icu: Run, ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that name the ward replace the file; those with another database mean another ward."""
    (tmp_path / "other.toml").write_text("oops [")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///icu.db")
    assert icu("status", "sink", "--config", "other.toml")[0] == 0
    monkeypatch.setenv("DATABASE_URL", "sqlite:///another.db")
    assert icu("status", "sink")[0] == 75
    assert icu("status", "sink", "--config", "other.toml")[0] == 78


@pytest.mark.parametrize("state", ChildState)
def test_which_states_are_running(icu: Run, ward: Ward, state: ChildState) -> None:
    """A child that waits for a broker counts as running, and so does one that has just started."""
    ward.children = [ChildView("sink", state)]
    assert icu("status")[0] == (0 if state in {"running", "waiting"} else 3)
    ward.children = [ChildView("sink", ChildState.STARTING, uptime=0.1)]
    assert icu("status") == (0, "sink  starting  0:00:00\n", "")


def test_status_for_programs(icu: Run, ward: Ward) -> None:
    """`status --json` prints an array with all fields."""
    code, out, _ = icu("status", "--json")
    assert code == 3
    assert out == msgspec.json.encode(ward.children).decode() + "\n"


def test_watching(icu: Run, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status --watch` prints the children again and again, until Ctrl-C."""
    looks = 0

    def sleep(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(control.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        icu("status", "--watch", "sink")


def test_orders(icu: Run, ward: Ward) -> None:
    """An order prints the children afterwards; it ends with 3 and the problems where it was not carried out."""
    assert icu("start", "sink") == (0, "sink  running  0:00:05\n", "")
    assert icu("stop", "sink")[0] == 3
    ward.children[0] = ChildView("sink", ChildState.STOPPED)
    assert icu("stop", "sink") == (0, "sink  stopped\n", "")
    code, out, err = icu("restart", "sink")
    assert (code, err) == (3, "icu: bed-1: no bed\n")
    assert out.splitlines() == ["sink   stopped", "bed-1  backoff"]
    ward.children[1] = ChildView("bed-1", ChildState.RUNNING, uptime=2.0)
    hint = "icu runs 3 times until the next reload or start, which take the file's `count` again"
    assert icu("scale", "icu", "3") == (0, f"icu is 3 now\n{hint}\nbed-1  running  0:00:02\n", "")
    ward.children[1] = ChildView("bed-1", ChildState.FAILED)
    assert icu("scale", "icu", "3")[0] == 3
    assert icu("reload") == (0, "nothing changed\n", "")
    assert ward.carried_out == [
        ("start", ("sink",)),
        ("stop", ("sink",)),
        ("stop", ("sink",)),
        ("restart", ("sink",)),
        ("scale", ("icu", 3)),
        ("scale", ("icu", 3)),
        ("reload", ()),
    ]


def test_scenario(icu: Run, ward: Ward) -> None:
    """`scenario` prints a line a patient, or a number for many; it ends with 3 and the reasons where it failed for
    some."""
    assert icu("scenario", "bed-1", "sepsis") == (0, "Anna\nИван\n", "")
    assert icu("scenario", "*", "fever") == (3, "fever: 21 patients\n", "icu: Rec is a recording\n")
    assert ward.carried_out == [("begin_scenario", ("bed-1", "sepsis")), ("begin_scenario", ("*", "fever"))]


def test_scenarios(icu: Run) -> None:
    """`scenarios` prints name, title, rate and note of each scenario, with or without a supervisor."""
    code, out, err = icu("scenarios")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert {"sepsis", "tachyarrhythmia", "stable"} <= set(lines)
    assert lines["fever"].split(None, 3)[:3] == ["fever", "Fever", "0.1/day"]
    assert "Liebermeister" in lines["fever"]


def test_logs(icu: Run, ward: Ward) -> None:
    """`logs` prints a line a record, harmless to terminals."""
    code, out, err = icu("logs")
    assert (code, err) == (0, "")
    assert out.endswith(" WARNING sink: trouble \\x1b[2J delay=1.5\n")
    assert icu("logs", "bed-1") == (0, "", "")
    assert icu("logs", "bed-9")[0] == 4


def test_the_tree(icu: Run, ward: Ward) -> None:
    """`tree` prints supervisors with their rules."""
    code, out, err = icu("tree")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["ward", "sink", "bed-1"]


def test_the_table() -> None:
    """The table is aligned; it has a child's address, or the reason why it is down, and no outdated ones."""
    children = [
        ChildView("sink", ChildState.WAITING, uptime=3_725.9, detail="no connection to Kafka", last_error="E: old"),
        ChildView("bed-1", ChildState.BACKOFF, restarts=1, last_error="E: new", detail="http://old"),
        ChildView("bed-2", ChildState.FAILED, restarts=12, last_error="E: two\nlines"),
        ChildView("Иван", ChildState.STOPPED, detail="http://old", last_error="E: old"),
    ]
    assert child_table(children) == [
        "sink   waiting  1:02:05  no connection to Kafka",
        "bed-1  backoff           1 restart; E: new",
        "bed-2  failed            12 restarts; E: two\\nlines",
        "Иван   stopped",
    ]
    assert child_table([]) == []


def test_the_outline() -> None:
    """Children are indented below their supervisor."""
    beds = ChildView("beds", ChildState.RUNNING, uptime=1.0, children=(ChildView("bed-1", ChildState.STOPPED),))
    tree = Supervisors(7, {"": "rest_for_one", "beds": "one_for_one"}, [ChildView("sink"), beds])
    assert outline(tree) == [
        "ward (pid 7): rest_for_one",
        "  sink     pending",
        "  beds     running  0:00:01  one_for_one",
        "    bed-1  stopped",
    ]


def test_an_entry() -> None:
    """A log entry has time, level, child, message and context, and the stack below."""
    record = LogEntry("2026-01-31T12:00:00.123+00:00", "ERROR", "died", "sink", {"uptime": "1.5"}, "Traceback:\n  x\n")
    assert format_entry(record) == "12:00:00.123 ERROR   sink: died uptime=1.5\nTraceback:\n  x"


def test_harmless() -> None:
    """Letters of all scripts are printed as they are, control characters are escaped."""
    assert escape_control("Иван Yılmaz 心 é") == "Иван Yılmaz 心 é"
    assert escape_control("a\x1b[2Jb\nc\u202ed") == "a\\x1b[2Jb\\nc\\u202ed"
    assert escape_control("a\n\tb\r", but="\n\t") == "a\n\tb\\r"
