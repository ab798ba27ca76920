"""A hundred beds on one screen."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Show
from tests.browser.wards import QUIET, Ward, ward_file
from tests.e2e.conftest import Start

BEDS = 100
# Heart rate, saturation, two pressures, breaths and temperature.
NUMBERS = 5


def test_a_hundred_beds(start: Start, tmp_path: Path, show: Show, axe: str) -> None:
    """Each bed shows all its signs on one screen, no number is cut off, and nothing scrolls."""
    (tmp_path / "supervisor.toml").write_text(ward_file([f'Anna Petrova"\npatients = {BEDS}\n{QUIET}'], places=BEDS))
    ward = Ward(start("supervise", METRICS_INTERVAL="1").ready()).wait_for(BEDS)
    with show(ward.url) as screen:
        page = screen.page
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        expect(page.locator("icu-bed:not([data-stale])")).to_have_count(BEDS)
        found = screen.script("clipped")
        screen.picture("hundred")
        assert found["numbers"] >= NUMBERS * BEDS
        assert found["clipped"] == []
        assert screen.script("scrolling") == []
        assert screen.violations(axe) == []
