"""A real ward, and pages of it in a real Chromium.

The playwright that a test uses ends with its file: while one runs, no test of the same worker could run an event loop.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.browser.accessibility import Violations, violations
from tests.browser.chromium import open_browser
from tests.browser.screens import DESKTOP, Look, Screen, open_screen
from tests.browser.wards import WARD, BrowsedWard, start_ward
from tests.conftest import Spawn
from tests.processes import running
