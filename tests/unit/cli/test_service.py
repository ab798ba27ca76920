"""`config/icu.service` says to systemd what the program itself holds to."""

import shlex
from collections import defaultdict
from pathlib import Path

import pytest

from icu.cli.main import cli
from icu.control.places import LONGEST
from icu.errors import EXIT_CODES, Kind
from icu.http.connections import MAX_CONNECTIONS, Connections
from icu.ops.signals import STOP_DEADLINE

UNIT = Path(__file__).parents[3] / "config" / "icu.service"


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    """Each directive with its values."""
    found = defaultdict[str, list[str]](list)
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


@pytest.mark.parametrize(("name", "command"), [("ExecStart", "supervise"), ("ExecReload", "reload")])
def test_its_commands_are_ours(unit: dict[str, list[str]], name: str, command: str) -> None:
    """The units call commands with options that exist, and with one file of settings."""
    [line] = unit[name]
    _, *words = shlex.split(line)
    assert words[:3] == ["-m", "icu", command]
    context = cli.commands[command].make_context(command, words[3:])
    assert context.params["config"] == Path("/etc/icu/supervisor.toml")


def test_many_processes_may_take_their_time(unit: dict[str, list[str]]) -> None:
    """Children start one after the other, each within its own limit; the watchdog ends a hanging start."""
    assert unit["TimeoutStartSec"] == ["infinity"]
    assert "WatchdogSec" in unit


def test_the_program_ends_before_it_is_killed(unit: dict[str, list[str]]) -> None:
    """The ward alone gets the stop signal, for it stops its own processes in order; and it gives up first."""
    assert unit["KillMode"] == ["mixed"]
    [seconds] = unit["TimeoutStopSec"]
    assert float(seconds) > STOP_DEADLINE


def test_what_time_does_not_mend_is_not_tried_again(unit: dict[str, list[str]]) -> None:
    """All other ends of a ward are followed by a new start."""
    assert unit["Restart"] == ["on-failure"]
    [codes] = unit["RestartPreventExitStatus"]
    assert set(map(int, codes.split())) == {EXIT_CODES[Kind.USAGE], EXIT_CODES[Kind.CONFIGURATION]}


def test_files_are_where_systemd_makes_room(unit: dict[str, list[str]]) -> None:
    """Nothing else may be written to."""
    environ = dict(each.split("=", 1) for each in unit["Environment"])
    [state], [runtime] = unit["StateDirectory"], unit["RuntimeDirectory"]
    assert environ["DATABASE_URL"].startswith(f"sqlite:////var/lib/{state}/")
    assert environ["ICU_SUPERVISOR_SOCKET"].startswith(f"/run/{runtime}/")
    assert len(environ["ICU_SUPERVISOR_SOCKET"]) <= LONGEST
    assert f"ICU_SUPERVISOR_SOCKET={environ['ICU_SUPERVISOR_SOCKET']}" in UNIT.read_text().split("[Unit]")[0]


def test_there_are_descriptors_for_all_connections(unit: dict[str, list[str]]) -> None:
    """So many that the cap is our own, not the system's."""
    [limit] = unit["LimitNOFILE"]
    assert Connections.within(int(limit)).served.size == MAX_CONNECTIONS


def test_what_it_writes_is_its_own_alone(unit: dict[str, list[str]]) -> None:
    """Nobody else on the machine reads patients' data, whatever makes a file."""
    assert unit["UMask"] == ["0077"]
