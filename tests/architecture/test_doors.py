"""Contracts of imports: a new room may not use protected rooms or packages until a contract names it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
DOORS = {each["name"]: each["protected_modules"] for each in CONTRACTS if each["type"] == "protected"}
ABOVE_ALL = '"__main__",\n'


def broken(tree: Path) -> set[str]:
    """Return the names of the contracts that a tree breaks, as the import linter prints them."""
    linter = Path(sys.executable).with_name("lint-imports")
    wide = {**os.environ, "COLUMNS": "500"}
    done = subprocess.run([linter, "--no-cache"], check=False, cwd=tree, env=wide, capture_output=True, text=True)
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return set(re.findall(r"^(.*) BROKEN", done.stdout, re.MULTILINE))


def plant(tree: Path, imports: str) -> None:
    """Copy the project, with one more room on its highest layer."""
    shutil.copytree(ROOT / "icu", tree / "icu", ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "icu" / "planted.py").write_text(imports)
    settings = (ROOT / "pyproject.toml").read_text()
    assert settings.count(ABOVE_ALL) == 1
    (tree / "pyproject.toml").write_text(settings.replace(ABOVE_ALL, f'{ABOVE_ALL}"planted",\n'))


def test_a_new_room_is_shut_out_until_it_is_named(tmp_path: Path) -> None:
    """A room that imports protected packages breaks the contract of each, although the layers name it."""
    modules = sorted({module for protected in DOORS.values() for module in protected})
    plant(tmp_path, "".join(f"import {module}\n" for module in modules))
    assert broken(tmp_path) == set(DOORS)


def test_a_new_room_that_goes_through_no_door_is_welcome(tmp_path: Path) -> None:
    """A new room may import what is below all stages."""
    plant(tmp_path, "import icu.bounds\nimport icu.config.settings\nimport icu.errors\nimport icu.vitals.signs\n")
    assert broken(tmp_path) == set()


def test_packages_for_one_purpose_have_a_door() -> None:
    """Each package that serves one room alone may be imported there only."""
    assert {
        "aiokafka",
        "sqlalchemy",
        "alembic",
        "aiosqlite",
        "sqlite3",
        "uvicorn",
        "litestar",
        "numpy",
        "tenacity",
    } <= {module for protected in DOORS.values() for module in protected}
