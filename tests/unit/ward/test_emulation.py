"""Emulated patients of a ward by uuid: the child that has them is found, whether it runs or not."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from icu.bootstrap.children import build_ward
from icu.bootstrap.patients import ChildProcessPatients
from icu.bootstrap.shared import Shared
from icu.config.load import load
from icu.config.settings import Settings, Supervision
from icu.control.errors import NoAnswerError, NotEmulatedError
from icu.messages import uuid_of_name
from icu.patient.errors import RecordedPatientError
from icu.ward import asking, remote
from icu.ward.emulation import RemoteEmulation
from icu.ward.processes import Processes
from icu.ward.remote import accepting_supervisor_orders, place_in
from icu.ward.tree import Ward
from tests.unit.ward.test_orders import write
from tests.unit.ward.test_scenarios import FILE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """File of the ward."""
    write(tmp_path / "rec.csv", "patient,HR,hours\na,70,0\na,71,9\nb,70,0\nb,71,9\n")
    path = tmp_path / "supervisor.toml"
    write(path, FILE)
    return path


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, for a socket."""
    with tempfile.TemporaryDirectory(prefix="icu-") as name:
        yield Path(name)


@pytest.mark.parametrize("name", ["Bed 1", "Bed 2", "Many 1", "Many 30"])
async def test_each_child_and_place(ward: Ward, shared: Shared, name: str) -> None:
    """The scenario begins for this patient, wherever in whichever child."""
    await ward.change_scenario(uuid_of_name(name), "sepsis-fast")
    ill = [
        each.name
        for child, patients in shared.patients.items()
        for each in patients.identities
        if child != "rec" and patients.truth(each.uuid).scenario == "sepsis-fast"
    ]
    assert ill == [name]


async def test_a_child_that_does_not_run(ward: Ward) -> None:
    """The refusal says how to start it; its neighbours answer, and so does the child once it runs again."""
    await ward.stop("icu-1", "many")
    for child, name in (("icu-1", "Bed 1"), ("many", "Many 7")):
        why = rf"^{child} does not run \(stopped\): python -m icu start {child}$"
        with pytest.raises(NotEmulatedError, match=why):
            await ward.truth(uuid_of_name(name))
        with pytest.raises(NotEmulatedError, match=why):
            await ward.change_scenario(uuid_of_name(name), "fever")
    assert (await ward.truth(uuid_of_name("Bed 2"))).patient_uuid == uuid_of_name("Bed 2")
    await ward.start("icu-1")
    assert (await ward.change_scenario(uuid_of_name("Bed 1"), "fever"))[1].scenario == "fever"


async def test_a_patient_of_nobody(ward: Ward) -> None:
    """No child has the patient: another program's, or one of a bed that was taken away."""
    for name in ("Nobody", "Bed 3", "Many", "icu-1"):
        with pytest.raises(NotEmulatedError, match=f"no child of this ward emulates patient {uuid_of_name(name)}"):
            await ward.truth(uuid_of_name(name))
    await ward.changes.scale("icu", 1)
    with pytest.raises(NotEmulatedError, match="no child of this ward"):
        await ward.truth(uuid_of_name("Bed 2"))


async def test_the_patients_of_a_recording(ward: Ward) -> None:
    """Each patient of the file is refused as recorded; with the child down, so is the one that settings name."""
    for name in ("Rec/a", "Rec/b"):
        with pytest.raises(RecordedPatientError, match=f"{name} is a recording"):
            await ward.truth(uuid_of_name(name))
    await ward.stop("rec")
    with pytest.raises(RecordedPatientError, match="Rec is a recording"):
        await ward.change_scenario(uuid_of_name("Rec"), "fever")


async def test_a_process_that_does_not_run(tmp_path: Path) -> None:
    """The refusal of a process says how to start it."""
    text = '[transport]\nkind = "kafka"\n[[child]]\nrole = "patient"\nprocess = true\nname = "A"\npatients = 3\n'
    write(tmp_path / "supervisor.toml", text)
    ward = await to_thread.run_sync(lambda: build_ward(Shared(load(tmp_path / "supervisor.toml", {})), Processes()))
    with pytest.raises(NotEmulatedError, match="bed-1 does not run"):
        await ward.truth(uuid_of_name("A 3"))


async def test_a_process_that_ends(folder: Path) -> None:
    """A process whose emulator has ended is asked again later; nobody calls the patient unknown."""
    patients = RemoteEmulation(partial(remote.send, "icu", place_in(folder)))
    async with accepting_supervisor_orders(ChildProcessPatients({}), {"NOTIFY_SOCKET": str(folder / "notify")}):
        with pytest.raises(Exception, match="is ending: ask again in a moment") as caught:
            await patients.truth(uuid_of_name("A"))
    assert getattr(caught.value, "kind", None) is NoAnswerError.kind
    with pytest.raises(NoAnswerError, match="icu ended before it had answered"):
        await patients.truth(uuid_of_name("A"))


async def test_no_supervisor(folder: Path) -> None:
    """Without a supervisor nobody is emulated; a socket that a dead one has left behind is none."""
    settings = Settings(supervisor=Supervision(socket=folder / "icu.sock"))
    patients = RemoteEmulation(partial(asking.send, settings))
    for left_behind in (False, True):
        if left_behind:
            async with await anyio.create_unix_listener(folder / "icu.sock"):
                pass
        with pytest.raises(NotEmulatedError, match="no supervisor runs on this database here"):
            await patients.change_scenario(uuid_of_name("A"), "fever")


def test_the_deadline_of_the_monitor() -> None:
    """It lies behind the one of the supervisor for its child: the answer can say which child is silent."""
    assert asking.FORWARDED_DEADLINE > remote.ANSWER_DEADLINE
