"""A wall of 100 beds with an update a second: processor time of the page's main thread."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
from playwright.sync_api import Browser, Page, expect

from tests.benchmarks.page_delay import print_delays
from tests.benchmarks.wards import free_port, running, until
from tests.browser.screens import DESKTOP, open_screen

BEDS: Final = 100
# Seconds until the page has come to rest, and of the measurement.
WARMING: Final = 10.0
SECONDS: Final = 20.0

WARD: Final = f"""
[ward]
beds = {BEDS}

[[child]]
role = "sink"

[[child]]
role = "monitor"

[[child]]
role = "patient"
name = "Patient"
patients = {BEDS}
"""

PAINTED: Final = (Path(__file__).parent / "scripts" / "painted.js").read_text("utf-8")


def main(browser: Browser) -> None:
    """Print it, and the delays of the same ward: one process, with scenarios and alarms as they come."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="icu-") as folder:
        Path(folder, "supervisor.toml").write_text(WARD, "utf-8")
        database = Path(folder, "icu.db")
        environ = {"DATABASE_URL": f"sqlite:///{database}", "METRICS_INTERVAL": "1"}
        with running(["supervise", "--port", str(port)], folder, **environ) as ward:
            until(f"http://127.0.0.1:{port}/patients", b'"pulse"')
            print(f"{BEDS} beds, an update a second, {DESKTOP.width}x{DESKTOP.height}, {SECONDS:.0f} s")
            with open_wall(browser, port) as page:
                print_main_thread(browser, page)
            with open_wall(browser, port, PAINTED) as page:
                print_delays(page, port, database, psutil.Process(ward.pid))


@contextmanager
def open_wall(browser: Browser, port: int, before: str = "") -> Iterator[Page]:
    """Open the ward's page, and wait until it shows all beds and has come to rest."""
    with open_screen(browser, f"http://127.0.0.1:{port}/", DESKTOP, before=before) as screen:
        expect(screen.page.locator("icu-bed:not([data-stale])")).to_have_count(BEDS)
        screen.page.wait_for_timeout(WARMING * 1000)
        yield screen.page


def print_main_thread(browser: Browser, page: Page) -> None:
    """Print the shares of a core of the page's main thread (goal: 15 % at most) and of all of Chromium."""
    clocks = [Clock(page, "threadTicks"), Clock(page, "timeTicks")]
    tasks_before, chromium_before = [each.seconds() for each in clocks], cpu_seconds(browser)
    began = time.monotonic()
    page.wait_for_timeout(SECONDS * 1000)
    elapsed = time.monotonic() - began
    cpu, passed = (each.seconds() - before for each, before in zip(clocks, tasks_before, strict=True))
    chromium = sum(seconds - chromium_before.get(process, 0.0) for process, seconds in cpu_seconds(browser).items())
    print(f"main thread, CPU time          {cpu / elapsed:6.1%} of a core (goal 15 %)")
    print(f"main thread, time in tasks     {passed / elapsed:6.1%}")
    print(f"Chromium, all its processes    {chromium / elapsed:6.1%} of a core")
    print(f"beds in alarm at the end       {page.locator('icu-bed[data-alarm]').count():4}")


class Clock:
    """Time that tasks of the main thread have taken, by one of Chromium's clocks.

    Args:
        page: The page.
        domain: `threadTicks`, CPU time of the thread, or `timeTicks`, time that has passed.
    """

    def __init__(self, page: Page, domain: str) -> None:
        # A session of its own: each has one clock.
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": domain})

    def seconds(self) -> float:
        """Return the sum since the clock was made."""
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")


def cpu_seconds(browser: Browser) -> dict[int, float]:
    """Return the CPU time of each of Chromium's processes."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return {each["id"]: float(each["cpuTime"]) for each in found}
