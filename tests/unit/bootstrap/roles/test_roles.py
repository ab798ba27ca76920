"""Table of roles: one for each kind of child, in a file of its own; a process loads its own role alone."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from icu.bootstrap import roles
from icu.bootstrap.roles import ROLES
from icu.bootstrap.roles.base import Role
from icu.config.settings import AnyChild

KINDS = {str(each.__struct_config__.tag): each for each in get_args(AnyChild)}
FOLDER = Path(roles.__file__).parent
BUILD = """
import sys
from icu.bootstrap import alone
from icu.bootstrap.roles import ROLES
from icu.bootstrap.shared import Shared
from icu.config.settings import *
child = {child}
database = Database("sqlite:///{folder}/icu.db")
shared = Shared(Settings(child=(child,), database=database, transport=Transport(kind="kafka")))
ROLES[type(child)].actor(child, shared)
if isinstance(child, MonitorChild):  # which is built when it starts
    from icu.bootstrap.roles.monitor import app
    app(shared, child.host)
print(*{{name.split(".")[1] for name in sys.modules if name.startswith("icu.")}})
"""


def test_each_kind_of_child_has_a_role() -> None:
    """A kind of child without a role would fail with a KeyError when it is configured."""
    assert {kind: role.settings for kind, role in ROLES.items()} == {kind: kind for kind in KINDS.values()}


def test_a_role_has_a_file_of_its_own() -> None:
    """A role's file is named after it, and holds one value of the same name in capitals."""
    files = {path.stem: path for path in FOLDER.glob("*.py")}
    assert files.keys() == {"__init__", "base", *KINDS}
    for name, kind in KINDS.items():
        module = getattr(roles, name)
        assert [each for each in vars(module).values() if isinstance(each, Role)] == [ROLES[kind]]
        assert getattr(module, name.upper()) is ROLES[kind]


def test_roles_are_told_apart_by_the_table_alone() -> None:
    """Tree and processes use the table: a new role needs no change there."""
    of_one_role = {"emulated", "patients", "overrides", "sinks"}
    asks = re.compile(r"isinstance\(child|match child|(Sink|Monitor|Upkeep|Patient)Child")
    files = [path for path in FOLDER.parent.glob("*.py") if path.stem not in of_one_role]
    assert len(files) > 10
    assert not [path.name for path in files if asks.search(path.read_text())]


@pytest.mark.parametrize(
    ("child", "spared"),
    [
        ('SinkChild(id="sink")', {"patient", "monitor"}),
        ('MonitorChild(id="monitor")', {"patient", "sink"}),
        ('UpkeepChild(id="upkeep")', {"patient", "monitor", "sink"}),
        ('PatientChild(id="bed-1", name="Anna")', {"sink", "monitor", "store"}),
    ],
)
def test_a_process_pays_for_its_role_alone(tmp_path: Path, child: str, spared: set[str]) -> None:
    """A process does not load the rooms of other roles."""
    command = [sys.executable, "-c", BUILD.format(child=child, folder=tmp_path)]
    done = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert {"sink", "monitor", "upkeep", "patient", "store"} & loaded
    assert not spared & loaded
