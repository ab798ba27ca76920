"""A page in a real browser, which reports whatever no page of ours may do."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, expect

from tests.processes import TIMEOUT

# Folder for the pictures that tests take, those of the README among them; without it they take none.
PICTURES = os.environ.get("ICU_TEST_PICTURES")

SCRIPTS = Path(__file__).parent / "scripts"

NAMES = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")

expect.set_options(timeout=TIMEOUT * 1000)


def find_chromium(playwright: Playwright) -> str | None:
    """Return the path of Chromium, None without one."""
    paths = (*map(shutil.which, NAMES), playwright.chromium.executable_path)
    return next((path for path in paths if path and Path(path).exists()), None)


@dataclass(frozen=True)
class Look:
    """Screen, theme and language that a person brings along."""

    # Pixels of CSS.
    width: int = 1920
    height: int = 1080
    theme: Literal["dark", "light"] = "dark"
    language: Literal["en", "ru"] = "en"

    def __str__(self) -> str:
        """Return the name for tests and pictures."""
        return f"{self.width}-{self.theme}-{self.language}"


DESKTOP = Look()
PHONE = Look(width=390, height=844)
LOOKS = [
    replace(device, theme=theme, language=language)
    for device in (DESKTOP, PHONE)
    for theme in ("dark", "light")
    for language in ("en", "ru")
]

# A person's choices at this browser, where there are none yet.
CHOOSE = "localStorage['icu.settings'] ??= JSON.stringify({{theme: '{theme}', language: '{language}'}})"


class Screen:
    """A page with its faults: errors on the console, uncaught ones, and requests to other origins."""

    def __init__(self, page: Page, look: Look, origin: str) -> None:
        self.page = page
        self.look = look
        self.faults: list[str] = []
        self._origin = origin
        # On a busy machine an answer comes later than a page waits. It shows that, and asks again.
        self._expected = [re.compile("signal timed out")]
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.context.on("request", self._asked)

    def expect(self, pattern: str) -> None:
        """Expect a fault that a test causes on purpose, such as requests to a server that it has killed."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """Return the faults that no test has announced."""
        return [fault for fault in self.faults if not any(each.search(fault) for each in self._expected)]

    def script(self, name: str) -> Any:
        """Run a function of tests/browser/scripts in the page, and return its result."""
        return self.page.evaluate((SCRIPTS / f"{name}.js").read_text("utf-8"))

    def violations(self, axe: str) -> list[str]:
        """Return what WCAG 2.2 AA objects to in this view, as axe-core finds it."""
        # What flashes has two contrasts; and nothing may have begun to move.
        self.page.emulate_media(reduced_motion="reduce")
        self.page.evaluate(axe)
        return list(self.script("violations"))

    def picture(self, name: str) -> None:
        """Take a picture of what is in view, where ICU_TEST_PICTURES names a folder."""
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{name}-{self.look}.png", animations="disabled")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and f"{parts.scheme}://{parts.netloc}" != self._origin:
            self.faults.append(f"another origin: {request.url}")


@contextmanager
def open_screen(browser: Browser, url: str, look: Look, *, before: str = "", goes: bool = True) -> Iterator[Screen]:
    """Open a page of a new person. Asserts no fault at the end.

    Args:
        browser: Chromium.
        url: Address of the page.
        look: Device, theme and language.
        before: JavaScript that runs before that of the page.
        goes: Go to the address at once.
    """
    context = browser.new_context(
        base_url=url,
        viewport={"width": look.width, "height": look.height},
        locale={"en": "en-GB", "ru": "ru-RU"}[look.language],
        timezone_id="Etc/UTC",
        has_touch=look.width < 500,
        ignore_https_errors=True,  # the authority of a test is nobody's
    )
    try:
        context.set_default_timeout(TIMEOUT * 1000)
        context.add_init_script(CHOOSE.format(theme=look.theme, language=look.language) + f";\n{before}")
        screen = Screen(context.new_page(), look, f"{urlsplit(url).scheme}://{urlsplit(url).netloc}")
        if goes:
            screen.page.goto("")
        yield screen
        assert not screen.unexpected(), screen.unexpected()
    finally:
        context.close()
