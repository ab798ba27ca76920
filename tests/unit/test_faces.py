"""Public names of rooms, and modules that they do not load."""

import subprocess
import sys

import pytest

import icu.supervisor
import icu.transports
from icu.supervisor import ChildSpec, Strategy, Supervisor
from icu.supervisor.spec import ChildSpec as Spec
from icu.supervisor.tree import Supervisor as Tree
from icu.transports import Transport
from icu.transports.base import Transport as Protocol


def loaded(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after this code."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_the_names_of_a_library_are_imported_from_it() -> None:
    """Public names are imported from the room, not from its files."""
    assert (Supervisor, ChildSpec, Transport) == (Tree, Spec, Protocol)
    assert Strategy.ONE_FOR_ONE == "one_for_one"


@pytest.mark.parametrize("room", [icu.supervisor, icu.transports], ids=lambda room: room.__name__)
def test_every_name_is_there(room: object) -> None:
    """Every name of `__all__` exists, for `from ... import *` and editors."""
    names = room.__all__
    assert len(names) > 5
    assert all(getattr(room, name) is not None for name in names)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = room.Nothing


def test_a_face_loads_nothing_heavy() -> None:
    """A room's names load neither anyio nor aiokafka, so that help and mistakes appear at once."""
    assert "anyio" not in loaded("import icu.supervisor.view, icu.cli.main")
    assert not {"aiokafka", "icu.transports.memory"} & loaded("import icu.transports")
