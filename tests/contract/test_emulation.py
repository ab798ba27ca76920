"""Contract of icu.emulation, on every implementation: in a process, of another process, of a ward, and from outside."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from icu.bootstrap.children import build_ward
from icu.bootstrap.patients import ChildProcessPatients, LocalEmulation
from icu.bootstrap.shared import Shared
from icu.config.load import load
from icu.config.settings import Settings
from icu.control.places import places
from icu.control.records import RecentRecords
from icu.control.server import serve
from icu.emulation import Emulation
from icu.errors import IcuError, Kind
from icu.messages import uuid_of_name
from icu.ward import asking, remote
from icu.ward.emulation import ORDERS, RemoteEmulation
from icu.ward.processes import Processes
from icu.ward.remote import accepting_supervisor_orders, place_in
from icu.ward.tree import Ward
from tests.bedsides import patients_of

ANNA, BORIS, REC = (uuid_of_name(name) for name in ("Anna", "Boris", "Rec"))

# Two children of two patients each, so that the right one has to be found, and a recording.
FILE = """
[supervisor]
socket = "icu.sock"
[[child]]
role = "patient"
id = "others"
name = "Other"
patients = 2
[[child]]
role = "patient"
id = "anna"
name = "Anna"
scenario_rate = 0
[[child]]
role = "patient"
id = "boris"
name = "Boris"
scenario_rate = 0
[[child]]
role = "patient"
name = "Rec"
recording = "rec.csv"
"""


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[Emulation]:
    """Patients of this process."""
    yield LocalEmulation(await to_thread.run_sync(partial(patients_of, ["Anna", "Boris"], ["Rec"])))


@asynccontextmanager
async def process(folder: Path) -> AsyncIterator[Emulation]:
    """Patients of a process, over the socket that it shares with its supervisor."""
    patients = await to_thread.run_sync(partial(patients_of, ["Anna", "Boris"], ["Rec"]))
    environ = {"NOTIFY_SOCKET": str(folder / "notify")}
    async with accepting_supervisor_orders(ChildProcessPatients({"icu": patients}), environ):
        yield RemoteEmulation(partial(remote.send, "icu", place_in(folder)))


def build(folder: Path) -> tuple[Ward, Settings]:
    """Build a ward from its files."""
    (folder / "supervisor.toml").write_text(FILE)
    (folder / "rec.csv").write_text("HR,hours\n70,0\n71,9\n")
    settings = load(folder / "supervisor.toml", {})
    return build_ward(Shared(settings), Processes()), settings


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Ward, Settings]]:
    """A ward that runs in this process, with its settings."""
    built, settings = await to_thread.run_sync(build, folder)
    async with anyio.create_task_group() as group:
        await group.start(built.children.root.run)
        yield built, settings
        group.cancel_scope.cancel()


@asynccontextmanager
async def ward(folder: Path) -> AsyncIterator[Emulation]:
    """All patients of a ward."""
    async with running(folder) as (built, _):
        yield built


@asynccontextmanager
async def supervisor(folder: Path) -> AsyncIterator[Emulation]:
    """The same, over the control socket."""
    async with running(folder) as (built, settings), anyio.create_task_group() as group:
        await group.start(partial(serve, built, ORDERS, RecentRecords(), places(settings)))
        yield RemoteEmulation(partial(asking.send, settings))
        group.cancel_scope.cancel()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, for sockets."""
    with tempfile.TemporaryDirectory(prefix="icu-") as name:
        yield Path(name)


@pytest.fixture(params=[local, process, ward, supervisor], ids=lambda made: made.__name__)
async def emulation(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Emulation]:
    """Each implementation, with Anna, Boris and a recording."""
    make: Callable[[Path], AbstractAsyncContextManager[Emulation]] = request.param
    async with make(folder) as made:
        yield made


async def test_the_truth(emulation: Emulation) -> None:
    """The true state is that of the patient whose uuid was given."""
    for patient in (ANNA, BORIS):
        found = await emulation.truth(patient)
        assert (found.patient_uuid, found.scenario, found.phase) == (patient, "", "")
        assert (18 <= found.age <= 95, found.sex in {"female", "male"}) == (True, True)


async def test_a_scenario_begins(emulation: Emulation) -> None:
    """The answer holds the states before and after; the patient keeps the latter, and no other patient changes."""
    before, after = await emulation.change_scenario(ANNA, "sepsis-fast")
    assert (before.scenario, after.scenario, after.phase) == ("", "sepsis-fast", "chills")
    assert (await emulation.truth(ANNA)).scenario == "sepsis-fast"
    before, after = await emulation.change_scenario(ANNA, "stable")
    assert (before.scenario, after.scenario) == ("sepsis-fast", "stable")
    assert {each.patient_uuid for each in (before, after)} == {ANNA}
    assert (await emulation.truth(BORIS)).scenario == ""


async def test_a_recording_has_no_truth(emulation: Emulation) -> None:
    """A recording is refused as a conflict, in the same words everywhere."""
    for attempt in (emulation.truth(REC), emulation.change_scenario(REC, "sepsis-fast")):
        with pytest.raises(IcuError, match=r"^Rec is a recording: what happened has happened") as caught:
            await attempt
        assert caught.value.kind is Kind.CONFLICT


async def test_an_unknown_scenario(emulation: Emulation) -> None:
    """An unknown name is refused with all that there are, and changes nothing."""
    await emulation.change_scenario(ANNA, "fever")
    with pytest.raises(IcuError, match="there is no scenario 'fewer': choose one of bradycardia, ") as caught:
        await emulation.change_scenario(ANNA, "fewer")
    assert caught.value.kind is Kind.UNKNOWN
    assert (await emulation.truth(ANNA)).scenario == "fever"
