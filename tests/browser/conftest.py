"""A real ward, and pages of it in a real Chromium."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.screens import DESKTOP, Look, Screen, find_chromium, open_screen
from tests.e2e.conftest import Start, environ, icu, runtime, start, starter
from tests.extras import node
from tests.processes import running

__all__ = ["environ", "icu", "runtime", "start"]

ROOT = Path(__file__).parents[2]

Show = Callable[..., AbstractContextManager[Screen]]


def chromium(playwright: Playwright) -> str | None:
    """Return the path of Chromium. Without it the test is skipped, or fails where ICU_TEST_REQUIRE_BROWSER is set."""
    found = find_chromium(playwright)
    if found is None:
        missing = pytest.fail if os.environ.get("ICU_TEST_REQUIRE_BROWSER") else pytest.skip
        missing("no Chromium is installed: .ci/browser, or `playwright install chromium`, brings one")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for the tests of one file. It ends with them: Playwright's own event loop, which waits in this thread,
    lets no test of another file run one.
    """
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium(playwright)) as browser:
        yield browser


@pytest.fixture
def show(browser: Browser) -> Show:
    """A function that opens a page of a ward, at an address below its root; leaving it asserts that it had no fault."""

    def run(root: str, path: str = "", look: Look = DESKTOP, **how: object) -> AbstractContextManager[Screen]:
        return open_screen(browser, f"{root}/{path}", look, **how)

    return run


@pytest.fixture(scope="module")
def start_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """A function such as `start`, whose programs run until the last test of the file is over."""
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="icu-") as runtime:
        spawn = partial(_enter, stack)
        yield starter(tmp_path_factory.mktemp("ward"), Path(runtime), spawn)


def _enter(stack: ExitStack, words: list[str], **how: object) -> subprocess.Popen[bytes]:
    return stack.enter_context(running(words, **how))


@pytest.fixture(scope="session")
def axe() -> str:
    """Source of axe-core, by the lock file of the page. Skipped without npm, or fails where that is required."""
    node("node"), node("npm")
    found = subprocess.run(["sh", ROOT / ".ci" / "web"], check=False, capture_output=True, text=True)
    if found.returncode:
        missing = pytest.fail if os.environ.get("ICU_TEST_REQUIRE_NODE") else pytest.skip
        missing(f"npm brought no axe-core: {found.stderr}")
    return (Path(found.stdout.strip()) / "axe-core" / "axe.min.js").read_text("utf-8")
