"""Current readings of the patients in this process, and their ages."""

from collections.abc import Sequence
from datetime import timedelta

import anyio
import pytest

from icu.bootstrap.bedsides import Bedsides
from icu.patient.patients import EmulatedPatients
from icu.patient.simulated import SimulatedBay
from tests.clocks import virtual_time
from tests.samples import START
from tests.unit.patient.wards import SCENARIOS, cohort

pytestmark = pytest.mark.parametrize("anyio_backend", [pytest.param(virtual_time(), id="virtual time")])


def bay(*names: str) -> SimulatedBay:
    """A bay of simulated patients."""
    return SimulatedBay(cohort(names), interval=5.0, offset=0.0, start=START, launch=START, speed=1.0)


def ages(bedsides: Bedsides, children: Sequence[str]) -> dict[str, float | None]:
    """Ages by patient; None without a reading."""
    return {each.name: None if each.reading is None else each.age for each in bedsides.page(children, 0, 100)}


async def test_ages() -> None:
    """An age counts from the look that found the reading, on the loop's clock; there is none before the first."""
    anna, others = bay("Anna"), bay("Boris", "Chiara")
    bedsides = Bedsides({"a": EmulatedPatients([anna], SCENARIOS), "b": EmulatedPatients([others], SCENARIOS)})
    bedsides.look()
    assert ages(bedsides, ["a", "b"]) == {"Anna": None, "Boris": None, "Chiara": None}
    anna.observe()
    bedsides.look()
    await anyio.sleep(7)
    others.observe()
    bedsides.look()
    assert ages(bedsides, ["b", "a"]) == {"Boris": 0.0, "Chiara": 0.0, "Anna": 7.0}
    [shown] = bedsides.page(["a"], 0, 1)
    assert shown.reading is anna.latest[0]
    assert shown.child == "a"
    anna.advance(7.0, START + timedelta(seconds=7))
    anna.observe()
    bedsides.look()
    assert ages(bedsides, ["a"]) == {"Anna": 0.0}


async def test_a_reading_from_before_a_restart_is_no_younger() -> None:
    """Bays outlive their emulators, so that an old reading never looks current."""
    anna = EmulatedPatients([bay("Anna")], SCENARIOS)
    running = {"a": anna}
    bedsides = Bedsides(running)
    anna.bays[0].observe()
    bedsides.look()
    del running["a"]
    await anyio.sleep(60)
    bedsides.look()
    assert (bedsides.count(), ages(bedsides, ["a"])) == (0, {})
    running["a"] = anna
    bedsides.look()
    assert ages(bedsides, ["a"]) == {"Anna": 60.0}


async def test_pages() -> None:
    """A page has the requested order of children; those in other processes are counted, not shown."""
    patients = {name: EmulatedPatients([bay(f"{name} 1", f"{name} 2")], SCENARIOS) for name in ("a", "b", "c")}
    bedsides = Bedsides(patients)
    assert bedsides.count() == 6
    names = [each.name for each in bedsides.page(["c", "elsewhere", "a", "b"], 1, 4)]
    assert names == ["c 2", "a 1", "a 2", "b 1"]
    assert bedsides.count_elsewhere(["c", "elsewhere", "there"]) == 2
