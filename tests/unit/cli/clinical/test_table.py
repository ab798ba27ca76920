"""The ward's alarms on terminals of the usual size and of a narrow one."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console, Group

from icu.alarms.conditions import CONDITIONS
from icu.cli.clinical.choosing import Patient
from icu.cli.clinical.states import Alarm, Bed, Silence, WardState
from icu.cli.clinical.table import footer, lines, table
from icu.cli.clinical.ward import View
from icu.cli.clinical.watching import fitting
from icu.cli.clinical.words import state_of

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ANNA = Patient(UUID(int=1), "Anna", "7")


def alarm(number: int = 1, **fields: Any) -> Alarm:
    """Make an alarm of Anna's that sounds."""
    values = {
        "id": UUID(int=number),
        "patient_uuid": ANNA.uuid,
        "condition": "spo2.low",
        "priority": "medium",
        "presence": "present",
        "signal": "on",
        "inhibition": "none",
        "raised": NOW - timedelta(minutes=4),
        "end_reason": None,
        "ended_by": None,
        "value": 89.0,
        "limit": 90.0,
        "worst": 88.0,
        "late": False,
        "unanswered": False,
        "seen": 1,
        "acknowledged": None,
        "shelved": None,
    }
    return msgspec.convert({**values, **fields}, Alarm)


def view(alarms: Sequence[Alarm], *, patients: Sequence[Patient] = (ANNA,), **fields: Any) -> View:
    """Make a look at a ward that is watched."""
    state = {"name": "icu-2", "time": NOW, "trouble": None, "heartbeat_age_seconds": 0.5, "taken": [], **fields}
    return View(WardState(**state), alarms, patients)


def console(width: int = 80, height: int = 24) -> Console:
    """A terminal without colours."""
    return Console(file=io.StringIO(), width=width, height=height, color_system=None)


def screen(shown: View, width: int) -> list[str]:
    """Lines of a screen."""
    terminal = console(width)
    with terminal.capture() as capture:
        terminal.print(Group(table(shown, width), footer(shown)))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("width", [80, 44])
def test_every_condition_fits(width: int) -> None:
    """The name of each condition is whole, for it is typed back, and no line is longer than the terminal."""
    name = "長い名前の患者さん山田太郎左衛門尉"
    who = Patient(ANNA.uuid, name, "ICU 2 window")
    shown = screen(view([alarm(condition=each) for each in CONDITIONS], patients=[who]), width)
    assert max(map(cell_len, shown)) <= width
    assert [each for each in CONDITIONS if each not in " ".join(shown)] == []


@pytest.mark.parametrize("width", [80, 44])
def test_the_priority_without_colour(width: int) -> None:
    """Marks and words tell the priority."""
    shown = "\n".join(screen(view([alarm(priority=each) for each in ("high", "medium", "low")]), width))
    assert shown.index("!!! high") < shown.index("!!  medium") < shown.index("!   low")


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "sounds"),
        ({"unanswered": True}, "sounds, unanswered"),
        ({"presence": "clearing"}, "sounds, ending"),
        ({"late": True}, "sounds, late"),
        ({"signal": "acknowledged", "acknowledged": {"by": "Ann"}, "unanswered": True}, "acknowledged by Ann"),
        ({"signal": "latched", "presence": "absent"}, "over, not acknowledged"),
        ({"signal": "latched", "presence": "absent", "priority": "high"}, "over, not acknowledged, sounds"),
        ({"inhibition": "paused"}, "paused"),
        ({"acknowledged": {"by": "A\x1b[2J"}, "signal": "acknowledged"}, "acknowledged by A\\x1b[2J"),
    ],
)
def test_states(fields: dict[str, Any], state: str) -> None:
    """A line says if the alarm sounds, or who has silenced it."""
    assert next(lines(view([alarm(**fields)]))).endswith(f"  4 min  {state}")
    assert state_of(alarm(**fields)) == state


def test_the_ward_itself() -> None:
    """An alarm of the whole ward stands beside all beds, and what is wrong below."""
    blind = alarm(patient_uuid=None, condition="ward.blind", priority="high", value=None, limit=None)
    first, second, third = lines(view([blind], trouble="the sink is away"))
    assert first.split() == ["!!!", "high", "all", "the", "whole", "ward", "ward.blind", "4", "min", "sounds"]
    assert second == "the sink is away"
    assert third.endswith("icu-2: 1 alarm: 1 high; 0 beds taken")


def test_silent_beds() -> None:
    """Each has a line with its end and its author; many share one."""
    until = NOW + timedelta(minutes=2)
    beds = [Bed(UUID(int=number), str(number), Silence("Ann", until), None) for number in range(1, 5)]
    patients = [Patient(each.patient_uuid, "x", each.bed) for each in beds]
    few = list(lines(view([], taken=beds[:3], patients=patients)))
    assert [each.split(" paused until ")[0] for each in few[:3]] == ["bed 1, x:", "bed 2, x:", "bed 3, x:"]
    many = list(lines(view([], taken=beds, patients=patients)))
    assert many[0].startswith("4 beds paused, the last until ")
    assert many[0].endswith(": 1, 2, 3, 4")
    asleep = Bed(ANNA.uuid, "7", None, Silence("Ben", until))
    assert next(lines(view([], taken=[asleep]))).startswith("bed 7, Anna: in standby, not watched until ")


@pytest.mark.parametrize(("count", "more"), [(20, False), (21, False), (22, True), (200, True)])
def test_a_screen_of_alarms(count: int, more: bool) -> None:
    """On a screen that has no room for all, the most urgent stay, the totals too, and it is said."""
    terminal = console()
    alarms = [alarm(value=float(number)) for number in range(count)]
    shown = terminal.render_lines(fitting(terminal, view(alarms)), pad=False)
    text = ["".join(segment.text for segment in line) for line in shown]
    assert len(text) <= 24
    assert " 0 %" in text[1]
    assert ("... and less urgent ones: python -m icu alarms" in text) == more
    assert f": {count} alarms: {count} medium; " in text[-2]
