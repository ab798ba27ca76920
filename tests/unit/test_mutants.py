"""The table of mutants fits the code, and a mutant that survives its tests is found."""

import ast
from pathlib import Path

import pytest

from tests.mutants import ROOT, Mutant, load, planted, verdict

MUTANTS = load()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_can_still_be_planted(mutant: Mutant) -> None:
    """Each mutant's text occurs exactly once, its change is valid where it is Python, and its tests exist."""
    source = planted(mutant, ROOT)
    assert source is not None
    meaning = _python if mutant.file.endswith(".py") else str
    assert meaning(source) != meaning((ROOT / mutant.file).read_text("utf-8"))
    assert mutant.tests
    for test in mutant.tests:
        file, *names = test.split("::")
        assert all(f" {name.partition('[')[0]}" in (ROOT / file).read_text("utf-8") for name in names)


def _python(source: str) -> str:
    return ast.dump(ast.parse(source))


def test_names_are_told_apart() -> None:
    """`--only` selects one mutant by its name."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.fixture
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable pytest's plugins, which load for longer than all else takes, except for that of `-n0`."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")


@pytest.mark.usefixtures("no_plugins")
@pytest.mark.parametrize(
    ("text", "mutated", "timeout", "said"),
    [
        ("return 1", "return 2", 60, "killed"),
        ("return 1", "return True", 60, "survives"),
        ("return 1", "while True: pass", 1, "killed: it hangs"),
        ("return 1", "return (", 60, "its tests do not run"),
        ("return 3", "return 1", 60, "its text is not found"),
    ],
)
def test_a_mutant_is_judged_by_its_tests(tmp_path: Path, text: str, mutated: str, timeout: float, said: str) -> None:
    """A test that fails or hangs kills a mutant, one that cannot run does not; the tree is restored."""
    source = "def one():\n    return 1\n"
    (tmp_path / "code.py").write_text(source)
    (tmp_path / "test_it.py").write_text("from code import one\n\n\ndef test_one():\n    assert one() == 1\n")
    mutant = Mutant("it", "Something.", "code.py", text, mutated, ["test_it.py"])
    assert verdict(mutant, tmp_path, timeout=timeout) == said
    assert (tmp_path / "code.py").read_text() == source
