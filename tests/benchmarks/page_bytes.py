"""Bytes over the wire for the page of a bed with a day of history."""

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from playwright.sync_api import Browser, CDPSession, Page, Response

from tests.benchmarks.wards import free_port, running
from tests.browser.screens import DESKTOP, open_screen

# Seconds until the first page is loaded for certain, and those after it in which the page goes on asking.
LOADED: Final = 2.0
SECONDS: Final = 20.0
# Seconds in which a day of the built-in ward is made, on a busy machine, and of which its newest readings then are.
PATIENCE: Final = 300.0
FRESH: Final = 30.0


def main(browser: Browser) -> None:
    """Print those of the first load, by kind, and those of the time behind it (goal: 150 KB of data to begin with)."""
    port = free_port()
    root = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="icu-") as folder:
        environ = {"DATABASE_URL": f"sqlite:///{Path(folder, 'icu.db')}"}
        with running(["supervise", "--backfill", "24h", "--port", str(port)], folder, **environ):
            patient = wait_for_a_day(root)
            with open_screen(browser, f"{root}/bedside/{patient}", DESKTOP, goes=False) as screen:
                print_bytes(screen.page)


def wait_for_a_day(root: str) -> str:
    """Wait until each patient has a reading of now, and return the uuid of one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(URLError, ConnectionError), urlopen(f"{root}/patients", timeout=5) as answer:
            patients = json.load(answer)
            if patients and all(map(is_fresh, patients)):
                return str(patients[0]["uuid"])
        time.sleep(1)
    raise TimeoutError(root)


def is_fresh(patient: Mapping[str, Any]) -> bool:
    """Check that the latest reading was made a moment ago."""
    latest = patient["latest"]
    if latest is None:
        return False
    return datetime.fromisoformat(latest["timestamp"]) > datetime.now(UTC) - timedelta(seconds=FRESH)


def print_bytes(page: Page) -> None:
    """Load the page, and print what it took."""
    wire = Wire(page.context.new_cdp_session(page))
    with page.expect_response(lambda answer: "/metrics?" in answer.url) as history:
        page.goto("")
    page.wait_for_timeout(LOADED * 1000)
    loaded = list(wire.answers)
    page.wait_for_timeout(SECONDS * 1000)
    print(f"\nthe page of a bed, 24 h, {page.evaluate('document.documentElement.dataset.charts')}, KB of 1,000 bytes")
    print_history(history.value)
    for name, found in by_name(loaded).items():
        print(f"  {name:28} {kilobytes(found)}")
    print(f"first load, data               {kilobytes([each for each in loaded if each.is_data])} (goal 150 KB)")
    print(f"first load, whole              {kilobytes(loaded)}")
    print(f"the next {SECONDS:.0f} s                  {kilobytes(wire.answers[len(loaded) :])}")


def print_history(answer: Response) -> None:
    """Print what the strips are drawn from."""
    every = parse_qs(urlsplit(answer.url).query)["every"][0]
    print(f"strips of a bucket each {every}, {len(answer.body()) / 1000:.0f} KB before compression")


class Answer(NamedTuple):
    """A whole answer to the page."""

    # Route, with a name in place of the patient.
    name: str
    # False for files.
    is_data: bool
    # Bytes over the wire, headers too.
    size: int


class Wire:
    """Answers to a page, in their order. Those to its worker are missing: its two small files, and the stream."""

    def __init__(self, session: CDPSession) -> None:
        self.answers: list[Answer] = []
        self._begun: dict[str, tuple[str, bool]] = {}
        session.on("Network.responseReceived", self._receive)
        session.on("Network.loadingFinished", self._finish)
        session.send("Network.enable")

    def _receive(self, event: dict[str, Any]) -> None:
        is_data = event["type"] in {"Fetch", "XHR"}
        self._begun[event["requestId"]] = name_of(event["response"]["url"]) if is_data else event["type"], is_data

    def _finish(self, event: dict[str, Any]) -> None:
        name, is_data = self._begun[event["requestId"]]
        self.answers.append(Answer(name, is_data, round(event["encodedDataLength"])))


def name_of(url: str) -> str:
    """Return the path without the patient."""
    parts = urlsplit(url).path.split("/")
    return "/".join("{uuid}" if len(part) == 36 else part for part in parts)


def by_name(answers: Iterable[Answer]) -> Mapping[str, Sequence[Answer]]:
    """Group the answers, the group of the most bytes first."""
    found: dict[str, list[Answer]] = defaultdict(list)
    for each in answers:
        found[each.name].append(each)
    return dict(sorted(found.items(), key=lambda group: sum_of(group[1]), reverse=True))


def sum_of(answers: Iterable[Answer]) -> int:
    """Return the bytes of all."""
    return sum(each.size for each in answers)


def kilobytes(answers: Sequence[Answer]) -> str:
    """Return sum and number as text."""
    return f"{sum_of(answers) / 1000:7.1f} KB in {len(answers)}"
