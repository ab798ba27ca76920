"""Strips of the past on the page of a patient: what is asked for, a closer look by a drag, and what was deleted."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Show
from tests.browser.screens import DESKTOP, PHONE, Look
from tests.browser.wards import Ward, open_ward, recorded, write_recording
from tests.e2e.conftest import Start

ANNA = "Anna Petrova"
# What has an end is a closer look: the page itself asks for what goes on.
CLOSER = re.compile(r"/metrics\?(.*&)?to=")
METRICS, HISTORY = re.compile(r"/metrics\?"), re.compile(r"/ward/history\?")
Drag = Callable[[Page, float, float, float], None]
# A page whose stream is its own: a test can hold it up.
OWN_STREAM = "delete globalThis.SharedWorker;"
# The first requests are answered, and drawn, within so many frames.
DRAWN = "async () => { for (let n = 0; n < 60; n++) await new Promise(requestAnimationFrame); }"


@pytest.fixture(scope="module")
def ward(start_for_all: Start, tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """A ward of one patient."""
    folder = tmp_path_factory.mktemp("strips")
    write_recording(folder / "rec.csv", ["70,97,12,36.8,118,76"])
    return open_ward(start_for_all, folder, [recorded(ANNA, "rec.csv")], places=1)


def strip(page: Page) -> Locator:
    """Return the chart of the heart rate."""
    return page.locator("[data-strip=pulse] .chart")


@pytest.mark.parametrize(("path", "asked"), [("", HISTORY), ("bedside/{}", METRICS)], ids=["ward", "bedside"])
def test_the_past_is_asked_for_once(ward: Ward, show: Show, path: str, asked: re.Pattern[str]) -> None:
    """Not with the first answer, but with the stream that comes after it: nothing falls between the two."""
    asks: list[str] = []
    held: list[Route] = []
    with show(ward.url, path.format(ward.patient(ANNA)), before=OWN_STREAM, goes=False) as screen:
        page = screen.page
        page.on("request", lambda request: asks.append(request.url) if asked.search(request.url) else None)
        page.route("**/stream", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks functions
        page.goto("")
        expect(page.locator("[data-place=pulse]").first).to_contain_text("70")
        page.evaluate(DRAWN)
        assert asks == []
        with page.expect_response(asked):
            held[0].continue_()
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        page.evaluate(DRAWN)
        # What comes in afterwards is asked for from there on.
        [_] = [url for url in asks if url == asks[0]]


def drag_with_mouse(page: Page, from_x: float, to_x: float, y: float) -> None:
    """Draw the mouse over the page with its button held down."""
    page.mouse.move(from_x, y)
    page.mouse.down()
    page.mouse.move((from_x + to_x) / 2, y)
    page.mouse.move(to_x, y)
    page.mouse.up()


def drag_with_finger(page: Page, from_x: float, to_x: float, y: float) -> None:
    """Draw a finger sideways over the screen."""
    touch(page, [(from_x, y), ((from_x + to_x) / 2, y), (to_x, y)])


def touch(page: Page, places: list[tuple[float, float]]) -> None:
    """Put a finger on the first place, move it to the others, and lift it."""
    session = page.context.new_cdp_session(page)
    for number, (x, y) in enumerate(places):
        kind = "touchMove" if number else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize("without_npm", [False, True], ids=["uplot", "canvas"])
@pytest.mark.parametrize(
    ("look", "drag"), [(DESKTOP, drag_with_mouse), (PHONE, drag_with_finger)], ids=["mouse", "finger"]
)
def test_a_closer_look_by_a_drag(ward: Ward, show: Show, look: Look, drag: Drag, *, without_npm: bool) -> None:
    """The time from where it began to where it ended is asked for, and shown."""
    with show(ward.url, f"bedside/{ward.patient(ANNA)}", look=look, goes=False) as screen:
        page = screen.page
        if without_npm:
            page.route("**/uPlot.esm.js", lambda route: route.abort())
            screen.expect("uPlot|ERR_FAILED")
        with page.expect_response(METRICS):
            page.goto("")
        page.evaluate(DRAWN)
        strip(page).scroll_into_view_if_needed()
        box = strip(page).bounding_box()
        assert box is not None
        left, width, y = box["x"], box["width"], box["y"] + box["height"] / 2
        with page.expect_request(CLOSER) as asked:
            drag(page, left + width * 0.25, left + width * 0.5, y)
        query = {name: value for name, [value] in parse_qs(urlsplit(asked.value.url).query).items()}
        span = page.evaluate("({from, to}) => (Date.parse(to) - Date.parse(from)) / 3.6e6", query)
        # A quarter of a day, and the rest of two buckets.
        assert 5.9 < span < 6.2
        expect(page.get_by_role("button", name="Now")).to_have_attribute("aria-pressed", "false")
        expect(page.locator("icu-strip-toolbar [role=status]")).to_contain_text("–")


def test_a_finger_scrolls_the_page(ward: Ward, show: Show) -> None:
    """Upwards over a strip it marks nothing."""
    with show(ward.url, f"bedside/{ward.patient(ANNA)}", look=PHONE, goes=False) as screen:
        page = screen.page
        with page.expect_response(METRICS):
            page.goto("")
        strip(page).scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        box = strip(page).bounding_box()
        assert box is not None
        touch(page, [(box["x"] + 50, box["y"] + 60 - 10 * moved) for moved in range(10)])
        page.wait_for_function("before => scrollY > before", arg=before)
        expect(page.get_by_role("button", name="Now")).to_have_attribute("aria-pressed", "true")


def test_what_was_deleted(ward: Ward, show: Show, axe: str) -> None:
    """The strips say from when on there is a past, and hatch what is before it."""
    with show(ward.url, f"bedside/{ward.patient(ANNA)}", goes=False) as screen:
        page = screen.page
        page.route(METRICS, _with_horizon)
        page.goto("")
        deleted = page.locator("[data-strip=pulse] .deleted")
        expect(deleted).to_have_text("deleted")
        expect(page.get_by_text(re.compile(r"Before .*\d\d:\d\d:\d\d all is deleted"))).to_be_visible()
        share = deleted.evaluate("each => each.clientWidth / each.parentElement.clientWidth")
        assert 0.74 < share < 0.76
        assert screen.violations(axe) == []


def _with_horizon(route: Route) -> None:
    """Answer as a server that has deleted all but six hours."""
    answer = route.fetch()
    since = (datetime.now(UTC) - timedelta(hours=6)).isoformat()
    route.fulfill(response=answer, headers={**answer.headers, "History-From": since})
