"""Tables that stand for many children or patients: `count` and `patients`."""

from pathlib import Path

import pytest

from icu.config.errors import ConfigurationError
from icu.config.groups import all_instances, names_of
from icu.config.load import load
from icu.config.settings import PatientChild

PATIENTS = '[[child]]\nrole = "patient"\nid = "ward"\nname = "Bed"\n'


def written(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "supervisor.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_count_writes_children_out(tmp_path: Path) -> None:
    """Ids, names and ports count up, everything else is alike."""
    settings = load(written(tmp_path, PATIENTS + "count = 3\nport = 8101\ninterval = 2\n"), {})
    children = all_instances(settings.child)
    assert [child.id for child in children] == ["ward-1", "ward-2", "ward-3"]
    assert [child.name for child in children if isinstance(child, PatientChild)] == ["Bed 1", "Bed 2", "Bed 3"]
    assert [child.port for child in children] == [8101, 8102, 8103]
    assert {child.count for child in children} == {None}
    assert {child.interval for child in children if isinstance(child, PatientChild)} == {2}


def test_one_child_may_carry_many_patients(tmp_path: Path) -> None:
    """Patients of one child have names, and so identities, of their own."""
    [child] = all_instances(load(written(tmp_path, PATIENTS + "patients = 1000\nport = 8101\n"), {}).child)
    assert isinstance(child, PatientChild)
    names = names_of(child)
    assert (names[0], names[-1], len(set(names))) == ("Bed 1", "Bed 1000", 1_000)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[child]]\nrole = "patient"\nname = "X"\ncount = 2\n', r":4: child\[0\]\.count: give the child an id"),
        (PATIENTS + "count = 0\n", r":5: child\[0\]\.count: write a whole number from 1 to 10000\Z"),
        (PATIENTS + 'count = 2\nuuid = "6f1c2e1e-5d5b-4c5b-9d55-0d1f3b0e6a11"\n', r":6: child\[0\]\.uuid: several"),
        (PATIENTS + 'count = 2\n[[child]]\nrole = "sink"\nid = "ward-2"\n', r"a second child has the id 'ward-2'"),
        (PATIENTS + 'count = 2\n[[child]]\nrole = "patient"\nname = "Bed 2"\n', r"the patient Bed 2 lies in 'ward-2'"),
        (PATIENTS + "count = 2\nport = 65535\n", r"child\[0\]\.port: ward-2 would have port 65536"),
        (
            PATIENTS + 'count = 2\nport = 8101\n[[child]]\nrole = "monitor"\nport = 8102\n',
            r"child\[1\]\.port: 8102 is the port of 'ward-2'",
        ),
    ],
)
def test_mistakes_in_groups(tmp_path: Path, text: str, why: str) -> None:
    """A mistake in a group names file, line and key, before anything is started."""
    with pytest.raises(ConfigurationError, match=why):
        load(written(tmp_path, text), {})
