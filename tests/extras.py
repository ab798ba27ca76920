"""Packages of the optional extras, which a test can do without, and the gate cannot."""

import os
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
    """The package. Without it the module that asks is skipped, or fails where ICU_TEST_REQUIRE_EXTRAS is set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if os.environ.get("ICU_TEST_REQUIRE_EXTRAS"):
            return import_module(name)
        return pytest.importorskip(name, reason=f"the optional package {name} is not installed")
