"""Orders to a ward that runs: by pattern, by count, and by a file that has changed."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio.abc import TaskStatus
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.bootstrap.roles import ROLES
from icu.config.errors import ConfigurationError
from icu.config.settings import PatientChild
from icu.control.errors import PartlyDoneError, UnknownChildError
from icu.http.errors import AddressInUseError
from icu.supervisor.errors import SupervisionError
from icu.supervisor.spec import ChildSpec
from icu.supervisor.view import ChildState
from icu.ward.changes import Change
from icu.ward.events import ChildFigures, Restarts
from icu.ward.tree import Ward

FILE = """
[[child]]
role = "patient"
id = "anna"
name = "Anna"
[[child]]
role = "patient"
id = "icu"
name = "Bed"
count = 3
"""
ANOTHER = '[[child]]\nrole = "patient"\nid = "boris"\nname = "Boris"\n'
ALL = ["anna", "icu-1", "icu-2", "icu-3"]


def write(path: Path, text: str | None) -> None:
    """Change the file; None deletes it."""
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """File of the ward."""
    path = tmp_path / "supervisor.toml"
    write(path, FILE)
    return path


class Idle:
    """Actor that does nothing."""

    async def __call__(self, *, task_status: TaskStatus[None]) -> None:
        task_status.started()
        await anyio.sleep_forever()


def states(ward: Ward) -> dict[str, ChildState]:
    """States by child; one that has just started counts as running."""
    return {
        each.id: ChildState.RUNNING if each.state is ChildState.STARTING else each.state
        for each in ward.children.leaves()
    }


def up(ward: Ward) -> list[str]:
    """Ids of running children."""
    return [name for name, state in states(ward).items() if state is ChildState.RUNNING]


async def test_patterns(ward: Ward) -> None:
    """Ids, wildcards, several of them, each child once and in its order; a supervisor stands for its children."""
    for patterns, ids in [
        ((), ALL),
        (("*",), ALL),
        (("beds",), ALL),
        (("icu-?", "anna"), ALL),
        (("icu-[12]",), ["icu-1", "icu-2"]),
        (("anna", "anna"), ["anna"]),
    ]:
        assert [child.id for child in ward.matching(patterns)] == ids
    for patterns in (("bob",), ("anna", "bob-*"), ("ICU-1",), ("",)):
        with pytest.raises(UnknownChildError):
            ward.matching(patterns)


async def test_stop_and_start(ward: Ward) -> None:
    """A stopped child stays stopped; an order with an unknown id does nothing."""
    assert await ward.stop("icu-*") == dict.fromkeys(ALL[1:])
    assert up(ward) == ["anna"]
    with pytest.raises(UnknownChildError):
        await ward.start("icu-1", "icu-9")
    assert up(ward) == ["anna"]
    assert await ward.start("icu-2", "anna") == {"anna": None, "icu-2": None}
    assert up(ward) == ["anna", "icu-2"]
    assert await ward.restart("anna") == {"anna": None}


async def test_scale(ward: Ward) -> None:
    """A group grows, shrinks, vanishes and comes back; the remaining children run on."""
    await anyio.sleep(0.05)
    assert await ward.changes.scale("icu", 5) == Change("started: icu-4, icu-5", ["icu-4", "icu-5"])
    assert up(ward) == [*ALL, "icu-4", "icu-5"]
    assert min(each.uptime for each in ward.matching(ALL)) >= 0.05
    assert (await ward.changes.scale("icu", 1)).what == "stopped: icu-2, icu-3, icu-4, icu-5"
    assert (await ward.changes.scale("icu", 0)).what == "stopped: icu-1"
    assert (await ward.changes.scale("icu", 2)).what == "started: icu-1, icu-2"
    assert (await ward.changes.scale("icu", 2)).what == "nothing changed"
    assert up(ward) == ["anna", "icu-1", "icu-2"]


async def test_figures_are_of_the_children_that_there_are(ward: Ward, path: Path) -> None:
    """Children have metrics from the start until they are scaled away or left out of the file."""
    registry = CollectorRegistry()
    registry.register(ChildFigures(ward.children.view, Restarts()))

    def restarts() -> dict[str, float]:
        [found] = (each for each in registry.collect() if each.name == "icu_child_restarts")
        return {each.labels["child"]: each.value for each in found.samples}

    assert restarts() == dict.fromkeys(["beds", *ALL], 0)
    await ward.changes.scale("icu", 1)
    assert restarts() == dict.fromkeys(["beds", "anna", "icu-1"], 0)
    write(path, ANOTHER)
    await ward.changes.reload()
    assert restarts() == dict.fromkeys(["beds", "boris"], 0)


async def test_patients_who_are_removed_are_named(ward: Ward, path: Path) -> None:
    """The log names those whom no child has any more, by reload and by scaling, and how to discharge them."""
    lines: list[str] = []
    logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    write(path, FILE.replace('name = "Anna"', 'name = "Eva"').replace('"icu"', '"ward"'))
    await ward.changes.reload()
    [line] = lines
    assert line.startswith("removed patients keep their beds") and ": Anna. " in line
    assert line.endswith("python -m icu patients discharge NAME")
    await ward.changes.scale("ward", 1)
    assert ": Bed 2, Bed 3. " in lines[1]
    await ward.changes.scale("ward", 14)
    assert len(lines) == 2
    await ward.changes.scale("ward", 1)
    assert "Bed 10, Bed 11 and 3 more. " in lines[2]


async def test_refusals_to_scale(ward: Ward, path: Path) -> None:
    """Refused: a single child, all patients, one of a group, an unknown one, and a count at which ids would collide."""
    remedy = "and only such a one can be scaled: scale icu"
    for name in ("anna", "icu-1"):
        with pytest.raises(ConfigurationError, match=f"{name} is no child with a `count`, {remedy}"):
            await ward.changes.scale(name, 2)
    with pytest.raises(ConfigurationError, match=f"beds means all patients, and is no child with a `count`, {remedy}"):
        await ward.changes.scale("beds", 2)
    with pytest.raises(UnknownChildError):
        await ward.changes.scale("icu-9", 2)
    write(path, FILE + '[[child]]\nrole = "patient"\nid = "icu-5"\nname = "Eve"\n')
    assert (await ward.changes.reload()).what == "started: icu-5"
    with pytest.raises(ConfigurationError, match="a second child has the id 'icu-5'"):
        await ward.changes.scale("icu", 5)
    assert up(ward) == [*ALL, "icu-5"]


async def test_a_changed_file(ward: Ward, path: Path) -> None:
    """A reload changes only the children that differ; other settings wait, and are named."""
    await ward.stop("icu-3")
    await anyio.sleep(0.05)
    assert (await ward.changes.reload()).what == "nothing changed"
    changed = FILE.replace('name = "Anna"', 'name = "Anna"\nseed = 7').replace("count = 3", "count = 3\ninterval = 5")
    write(path, "metrics_interval = 1\n" + FILE.replace('name = "Anna"', 'name = "Anna"\nseed = 7') + ANOTHER)
    summary = (await ward.changes.reload()).what
    assert summary == "started: boris; changed: anna; not applied until the next start: metrics_interval"
    assert states(ward)["icu-3"] is ChildState.STOPPED
    uptimes = {each.id: each.uptime for each in ward.children.leaves()}
    assert uptimes["icu-1"] >= 0.05 > uptimes["anna"]
    write(path, changed)
    assert (await ward.changes.reload()).what == "stopped: boris; changed: icu-1, icu-2, icu-3"
    assert sorted(up(ward)) == ALL


async def test_a_changed_child_keeps_its_place(ward: Ward, path: Path) -> None:
    """The order in which children stop is the file's: a sink that moved behind the beds would stop before them."""
    before = [each.id for each in ward.children.leaves()]
    write(path, FILE.replace('name = "Anna"', 'name = "Anna"\nseed = 7'))
    assert (await ward.changes.reload()).what == "changed: anna"
    assert [each.id for each in ward.children.leaves()] == before


