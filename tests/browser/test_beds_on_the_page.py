"""Commands about a bed, on the page of its patient."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Show
from tests.browser.wards import BY, open_ward, recorded, write_recording
from tests.e2e.conftest import Start

ANNA, BORIS = "Anna Petrova", "Boris Lindqvist"


def test_a_bed_that_is_taken(start: Start, tmp_path: Path, show: Show) -> None:
    """The refusal is a sentence with the patient who has the bed; the dialog stays, and another bed is given."""
    write_recording(tmp_path / "rec.csv", ["70,97,12,36.8,118,76"])
    ward = open_ward(start, tmp_path, [recorded(name, "rec.csv") for name in (ANNA, BORIS)], places=3)
    taken = next(each["bed"] for each in ward.get("patients") if each["name"] == BORIS)
    with show(ward.url, f"bedside/{ward.patient(ANNA)}") as screen:
        screen.expect("409")
        page = screen.page
        dialog = page.get_by_role("dialog")
        # Until then strips and buttons move, away from a pointer that is pressed.
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        page.get_by_role("button", name="Change bed").click()
        dialog.get_by_label("Bed", exact=True).fill(taken)
        dialog.get_by_label("Your name").fill(BY)
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_have_text(f"Bed {taken} is taken: {BORIS}. Choose another one.")
        dialog.get_by_label("Bed", exact=True).fill("7")
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        expect(page).to_have_title(f"Bed 7 · {ANNA}")
