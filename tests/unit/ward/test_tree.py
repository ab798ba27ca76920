"""Tree of the ward: its supervisors, process children, and refused orders."""

from dataclasses import replace
from pathlib import Path

import pytest

from icu.bootstrap.children import build_ward
from icu.bootstrap.roles import ROLES
from icu.bootstrap.roles.sink import SINK
from icu.bootstrap.shared import Shared
from icu.config.errors import ConfigurationError
from icu.config.load import load
from icu.config.settings import Settings, SinkChild
from icu.control.errors import UnknownChildError
from icu.ward.processes import Processes
from icu.ward.tree import Ward

WARD = """
[[child]]
role = "sink"
[[child]]
role = "monitor"
[[child]]
role = "patient"
name = "Anna"
[[child]]
role = "patient"
id = "icu"
name = "Bed"
count = 3
"""


def loaded(folder: Path, text: str) -> Settings:
    """The settings of a file with this text."""
    path = folder / "supervisor.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {})


def test_patients_have_a_supervisor_of_their_own(tmp_path: Path) -> None:
    """The patients' supervisor is in the place of the first patient: children before it start first and stop last."""
    ward = build_ward(Shared(loaded(tmp_path, WARD)), Processes())
    assert [each.id for each in ward.children.view()] == ["sink", "monitor", "beds"]
    assert [each.id for each in ward.children.leaves()] == ["sink", "monitor", "bed-1", "icu-1", "icu-2", "icu-3"]


@pytest.mark.parametrize("role", ['role = "sink"', 'role = "patient"\nname = "X"'])
def test_a_process_needs_kafka(tmp_path: Path, role: str) -> None:
    """Nothing in memory reaches another process; a monitor reads the database alone."""
    with pytest.raises(ConfigurationError, match=r'(sink|bed-1): .*in-memory.*kind = "kafka"'):
        build_ward(Shared(loaded(tmp_path, f"[[child]]\n{role}\nprocess = true\n")), Processes())
    build_ward(Shared(loaded(tmp_path, '[[child]]\nrole = "monitor"\nprocess = true\n')), Processes())


async def test_giving_up_calls_back_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """`on_giving_up` is called before any child is stopped, for one may refuse to stop."""

    async def broken(*, task_status: object) -> None:
        raise TypeError

    shared = Shared(Settings(child=(SinkChild(id="sink"),)))
    monkeypatch.setitem(ROLES, SinkChild, replace(SINK, actor=lambda *_: broken))
    states_then: list[list[str]] = []
    ward = build_ward(
        shared,
        Processes(),
        on_giving_up=lambda: states_then.append([str(each.state) for each in ward.children.leaves()]),
    )
    with pytest.raises(TypeError):
        await ward.children.root.run()
    assert states_then == [["failed"]]


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    """A ward that does not run."""
    return build_ward(Shared(loaded(tmp_path, WARD)), Processes())


async def test_orders_for_nobody_are_refused_with_a_suggestion(ward: Ward) -> None:
    """A mistyped id gets a suggestion."""
    for order in (ward.start, ward.stop, ward.restart):
        with pytest.raises(UnknownChildError, match="no child is called monitr: did you mean monitor"):
            await order("monitr")
    with pytest.raises(ConfigurationError, match=r"sink is no child with a `count`.*: scale icu"):
        await ward.changes.scale("sink", 1)
