"""The logic of the page, tested where it runs: in JavaScript, by Node's own runner."""

import subprocess
from pathlib import Path

import pytest

from tests.extras import node

TESTS = sorted((Path(__file__).parents[2] / "web").glob("**/*.test.mjs"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.removesuffix(".test.mjs"))
def test_logic_of_the_page(path: Path) -> None:
    """All tests of one file in tests/web pass."""
    # Versions of Node.js differ in what they make of a folder, and not in what of a file.
    done = subprocess.run([node("node"), "--test", path], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
