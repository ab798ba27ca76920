"""Pages whose server dies, stands still or is blind: they say so, and heal without a reload."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Show
from tests.browser.screens import Screen
from tests.browser.wards import Ward, recorded, ward_file, write_recording
from tests.e2e.conftest import Program, Start
from tests.ports import free_port

# A page whose stream is its own has timers that a test can let pass; those of a worker pass by themselves.
OWN_STREAM = "delete globalThis.SharedWorker;"

COUNT_BEATS = """
globalThis.beats = 0;
globalThis.EventSource = class extends EventSource {
  constructor(address) {
    super(address);
    this.addEventListener("beat", () => globalThis.beats++);
  }
};
"""

LINK = "icu-header"


@pytest.fixture
def ward(start: Start, tmp_path: Path) -> Program:
    """A ward of two patients."""
    names = ("Anna Petrova", "Boris Lindqvist")
    write_recording(tmp_path / "rec.csv", [f"{70 + second % 5},97,12,36.8,118,76" for second in range(600)])
    (tmp_path / "supervisor.toml").write_text(ward_file([recorded(name, "rec.csv") for name in names], places=2))
    program = start("supervise").ready()
    Ward(program).wait_for(2)
    return program


@pytest.fixture
def monitor(ward: Program, start: Start) -> Program:
    """A monitor of the same database, in a process of its own."""
    return start("run", "monitor").ready()


def expect_live(page: Page) -> None:
    """Wait until all values are fresh, and nothing warns."""
    expect(page.locator(LINK)).to_have_attribute("data-link", "live")
    expect(page.locator("icu-bed")).to_have_count(2)
    expect(page.locator("icu-bed[data-stale]")).to_have_count(0)
    expect(page.get_by_role("alert")).to_be_hidden()


def expect_no_data(page: Page, link: str, words: str) -> None:
    """Wait until a warning says what has happened, and each value is shown as an old one, with its age."""
    expect(page.locator(LINK)).to_have_attribute("data-link", link)
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("icu-bed[data-stale]")).to_have_count(2)
    expect(page.locator("icu-bed").first).to_contain_text(re.compile(r"No data for \d+ s"))


def expect_same_page(screen: Screen) -> None:
    """Assert that nobody has loaded the page anew, and that values change again."""
    assert screen.page.evaluate("globalThis.mark") == 1
    pulse = screen.page.locator("[data-place=pulse]").first
    expect(pulse).not_to_have_text(pulse.inner_text(), use_inner_text=True)


def test_a_monitor_is_killed_and_started_again(monitor: Program, start: Start, show: Show, axe: str) -> None:
    """The connection is lost at once; it comes back by itself, and the values with it."""
    with show(monitor.url) as screen:
        screen.expect("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|could not be read")
        expect_live(screen.page)
        screen.page.evaluate("globalThis.mark = 1")
        monitor.stop(signal.SIGKILL)
        expect_no_data(screen.page, "lost", "The connection to the server is lost since")
        screen.picture("lost")
        assert screen.violations(axe) == []
        start("run", "monitor", port=monitor.port).ready()
        expect_live(screen.page)
        expect_same_page(screen)


@pytest.mark.parametrize("before", ["", OWN_STREAM], ids=["worker", "own stream"])
def test_a_monitor_stands_still(monitor: Program, show: Show, before: str) -> None:
    """Its open stream looks alive to the browser; the page says that it is lost, and goes on once the server does."""
    with show(monitor.url, before=before) as screen:
        screen.expect("could not be read")
        expect_live(screen.page)
        screen.page.evaluate("globalThis.mark = 1")
        monitor.process.send_signal(signal.SIGSTOP)
        expect_no_data(screen.page, "lost", "The connection to the server is lost since")
        monitor.process.send_signal(signal.SIGCONT)
        expect_live(screen.page)
        expect_same_page(screen)


def test_lost_within_three_seconds(monitor: Program, show: Show) -> None:
    """By the page's own clock: 3 s after the last sign of the server it is lost, and after 2 s it is not yet."""
    with show(monitor.url, before=OWN_STREAM + COUNT_BEATS, goes=False) as screen:
        page = screen.page
        screen.expect("could not be read")
        page.clock.install()
        page.goto("")
        expect_live(page)
        link = page.locator(LINK)
        page.clock.pause_at(page.evaluate("Date.now() / 1000 + 1"))
        before = page.evaluate("globalThis.beats")
        while page.evaluate("globalThis.beats") == before:
            pass
        monitor.process.send_signal(signal.SIGSTOP)
        try:
            page.clock.run_for(2000)
            assert link.get_attribute("data-link") == "live"
            page.clock.run_for(1000)
            assert link.get_attribute("data-link") == "lost"
        finally:
            monitor.process.send_signal(signal.SIGCONT)


def test_a_sink_is_killed(monitor: Program, ward: Program, start: Start, show: Show, axe: str) -> None:
    """The connection lives on, but nobody is watched: the page says so, since when and why, and heals."""
    with show(monitor.url) as screen:
        expect_live(screen.page)
        screen.page.evaluate("globalThis.mark = 1")
        ward.stop(signal.SIGKILL)
        expect_no_data(screen.page, "blind", "Nobody is watched since")
        expect(screen.page.get_by_role("alert")).to_contain_text("readings are not stored")
        screen.picture("blind")
        assert screen.violations(axe) == []
        start("supervise", port=free_port()).ready()
        expect_live(screen.page)
        expect_same_page(screen)
