"""Optional packages and programs: a test without them is skipped, except in the full check."""

import os
import shutil
import warnings
from importlib import import_module
from types import ModuleType

import pytest

QUIET = [
    # What the libraries owe to pandas, and to a file that they leave to the garbage collector.
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]


def extra(name: str) -> ModuleType:
    """Import a package. Without it the module is skipped, or fails where ICU_TEST_REQUIRE_EXTRAS is set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if os.environ.get("ICU_TEST_REQUIRE_EXTRAS"):
            return import_module(name)
        return pytest.importorskip(name, reason=f"the optional package {name} is not installed")


def program(name: str) -> str:
    """Return the path of a program. Without it the test is skipped, or fails where ICU_TEST_REQUIRE_EXTRAS is set."""
    # Debian keeps servers where only root looks.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is None:
        missing = pytest.fail if os.environ.get("ICU_TEST_REQUIRE_EXTRAS") else pytest.skip
        missing(f"the program {name} is not installed")
    return found


def node(name: str) -> str:
    """Return the path of node or npm. Without it the test is skipped, or fails where ICU_TEST_REQUIRE_NODE is set."""
    found = shutil.which(name)
    if found is None:
        missing = pytest.fail if os.environ.get("ICU_TEST_REQUIRE_NODE") else pytest.skip
        missing(f"the program {name} is not installed: Node.js 18 or newer has it")
    return found
