"""Figures and health of the upkeep."""

from prometheus_client import CollectorRegistry

from icu.store.retention.deleting import Deleted
from icu.store.rollups.step import RolledUp
from icu.store.upkeep_state import UpkeepState
from icu.upkeep.telemetry import Telemetry


def test_trouble_is_what_is_waited_for_or_how_far_it_is_behind() -> None:
    """A database that is away is trouble, and so are roll-ups that are behind by more than a quarter of an hour."""
    telemetry = Telemetry(CollectorRegistry())
    assert telemetry.trouble is None
    telemetry.count_rolled(RolledUp(done=False, readings=0, hours=0, behind=900_000))
    assert telemetry.trouble is None
    telemetry.count_rolled(RolledUp(done=False, readings=0, hours=0, behind=90_061_000))
    assert telemetry.trouble == "the roll-ups are behind by 1 day, 1:01:01"
    assert telemetry.waits_for is None
    telemetry.set_trouble("the disk is full")
    assert telemetry.trouble == "the disk is full"
    telemetry.set_trouble(None)
    assert str(telemetry.trouble).startswith("the roll-ups")


def test_figures() -> None:
    """Steps add up, by kind; kinds of which nothing was deleted are 0, and times are those of the state."""
    registry = CollectorRegistry()
    telemetry = Telemetry(registry)
    for _ in range(2):
        telemetry.count_rolled(RolledUp(done=False, readings=30, hours=2, behind=150_500))
        telemetry.count_deleted(Deleted(done=False, kind="raw", rows=7))
    telemetry.count_deleted(Deleted(done=True))
    telemetry.set_trouble("locked")
    telemetry.set_trouble(None)
    telemetry.set_state(UpkeepState(looked=5_000, backed_up=None))
    figures = {
        "behind_seconds": 150.5,
        "rolled_readings_total": 60,
        "late_hours_total": 4,
        "errors_total": 1,
        "looked_timestamp_seconds": 5,
        "backup_timestamp_seconds": 0,
    }
    assert {name: registry.get_sample_value(f"icu_upkeep_{name}") for name in figures} == figures
    deleted = {each: registry.get_sample_value("icu_upkeep_deleted_total", {"kind": each}) for each in ("raw", "audit")}
    assert deleted == {"raw": 14, "audit": 0}
