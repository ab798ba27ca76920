"""Pictures for the README, of a ward such as a new user gets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Show
from tests.browser.screens import PICTURES, Look
from tests.browser.wards import Ward
from tests.e2e.conftest import Start

LOOK = Look(width=1280, height=800)
# Bytes. Everybody who clones the repository gets them.
LARGEST = 250_000
# Some frames after an answer, its lines are drawn.
PAINTED = "async () => { for (let n = 0; n < 30; n++) await new Promise(requestAnimationFrame); }"


@pytest.mark.skipif(not PICTURES, reason="ICU_TEST_PICTURES names no folder for pictures")
def test_pictures_of_the_readme(start: Start, show: Show) -> None:
    """The ward with an alarm, and the bedside of its patient, are small files."""
    ward = Ward(start("supervise", "--backfill", "24h", METRICS_INTERVAL="5").ready()).wait_for(8)
    ward.program.until("/patients", _has_caught_up)
    with show(ward.url, look=LOOK, goes=False) as screen:
        page = screen.page
        with page.expect_response("**/ward/history?*"):
            page.goto("")
        tachycardia = page.locator("icu-bed[data-alarm]").first
        expect(tachycardia).to_be_visible()
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        page.evaluate(PAINTED)
        screen.picture("readme-ward")
        with page.expect_response("**/metrics?*"):
            tachycardia.get_by_role("link").click()
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        expect(page.locator("main")).to_contain_text("▲")
        page.evaluate(PAINTED)
        screen.picture("readme-bedside")
    for name in ("ward", "bedside"):
        assert 0 < Path(PICTURES, f"readme-{name}-{LOOK}.png").stat().st_size < LARGEST


def _has_caught_up(answer: httpx.Response) -> bool:
    """Tell if the past of all patients is stored."""
    now = datetime.now(UTC)
    latest = [datetime.fromisoformat(each["latest"]["timestamp"]) for each in answer.json()]
    return all(now - each < timedelta(seconds=10) for each in latest)
