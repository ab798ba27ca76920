"""Pictures for the README, of a ward such as a new user gets."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Show
from tests.browser.screens import PICTURES, Look
from tests.browser.wards import Ward
from tests.e2e.conftest import Start

LOOK = Look(width=1280, height=800)
# Bytes. Everybody who clones the repository gets them.
LARGEST = 150_000


@pytest.mark.skipif(not PICTURES, reason="ICU_TEST_PICTURES names no folder for pictures")
def test_pictures_of_the_readme(start: Start, show: Show) -> None:
    """The ward with an alarm, and the bedside of its patient, are small files."""
    ward = Ward(start("supervise", METRICS_INTERVAL="1").ready()).wait_for(8)
    with show(ward.url, look=LOOK) as screen:
        page = screen.page
        tachycardia = page.locator("icu-bed[data-alarm]").first
        expect(tachycardia).to_be_visible()
        screen.picture("readme-ward")
        tachycardia.get_by_role("link").click()
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        expect(page.locator("main")).to_contain_text("▲")
        screen.picture("readme-bedside")
    for name in ("ward", "bedside"):
        assert 0 < Path(PICTURES, f"readme-{name}-{LOOK}.png").stat().st_size < LARGEST
