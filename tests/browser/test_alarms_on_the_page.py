"""An alarm on the page, from its beginning to its end, with nothing but a keyboard."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Show
from tests.browser.wards import BY, LOW_LIMIT, open_ward, recorded, write_recording
from tests.e2e.conftest import Start

ANNA = "Anna Petrova"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until a button of this name has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.get_by_role("button", name=name).evaluate_all("found => found.includes(document.activeElement)"):
            return
    raise AssertionError(f"no Tab leads to {name}")


def test_an_alarm(start: Start, tmp_path: Path, show: Show) -> None:
    """It appears, is announced, sounds, is acknowledged under a name that is asked for once, and ends."""
    write_recording(tmp_path / "anna.csv", ["70,97,12,36.8,118,76"])
    ward = open_ward(start, tmp_path, [recorded(ANNA, "anna.csv")], places=1)
    with show(ward.url) as screen:
        page = screen.page
        bed, sound = page.locator("icu-bed"), page.locator("[aria-pressed]")
        expect(bed).to_contain_text("no alarm")
        tab_to(page, "Turn the sound on")
        expect(sound).to_have_attribute("aria-pressed", "false")
        page.keyboard.press("Enter")
        expect(sound).to_have_attribute("aria-pressed", "true")
        expect(sound).to_have_attribute("data-sounding", "0")

        ward.set_limits(ANNA, LOW_LIMIT)
        expect(bed).to_have_attribute("data-alarm", "medium")
        expect(bed).to_contain_text("▲▲ HR 70 > 36")
        expect(page.locator("[aria-live]")).to_have_text(f"Bed 1, {ANNA}: medium alarm, HR 70 > 36")
        expect(sound).to_have_attribute("data-sounding", "2")

        tab_to(page, "Acknowledge")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.type(BY)
        page.keyboard.press("Enter")
        expect(bed).to_contain_text(re.compile(r"▲▲ HR 70 > 36.*✓"))
        expect(bed.get_by_role("button")).to_be_hidden()
        expect(bed.get_by_role("link")).to_be_focused()
        expect(sound).to_have_attribute("data-sounding", "0")
        alarm = ward.alarm(ANNA, signal="acknowledged")
        assert (alarm["acknowledged"]["by"], alarm["condition"]) == (BY, "pulse.high")

        ward.set_limits(ANNA, {})
        expect(bed).to_contain_text("no alarm")
        expect(bed).not_to_have_attribute("data-alarm", re.compile(""))
        assert ward.get("alarms") == []
