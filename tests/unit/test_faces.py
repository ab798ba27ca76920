"""What rooms export under their own name, and what they do not load for it."""

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
    """What a fresh interpreter has loaded behind this code."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_the_names_of_a_library_are_imported_from_it() -> None:
    """Nobody has to know in which file they stand."""
    assert (Supervisor, ChildSpec, Transport) == (Tree, Spec, Protocol)
    assert Strategy.ONE_FOR_ONE == "one_for_one"


@pytest.mark.parametrize("room", [icu.supervisor, icu.transports], ids=lambda room: room.__name__)
def test_every_name_is_there(room: object) -> None:
    """`from ... import *` and completion in an editor go by this list."""
    names = room.__all__
    assert len(names) > 5
    assert all(getattr(room, name) is not None for name in names)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = room.Nothing


def test_a_face_loads_nothing_heavy() -> None:
    """Help and mistakes on the command line wait neither for anyio nor for aiokafka."""
    assert "anyio" not in loaded("import icu.supervisor.view, icu.cli.main")
    assert not {"aiokafka", "icu.transports.memory"} & loaded("import icu.transports")
