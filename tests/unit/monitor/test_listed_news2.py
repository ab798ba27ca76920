"""NEWS2 in the list of patients: what people enter, values that become too old, and clocks that were set back."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from icu.messages import Quality
from icu.store.commands.door import Author, Door
from icu.store.commands.news2 import set_inputs
from icu.store.writer import Writer
from tests.samples import ANNA, START, observation
from tests.stores import NOON, store
from tests.unit.monitor.test_latest import Monitor
from tests.unit.monitor.test_latest import monitor as kept_monitor

__all__ = ["kept_monitor"]

HOUR = 3_600


async def news2(monitor: Monitor, seconds: float = 0) -> dict[str, Any] | None:
    """Anna's score so long after START, with what is followed up to then."""
    await monitor.look()
    found = await monitor.kept(START + timedelta(seconds=seconds))
    scores: list[dict[str, Any] | None] = [each["news2"] for each in found]
    return scores[0] if scores else None


async def test_what_people_enter_counts_at_once(writer: Writer, url: str, kept_monitor: Monitor) -> None:
    """Oxygen, consciousness and scale, of the newest entry; before it they are assumed."""
    await store(writer, [observation(0, spo2=93)], arrived=NOON)
    well = {"total": 2, "partial": None, "category": "low", "missing": [], "assumed": True}
    assert await news2(kept_monitor) == well
    door, author = Door(url), Author("Eva", "127.0.0.1")
    await set_inputs(door, ANNA, author, oxygen=True, consciousness="alert", scale=2)
    assert await news2(kept_monitor) == {**well, "total": 3, "assumed": False}
    await set_inputs(door, ANNA, author, oxygen=False, consciousness="voice", scale=1)
    assert await news2(kept_monitor) == {**well, "total": 5, "category": "medium", "assumed": False}
    kept_monitor.latest.forget()
    assert await news2(kept_monitor) == {**well, "total": 5, "category": "medium", "assumed": False}


@pytest.mark.parametrize("followed", [True, False])
async def test_each_value_counts_until_it_is_too_old(writer: Writer, kept_monitor: Monitor, followed: bool) -> None:
    """A minute, half an hour for a cuff from its measurement, four hours: whether read first or followed."""
    sick = observation(0, pulse=95, bp="105/80", bp_measured_at=START - timedelta(seconds=600), temperature=38.5)
    later = observation(5, pulse=None, bp=None, temperature=37, quality=Quality(temperature="motion"))
    if followed:
        assert await news2(kept_monitor, 0) is None
    await store(writer, [sick], arrived=NOON)
    await store(writer, [later], start=1, arrived=NOON + 5_000)
    for seconds, partial, missing in [
        (60, None, []),
        (60.001, 2, ["pulse"]),
        (65.001, 2, ["resp_rate", "spo2", "pulse"]),
        (1_200, 2, ["resp_rate", "spo2", "pulse"]),
        (1_200.001, 1, ["resp_rate", "spo2", "systolic", "pulse"]),
        (4 * HOUR, 1, ["resp_rate", "spo2", "systolic", "pulse"]),
        (4 * HOUR + 0.001, 0, ["resp_rate", "spo2", "systolic", "pulse", "temperature"]),
        # And back, for a clock that was ahead for a while.
        (30, None, []),
    ]:
        found = await news2(kept_monitor, seconds)
        assert found is not None
        assert (found["total"], found["partial"], found["missing"]) == (None if missing else 3, partial, missing)


async def test_nobody_can_tell_how_old_the_values_are(writer: Writer, kept_monitor: Monitor) -> None:
    """The server's clock was set back: there is no score, and it comes back with the age."""
    await store(writer, [observation(0)], arrived=NOON)
    for seconds, known in ((0, True), (-HOUR, False), (1, True)):
        assert (await news2(kept_monitor, seconds) is not None) == known


async def test_the_route_says_the_same(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """Of a patient with a sign missing."""
    await store(writer, [observation(0, pulse=120, spo2=None)])
    of_anna = (await monitor.get(f"patient/{ANNA}/news2")).json()
    [listed] = (await monitor.get("patients")).json()
    # Readings of January are too old on the server's clock, on which they have just arrived.
    assert listed["news2"] == {name: of_anna[name] for name in ("total", "partial", "category", "missing")} | {
        "assumed": True
    }
