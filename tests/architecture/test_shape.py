"""The code stays readable: small files, small functions, plain names, and no local paths."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "icu").rglob("*.py"))

LONGEST_FILE = 320
LONGEST_FUNCTION = 40
FORBIDDEN = {"utils", "util", "helpers", "common", "core", "lib", "misc"}


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Find every function of the product, except for migrations, which are lists of tables."""
    for path in [each for each in FILES if each.parent.name != "versions"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def lines_of_code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines from the first statement behind the docstring to the end."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_small_and_say_what_they_are(path: Path) -> None:
    """Each file begins with a docstring, and is short enough for one idea."""
    text = path.read_text()
    docstring = ast.get_docstring(ast.parse(text)) or ""
    assert len(text.splitlines()) - len(docstring.splitlines()) <= LONGEST_FILE
    assert not text or docstring


def test_functions_are_small() -> None:
    """Nine of ten functions fit in 25 lines, and none is longer than a screen."""
    lengths = sorted(lines_of_code(node) for _, node in functions())
    assert lengths[len(lengths) * 9 // 10] <= 25
    too_long = [f"{path.name}:{node.name}" for path, node in functions() if lines_of_code(node) > LONGEST_FUNCTION]
    assert not too_long


def test_the_ward_knows_no_roles() -> None:
    """The ward imports no role, so that a new role changes nothing there."""
    roles = re.compile("(Sink|Monitor|Upkeep|Patient)Child")
    ward = [path for path in FILES if path.parent.name == "ward"]
    assert len(ward) > 5
    assert not [path.name for path in ward if roles.search(path.read_text())]


def test_no_drawer_for_everything() -> None:
    """No module is called utils or the like: a module is named for its purpose."""
    assert not [path for path in FILES if path.stem in FORBIDDEN or path.parent.name in FORBIDDEN]


def test_files_speak_of_the_project_alone() -> None:
    """No file names a path of one machine, the host of a package registry, or a page that asks for money."""
    folders = [ROOT / name for name in ("icu", "config", "tests", "docs", "scripts", ".ci")]
    all_files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    files = [path for path in all_files if path.suffix not in {".pyc", ".png"}]
    files += [path for path in ROOT.glob("*") if path.suffix in {".md", ".toml", ".yaml"}]
    foreign = re.compile(r"/(?:home|root|work|Users)/\w|index-url|pythonhosted|pypi\.|npmjs\.|.(?:resolved|funding).:")
    assert len(files) > 100
    assert not [path for path in files if path != Path(__file__) and foreign.search(path.read_text("utf-8"))]
