"""Members of the supervised tree, from settings and roles."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from icu.bootstrap.children import _members
from icu.bootstrap.shared import Shared
from icu.config.settings import (
    AnyChild,
    Database,
    MonitorChild,
    PatientChild,
    Settings,
    SinkChild,
    Transport,
    UpkeepChild,
)
from icu.ward.children import Member
from icu.ward.processes import Processes


def member(folder: Path, child: AnyChild) -> Member:
    """Build the member of a child in a ward over Kafka."""
    database = Database(f"sqlite:///{folder / 'icu.db'}")
    settings = Settings(child=(child,), transport=Transport(kind="kafka"), database=database)
    [found] = _members(Shared(settings), Processes(), settings)
    return found


SINK = SinkChild(id="a")
MONITOR = MonitorChild(id="a")
UPKEEP = UpkeepChild(id="a")
PATIENT = PatientChild(id="a", name="Anna")


@pytest.mark.parametrize(("child", "seconds"), [(SINK, 7), (MONITOR, 3), (UPKEEP, 3), (PATIENT, 3)])
def test_seconds_to_stop(tmp_path: Path, child: AnyChild, seconds: float) -> None:
    """A child has its role's grace to stop; a process has a second more, in which it is killed."""
    assert member(tmp_path, child).build().shutdown == seconds
    assert member(tmp_path, replace(child, process=True)).build().shutdown == seconds + 1


@pytest.mark.parametrize(
    ("child", "stage"), [(SINK, None), (MONITOR, "database"), (UPKEEP, "database"), (PATIENT, None)]
)
def test_neighbours_that_stop_together(tmp_path: Path, child: AnyChild, stage: str | None) -> None:
    """Neighbouring monitors and upkeeps stop together, for nothing flows between them; patients have a supervisor."""
    assert member(tmp_path, child).build().stage == stage


@pytest.mark.parametrize(
    ("child", "critical", "bed"),
    [(SINK, True, False), (MONITOR, False, False), (UPKEEP, False, False), (PATIENT, False, True)],
)
def test_critical_children(tmp_path: Path, child: AnyChild, critical: bool, bed: bool) -> None:
    """Sinks alone are critical unless a child says otherwise, and patients alone have their supervisor."""
    found = member(tmp_path, child)
    assert found.is_shared is (child is SINK)
    assert (found.critical, found.is_patient, found.patients is not None) == (critical, bed, bed)
    for said in (True, False):
        assert member(tmp_path, replace(child, critical=said)).critical is said