async def test_the_order_of_the_file(ward: Ward, path: Path) -> None:
    """Children take the order of the file, old and new ones, without a restart."""
    await anyio.sleep(0.05)
    first, second = FILE.split("\n[[child]]")[1:]
    swapped = f"[[child]]{second}\n[[child]]{first}\n"
    write(path, swapped)
    assert (await ward.changes.reload()).what == "now in the order: icu-1, icu-2, icu-3, anna"
    assert up(ward) == ["icu-1", "icu-2", "icu-3", "anna"]
    write(path, ANOTHER + swapped)
    assert (await ward.changes.reload()).what == "started: boris"
    assert up(ward) == ["boris", "icu-1", "icu-2", "icu-3", "anna"]
    await ward.changes.scale("icu", 0)
    await ward.changes.scale("icu", 1)
    assert up(ward) == ["boris", "icu-1", "anna"]
    assert ward.matching(["anna"])[0].uptime >= 0.05


async def test_the_order_of_all(ward: Ward, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new first child is the last to stop; the patients' supervisor is in the place of the first patient."""
    for kind, role in list(ROLES.items()):
        monkeypatch.setitem(ROLES, kind, replace(role, actor=lambda *_: Idle()))
    write(path, '[[child]]\nrole = "sink"\n' + FILE + '[[child]]\nrole = "monitor"\n')
    assert (await ward.changes.reload()).what == "started: sink, monitor"
    assert [each.id for each in ward.children.view()] == ["sink", "beds", "monitor"]


BAD: dict[str, str] = {
    "no TOML": FILE + "[[child",
    "nothing": "",
    "no children": "debug = true\n",
    "an unknown key": FILE + "colour = 1\n",
    "the same patient twice": FILE + '[[child]]\nrole = "patient"\nid = "x"\nname = "Anna"\n',
    "the same id twice": FILE + '[[child]]\nrole = "patient"\nid = "icu-2"\nname = "X"\n',
    "an id that is taken": ANOTHER.replace("boris", "beds"),
    "a port twice": ANOTHER + 'port = 8453\n[[child]]\nrole = "monitor"\nport = 8453\n',
    "a process in memory": ANOTHER + "process = true\n",
    "a control character in a name": ANOTHER.replace("Boris", "\\u001b[2J"),
    "a recording that there is not": ANOTHER + 'recording = "no.csv"\n',
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
async def test_a_bad_file_changes_nothing(ward: Ward, path: Path, text: str) -> None:
    """A mistake is raised, and the children run on; the corrected file is applied."""
    await anyio.sleep(0.02)
    write(path, text)
    with pytest.raises(ConfigurationError):
        await ward.changes.reload()
    assert min(each.uptime for each in ward.matching(ALL)) >= 0.02
    write(path, FILE + ANOTHER)
    assert (await ward.changes.reload()).what == "started: boris"


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patients are critical, and share their work."""
    role = ROLES[PatientChild]
    monkeypatch.setitem(ROLES, PatientChild, replace(role, actor=lambda *_: Idle(), critical=True, is_shared=True))


@pytest.mark.usefixtures("kinds")
async def test_children_that_share_their_work(ward: Ward) -> None:
    """The ward is ready while one of them runs, and the others that are down are named."""

    async def found() -> tuple[str | None, str | None]:
        return await ward.children.unready(), await ward.children.replaced()

    with anyio.fail_after(10):
        while await found() != (None, None):
            await anyio.sleep(0.01)
    await ward.stop("icu-*")
    down = "icu-1 is stopped, icu-2 is stopped, icu-3 is stopped"
    assert await found() == (None, f"{down}: others do its work")
    await ward.stop("anna")
    assert await found() == (f"anna is stopped, {down}", None)


async def test_a_child_that_cannot_be_added(ward: Ward, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are changed; error and readiness name the failed child, and the next reload tries again."""

    async def refuse(spec: ChildSpec) -> None:
        raise AddressInUseError("127.0.0.1", 8453)

    write(path, FILE.replace("count = 3", "count = 2") + '[[child]]\nrole = "monitor"\ncritical = true\nport = 8453\n')
    with monkeypatch.context() as patch:
        patch.setattr(ward.children.root, "add_child", refuse)
        with pytest.raises(PartlyDoneError, match=r"\Astopped: icu-3; but monitor: port 8453 on") as caught:
            await ward.changes.reload()
        assert caught.value.exit_code == 3
        assert await ward.children.unready() == "monitor is missing"
    assert up(ward) == ["anna", "icu-1", "icu-2"]
    added: list[str] = []

    async def accept(spec: ChildSpec) -> None:
        added.append(spec.id)

    monkeypatch.setattr(ward.children.root, "add_child", accept)
    assert (await ward.changes.reload()).what == "started: monitor"
    assert added == ["monitor"]


async def test_a_deleted_file(ward: Ward, path: Path) -> None:
    """A deleted file changes nothing."""
    write(path, None)
    with pytest.raises(ConfigurationError, match="there is no file"):
        await ward.changes.reload()
    assert up(ward) == ALL


async def test_recordings_are_read_off_the_loop(ward: Ward, path: Path) -> None:
    """A reload with a new recording reads a file (here a blocking call on the loop is an error)."""
    write(path.parent / "x.csv", "HR,SBP\n70,120\n")
    write(path, FILE + ANOTHER + 'recording = "x.csv"\n')
    assert (await ward.changes.reload()).what == "started: boris"


async def test_two_changes_at_once(ward: Ward) -> None:
    """Changes wait for each other."""
    async with anyio.create_task_group() as group:
        for count in (6, 2, 5, 1, 4):
            group.start_soon(ward.changes.scale, "icu", count)
    assert up(ward) == [*ALL, "icu-4"]


async def test_before_the_patients_turn(still: Ward, path: Path) -> None:
    """Orders to patients are refused while their supervisor does not run; nothing is half done."""
    assert await still.start("anna") == {"anna": "its supervisor, beds, is pending: ask again when it runs"}
    with pytest.raises(SupervisionError, match="beds, is pending"):
        await still.changes.scale("icu", 1)
    assert [child.id for child in still.children.leaves()] == ALL
