"""`python -m tests.mutants [--only NAME]`: plants faults one at a time; for each, one of its tests must fail.

The faults, called mutants, are in tests/mutations, a file for each room: changes of the source text, so that SQL,
pragmas and orders of steps are within reach. They are planted in a copy of the tree. Ends with 1 where one survives.

mutmut finds many more by itself, in plain expressions of messages, sink, store and transports: `pip install mutmut`,
then `mutmut run --max-children 2 'icu.store.*'`, some ten minutes for a room, and `mutmut results`; its settings are in
pyproject.toml.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from tests.processes import running

ROOT: Final = Path(__file__).parents[1]
TABLES: Final = ROOT / "tests" / "mutations"
# Seconds for the tests of one mutant; without it they take a few. One that hangs would be noticed, so it is killed.
TIMEOUT: Final = 60.0

# pytest's exit code where tests ran and failed. Any other error is none of the mutant's: a test that is not found.
_FAILED: Final = 1

Verdict: TypeAlias = Literal["killed", "killed: it hangs", "survives", "its tests do not run", "its text is not found"]


class Mutant(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault: `text`, which occurs once in `file`, becomes `mutated`, and at least one of `tests` fails."""

    name: str
    # One sentence: what would go wrong for a user.
    harm: str
    file: str
    text: str
    mutated: str
    tests: list[str]


class _Table(Struct, forbid_unknown_fields=True):
    mutant: list[Mutant]


def load() -> list[Mutant]:
    """Load all mutants, by room."""
    tables = [msgspec.toml.decode(path.read_bytes(), type=_Table) for path in sorted(TABLES.glob("*.toml"))]
    return [mutant for table in tables for mutant in table.mutant]


def planted(mutant: Mutant, tree: Path) -> str | None:
    """Return the mutated source; None unless the text occurs exactly once."""
    source = (tree / mutant.file).read_text("utf-8")
    return source.replace(mutant.text, mutant.mutated) if source.count(mutant.text) == 1 else None


def verdict(mutant: Mutant, tree: Path, *, timeout: float = TIMEOUT) -> Verdict:
    """Plant a mutant in a tree, run its tests there, and remove it."""
    place, source = tree / mutant.file, planted(mutant, tree)
    if source is None:
        return "its text is not found"
    original = place.read_bytes()
    place.write_text(source, "utf-8")
    try:
        code = run(mutant.tests, tree, timeout=timeout)
    except subprocess.TimeoutExpired:
        return "killed: it hangs"
    finally:
        place.write_bytes(original)
    return {0: "survives", _FAILED: "killed"}.get(code, "its tests do not run")


def run(tests: Sequence[str], tree: Path, *, timeout: float | None) -> int:
    """Return the exit code of pytest, and end all that it started. TimeoutExpired after too long a time."""
    # Bytecode is told from its source by size and second, which a mutant may share with what it replaces.
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-n0", "-x", "--no-header", "--tb=no", *tests]
    with running(command, cwd=tree, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as pytest:
        return pytest.wait(timeout)


def copy_to(folder: Path) -> Path:
    """Copy the parts of this tree that the tests need."""
    tree = folder / "tree"
    for name in ("icu", "tests", "config"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("supervisor.toml", "pyproject.toml"):
        shutil.copy(ROOT / name, tree)
    return tree


def main() -> int:
    """Print a line for each mutant; 0 where each was killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--only", action="append", metavar="NAME", help="a mutant, or a pattern for some; repeatable")
    patterns = parser.parse_args().only or ["*"]
    mutants = [mutant for mutant in load() if any(fnmatch(mutant.name, pattern) for pattern in patterns)]
    if not mutants:
        parser.error(f"no such mutant: {', '.join(patterns)}")
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_to(Path(folder))
        if run(sorted({test for mutant in mutants for test in mutant.tests}), tree, timeout=None):
            print("the tests have to pass, and to be found, before anything is planted")
            return 1
        verdicts = [_told(mutant, tree) for mutant in mutants]
    alive = [each for each in verdicts if not each.startswith("killed")]
    print(f"{len(mutants)} mutants, {len(mutants) - len(alive)} killed")
    return 1 if alive else 0


def _told(mutant: Mutant, tree: Path) -> Verdict:
    said = verdict(mutant, tree)
    print(f"{said}: {mutant.name}" + ("" if said.startswith("killed") else f" ({mutant.harm})"), flush=True)
    return said


if __name__ == "__main__":
    sys.exit(main())
