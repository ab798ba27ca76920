"""The wheel: what the page needs is in it, with npm and without, and nothing of what only we need."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.extras import node

ROOT = Path(__file__).parents[2]
PAGE = "icu/monitor/web/"
UPLOT = {f"{PAGE}vendor/{name}" for name in ("uPlot.esm.js", "uPlot.min.css", "LICENSE")}

TOOLS = {f"{PAGE}{name}" for name in ("package.json", "package-lock.json", ".npmrc", "tsconfig.json")}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what wheels are built from, without anything of an earlier build."""
    tree = tmp_path / "tree"
    for name in ("icu", "config", "scripts"):
        made = shutil.ignore_patterns("__pycache__", "vendor", "types", "node_modules")
        shutil.copytree(ROOT / name, tree / name, ignore=made)
    for name in ("pyproject.toml", ".gitignore", "README.md", "LICENSE", "supervisor.toml"):
        shutil.copy(ROOT / name, tree)
    return tree


def build(tree: Path, **environ: str) -> tuple[int, str, set[str]]:
    """Build the wheel: the exit code, all that is printed, and the names of its files."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"]
    usual = {name: value for name, value in os.environ.items() if name != "ICU_NO_NPM"}
    done = subprocess.run(
        command, check=False, cwd=tree, env={**usual, **environ}, capture_output=True, text=True, errors="replace"
    )
    names = {name for wheel in (tree / "out").glob("*.whl") for name in zipfile.ZipFile(wheel).namelist()}
    return done.returncode, done.stdout + done.stderr, names


def build_with_npm(tree: Path) -> tuple[int, str, set[str]]:
    """Build the wheel where npm can bring packages; skip the test elsewhere, but not in the full check."""
    node("npm")
    built = build(tree)
    if "npm ended with" in built[1] and not os.environ.get("ICU_TEST_REQUIRE_NODE"):
        pytest.skip("npm cannot bring packages here")
    return built


def of_the_page(names: set[str]) -> set[str]:
    """Return the files of the page that are not its sources."""
    return {name for name in names if name.startswith((f"{PAGE}vendor/", f"{PAGE}types/")) or name in TOOLS}


def test_the_wheel_has_uplot_and_its_licence(tree: Path) -> None:
    """The wheel has the files of uPlot that the page loads, of the version in the lock; a second build brings none."""
    code, printed, names = build_with_npm(tree)
    assert (code, of_the_page(names)) == (0, UPLOT), printed
    again = build(tree, npm_config_registry="http://127.0.0.1:1")
    assert again == (0, printed, names)


def test_without_npm_the_wheel_has_no_uplot(tree: Path) -> None:
    """ICU_NO_NPM=1 builds without uPlot, in one line of warning, and without the files of an earlier build."""
    (tree / PAGE / "vendor").mkdir()
    (tree / PAGE / "vendor" / "uPlot.esm.js").touch()
    code, printed, names = build(tree, ICU_NO_NPM="1")
    assert (code, of_the_page(names)) == (0, set()), printed
    assert re.findall(r"^.*uPlot.*$", printed, re.MULTILINE) == [
        "icu is built without uPlot, its page draws with its own canvas: ICU_NO_NPM is set"
    ]


@pytest.mark.parametrize(
    ("reason", "environ"),
    [
        ("npm is not installed", {"PATH": ""}),
        ("npm ended with ENOTCACHED", {"npm_config_offline": "true"}),
        ("npm ended with ECONNREFUSED", {"npm_config_registry": "http://127.0.0.1:1"}),
    ],
)
def test_a_build_without_a_network_works_and_says_why(tree: Path, reason: str, environ: dict[str, str]) -> None:
    """Without npm, cache or network the wheel is whole but for uPlot, and a warning says the reason."""
    node("npm")
    code, printed, names = build(tree, npm_config_cache=str(tree / "cache"), **environ)
    assert (code, of_the_page(names)) == (0, set()), printed
    assert printed.count(f"draws with its own canvas: {reason}\n") == 1
    assert "icu/__main__.py" in names


def test_another_package_than_the_locks_ends_the_build(tree: Path) -> None:
    """A package whose hash is not the lock's is an error, and no wheel is made."""
    lock = tree / PAGE / "package-lock.json"
    text, count = re.subn(r'("node_modules/uplot": \{[^}]*"integrity": "sha512-)\w{4}', r"\1AAAA", lock.read_text())
    assert count == 1
    lock.write_text(text)
    code, printed, names = build_with_npm(tree)
    assert (code != 0, names) == (True, set())
    assert "npm refuses icu/monitor/web/package-lock.json" in printed
    assert "EINTEGRITY" in printed
