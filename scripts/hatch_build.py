"""Build hook: brings uPlot, which draws the charts of the monitor's page, from npm into the package.

Without npm, without a network, or with ICU_NO_NPM=1 the package is built without uPlot: the page then draws on a small
canvas of its own.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What npm reads, in the folder of the page.
DESCRIPTION: Final = ("package.json", "package-lock.json", ".npmrc")
# What the browser asks for, and what its licence wants.
FILES: Final = ("dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE")
# Seconds until a network that does not answer counts as none.
TIMEOUT: Final = 60
COMMAND: Final = (
    "npm",
    "ci",
    "--ignore-scripts",
    "--omit=dev",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)
# Errors of npm that are mistakes here, or an attack, and no lack of a network: a file that is not the one of the lock,
# and a lock that does not fit package.json.
FATAL: Final = frozenset({"EINTEGRITY", "EUSAGE"})


class UnavailableError(Exception):
    """npm cannot bring the package; the message says why."""


class VendorHook(BuildHookInterface[Any]):
    """Keeps icu/monitor/web/vendor as the lock file says."""

    PLUGIN_NAME = "vendor"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the same for all versions
        """Make the folder before the files of the wheel are gathered, or remove it."""
        web = Path(self.root, "icu", "monitor", "web")
        try:
            vendor(web)
        except UnavailableError as exc:
            self.app.display_warning(f"icu is built without uPlot, its page draws with its own canvas: {exc}")


def vendor(web: Path) -> None:
    """Bring uPlot into the folder `vendor` of the page's folder, unless it is there from the same lock.

    Raises:
        UnavailableError: It cannot be had here; the folder is away then.
        RuntimeError: The lock is wrong, or the package is not the one that it names.
    """
    target = web / "vendor"
    stamp = target / ".lock"
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    if os.environ.get("ICU_NO_NPM") != "1" and stamp.exists() and stamp.read_text() == lock:
        return
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in DESCRIPTION:
            shutil.copy(web / name, folder)
        install(folder)
        target.mkdir()
        for name in FILES:
            shutil.copy(Path(folder, "node_modules", "uplot", name), target)
    stamp.write_text(lock)  # last: a folder without it is made again


def install(folder: str) -> None:
    """Run npm in a folder that has its description. Raises as `vendor` does."""
    if os.environ.get("ICU_NO_NPM") == "1":
        raise UnavailableError("ICU_NO_NPM is set")
    try:
        done = subprocess.run(COMMAND, check=False, cwd=folder, timeout=TIMEOUT, capture_output=True, text=True)
    except FileNotFoundError as exc:
        raise UnavailableError("npm is not installed") from exc
    except subprocess.TimeoutExpired as exc:
        raise UnavailableError(f"npm was not done after {TIMEOUT} s") from exc
    if done.returncode:
        # Before version 10 it wrote "npm ERR! code".
        found = re.search(r"^npm (?:error|ERR!) code (\S+)", done.stderr, re.MULTILINE)
        code = found[1] if found else f"exit code {done.returncode}"
        if code in FATAL:
            raise RuntimeError(f"npm refuses icu/monitor/web/package-lock.json:\n{done.stderr}")
        raise UnavailableError(f"npm ended with {code}")
