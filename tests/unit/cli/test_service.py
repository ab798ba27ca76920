"""`config/icu.service` tells systemd the limits and commands that the program has."""

import shlex
from collections import defaultdict
from pathlib import Path

import click
import pytest

from icu.cli.main import cli
from icu.control.places import LONGEST
from icu.errors import EXIT_CODES, Kind
from icu.http.connections import MAX_CONNECTIONS, Connections
from icu.ops.signals import STOP_DEADLINE

UNIT = Path(__file__).parents[3] / "config" / "icu.service"


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    """Parse the unit: each directive with its values."""
    found = defaultdict[str, list[str]](list)
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


@pytest.mark.parametrize(("name", "command"), [("ExecStart", "supervise"), ("ExecReload", "reload")])
def test_its_commands_are_ours(unit: dict[str, list[str]], name: str, command: str) -> None:
    """The units call commands and options that exist, all with one settings file."""
    [line] = unit[name]
    _, *words = shlex.split(line)
    assert words[:3] == ["-m", "icu", command]
    # Below the group, whose names of the help option each command remembers from its first use on.
    group = click.Context(cli, **cli.context_settings)
    context = cli.commands[command].make_context(command, words[3:], parent=group)
    assert context.params["config"] == Path("/etc/icu/supervisor.toml")


def test_many_processes_may_take_their_time(unit: dict[str, list[str]]) -> None:
    """systemd's limits allow many children to start one after the other; the watchdog ends a start that hangs."""
    assert unit["TimeoutStartSec"] == ["infinity"]
    assert "WatchdogSec" in unit


def test_the_program_ends_before_it_is_killed(unit: dict[str, list[str]]) -> None:
    """Only the ward gets the stop signal, since it stops its processes in order, within systemd's limit."""
    assert unit["KillMode"] == ["mixed"]
    [seconds] = unit["TimeoutStopSec"]
    assert float(seconds) > STOP_DEADLINE


def test_what_time_does_not_mend_is_not_tried_again(unit: dict[str, list[str]]) -> None:
    """systemd restarts the ward except after exit codes that need a person."""
    assert unit["Restart"] == ["on-failure"]
    [codes] = unit["RestartPreventExitStatus"]
    assert set(map(int, codes.split())) == {EXIT_CODES[Kind.USAGE], EXIT_CODES[Kind.CONFIGURATION]}


def test_files_are_where_systemd_makes_room(unit: dict[str, list[str]]) -> None:
    """The unit may write only to the folders that systemd makes for it."""
    environ = dict(each.split("=", 1) for each in unit["Environment"])
    [state], [runtime] = unit["StateDirectory"], unit["RuntimeDirectory"]
    assert environ["DATABASE_URL"].startswith(f"sqlite:////var/lib/{state}/")
    assert environ["ICU_SUPERVISOR_SOCKET"].startswith(f"/run/{runtime}/")
    assert len(environ["ICU_SUPERVISOR_SOCKET"]) <= LONGEST
    assert f"ICU_SUPERVISOR_SOCKET={environ['ICU_SUPERVISOR_SOCKET']}" in UNIT.read_text().split("[Unit]")[0]


def test_there_are_descriptors_for_all_connections(unit: dict[str, list[str]]) -> None:
    """The limit of descriptors is high enough for our own cap of connections."""
    [limit] = unit["LimitNOFILE"]
    assert Connections.within(int(limit)).served.size == MAX_CONNECTIONS


def test_what_it_writes_is_its_own_alone(unit: dict[str, list[str]]) -> None:
    """Files of the unit can be read by its user only: they hold patients' data."""
    assert unit["UMask"] == ["0077"]
