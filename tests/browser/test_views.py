"""The pages of a ward in which each bed is in another state, as people see them: by device, theme and language."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Show
from tests.browser.screens import LOOKS, PHONE, Look
from tests.browser.wards import LOW_LIMIT, Ward, open_ward, recorded, write_recording
from tests.e2e.conftest import Start

HEALTHY = "70,97,12,36.8,118,76"
NO_PULSE = "0,97,12,36.8,118,76"
CHANGING = "Anna Petrova"
SOUNDING, ANSWERED, PAUSED, SHELVED = LIMITED = (
    "Boris Lindqvist-Konstantinopolsky",
    "Chiara Romano",
    "Dmitri Sokolov",
    "Elif Yılmaz",
)
STANDBY, HIGH, LATCHED, TECHNICAL, SILENT = (
    "Иван Петров",
    "Farid Haddad",
    "Grace Okafor",
    "Hassan Ali",
    "Ingrid Dahl",
)
# The last row of each goes on. They are recordings, for emulated patients have alarms by chance.
RECORDED = {
    CHANGING: [f"{70 + second % 5},97,12,36.8,118,76" for second in range(600)],
    **{name: [HEALTHY] for name in (*LIMITED, STANDBY, SILENT)},
    HIGH: [NO_PULSE],
    LATCHED: [HEALTHY, NO_PULSE, NO_PULSE, HEALTHY],
    TECHNICAL: [HEALTHY, "0,97,,36.8,,"],
}
LAPTOPS = [Look(1366, 768), Look(1366, 768, "light", "ru")]
TAKEN = len(RECORDED)
PLACES = TAKEN + 2


@pytest.fixture(scope="module")
def ward(start_for_all: Start, tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """A ward with a patient in each state, and two free beds."""
    folder = tmp_path_factory.mktemp("states")
    for name, rows in RECORDED.items():
        write_recording(folder / f"{name}.csv", rows, seconds=3 if name == SILENT else 600)
    patients = [recorded(name, f"{name}.csv") for name in RECORDED]
    ward = open_ward(start_for_all, folder, patients, places=PLACES)
    for name in LIMITED:
        ward.set_limits(name, LOW_LIMIT)
    for name in (ANSWERED, PAUSED, SHELVED, STANDBY):
        bring_about(ward, name)
    return ward


def bring_about(ward: Ward, name: str) -> None:
    """Answer the alarm of a patient, or silence the bed: once more, where the last time may be over."""
    if name in {ANSWERED, SHELVED}:
        alarm = ward.alarm(name, condition="pulse.high")
        more = {"why": "known", "minutes": 60} if name == SHELVED else {}
        command = "shelve" if name == SHELVED else "acknowledge"
        ward.command("POST", f"alarms/{alarm['id']}/{command}", seen=alarm["seen"], **more)
    elif name == PAUSED:
        ward.command("POST", f"patient/{ward.patient(name)}/pause", seconds=120)
    elif name == STANDBY:
        ward.command("POST", f"patient/{ward.patient(name)}/standby")


def tile(page: Page, name: str) -> Locator:
    """Return the tile of a patient."""
    return page.locator("icu-bed").filter(has=page.get_by_role("link", name=name))


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_ward(ward: Ward, show: Show, axe: str, look: Look) -> None:
    """All beds are there, no number is cut off, nothing scrolls on a wide screen, and WCAG 2.2 AA is kept."""
    with show(ward.url, look=look) as screen:
        page = screen.page
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        expect(page.locator("icu-bed")).to_have_count(TAKEN)
        expect(page.locator("icu-wall > *")).to_have_count(PLACES)
        expect(page.locator("html")).to_have_attribute("lang", look.language)
        expect(page.locator("html")).to_have_attribute("data-theme", look.theme)
        numbers = screen.script("clipped")
        screen.picture("ward")
        assert numbers["numbers"] > 5 * TAKEN
        assert numbers["clipped"] == []
        assert screen.script("scrolling") == (["html"] if look.width == PHONE.width else [])
        assert screen.violations(axe) == []


def test_a_bedside_in_standby(ward: Ward, show: Show) -> None:
    """Its values are grey, as on its tile: nobody watches them. Those of another bed are not."""
    colours = set()
    for name, unwatched in ((STANDBY, "[data-unwatched]"), (SOUNDING, ":not([data-unwatched])")):
        with show(ward.url, f"bedside/{ward.patient(name)}") as screen:
            # Grey until the page is live, too.
            digits = screen.page.locator(f"icu-numbers{unwatched} [data-place=pulse]:not([data-stale]) .digits")
            expect(digits).to_have_text(re.compile(r"\d"))
            colours.add(digits.evaluate("element => getComputedStyle(element).color"))
    assert len(colours) == 2


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_bedside(ward: Ward, show: Show, axe: str, look: Look) -> None:
    """All signs of the patient are there, no number is cut off, nothing scrolls sideways, and WCAG 2.2 AA is kept."""
    with show(ward.url, f"bedside/{ward.patient(SOUNDING)}", look=look) as screen:
        page = screen.page
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        expect(page.locator("main")).to_contain_text("▲▲")
        expect(page).to_have_title(re.compile(SOUNDING))
        numbers = screen.script("clipped")
        screen.picture("bedside")
        assert numbers["numbers"] >= 6
        assert numbers["clipped"] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert screen.violations(axe) == []


@pytest.mark.parametrize("look", LAPTOPS, ids=str)
def test_a_bedside_on_a_laptop(ward: Ward, show: Show, look: Look) -> None:
    """With an alarm to answer, nothing scrolls, and no number is cut off."""
    with show(ward.url, f"bedside/{ward.patient(SOUNDING)}", look=look) as screen:
        expect(screen.page.locator("icu-header")).to_have_attribute("data-link", "live")
        expect(screen.page.locator("icu-alarms")).to_contain_text("▲▲")
        expect(screen.page.locator("icu-news2")).to_be_visible()
        screen.picture("bedside")
        assert screen.script("clipped")["clipped"] == []
        assert screen.script("scrolling") == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_settings(ward: Ward, show: Show, axe: str, theme: str) -> None:
    """The dialog keeps WCAG 2.2 AA; each choice holds at once, also for the language of the document, and is kept."""
    with show(ward.url, look=Look(theme=theme)) as screen:
        page = screen.page
        temperature = tile(page, CHANGING).locator("[data-place=temperature]")
        expect(temperature).to_contain_text("°C")
        page.get_by_role("button", name="Settings").click()
        assert screen.violations(axe) == []
        page.get_by_label("Temperature", exact=True).select_option("°F")
        page.get_by_label("Pressure", exact=True).select_option("kPa")
        page.keyboard.press("Escape")
        expect(temperature).to_contain_text(re.compile(r"°F.*(9\d|10\d)\.\d", re.DOTALL))
        expect(tile(page, CHANGING).locator("[data-place=bp]")).to_contain_text(re.compile(r"kPa.*\d\d\.\d/\d+\.\d"))
        page.get_by_role("button", name="показать на русском").click()
        expect(page.locator("html")).to_have_attribute("lang", "ru")
        page.reload()
        expect(temperature).to_contain_text("°F")
        expect(page.locator("html")).to_have_attribute("lang", "ru")
        expect(page.get_by_role("button", name="show in English")).to_be_visible()


def test_values_change(ward: Ward, show: Show) -> None:
    """Numbers of a bed follow its readings, and no screen reader is told of each."""
    with show(ward.url) as screen:
        pulse = tile(screen.page, CHANGING).locator("[data-place=pulse]")
        expect(pulse).to_contain_text(re.compile(r"\d"))
        announced = screen.page.locator("[aria-live]").all_inner_texts()
        before = pulse.inner_text()
        expect(pulse).not_to_have_text(before, use_inner_text=True)
        assert screen.page.locator("[aria-live]").all_inner_texts() == announced


# By state of a bed: its text with the sign, what a screen reader says, and whether somebody may acknowledge an alarm.
STATES = {
    CHANGING: (r"no alarm", r"no alarm", False),
    SOUNDING: (r"(?<!▲)▲▲ HR 70 > 36", r"medium alarm: HR 70 > 36", True),
    ANSWERED: (r"(?<!▲)▲▲ HR 70 > 36.*✓", r"medium alarm: HR 70 > 36", False),
    PAUSED: (r"(?<!▲)▲▲ HR 70 > 36.*\d+ s", r"medium alarm: HR 70 > 36.*paused \d+ s", True),
    SHELVED: (r"(?<!▲)▲▲ HR 70 > 36.*(1 shelved|×1)", r"medium alarm: HR 70 > 36.*1 shelved", True),
    # It lasts for hours, and in the evening until another day.
    STANDBY: (r"Standby until (\w+ \d+ )?\d\d:\d\d(?!:)", r"Standby until (\w+ \d+ )?\d\d:\d\d\.", False),
    HIGH: (r"▲▲▲ Asystole", r"high alarm: Asystole", True),
    LATCHED: (r"▲▲▲ was Asystole", r"high alarm: was Asystole", True),
    TECHNICAL: (r"⚙ ▲▲ Leads off", r"medium alarm: Leads off", True),
    SILENT: (r"⚙ ▲+ No data for \d+ (s|min)", r"No data for \d+ (s|min)\. (low|medium) alarm: No data", True),
}


@pytest.mark.parametrize("name", STATES)
def test_states_are_told_by_text_and_shape(ward: Ward, show: Show, name: str) -> None:
    """Nobody needs to see colours: text and sign of a tile say its state, and so does its name for screen readers."""
    text, spoken, can_be_acknowledged = STATES[name]
    bring_about(ward, name)
    with show(ward.url) as screen:
        bed = tile(screen.page, name)
        expect(bed).to_contain_text(re.compile(text))
        expect(bed.get_by_role("link", name=re.compile(spoken))).to_be_visible()
        if can_be_acknowledged is not None:
            expect(bed.get_by_role("button", name="Acknowledge")).to_be_visible(visible=can_be_acknowledged)


def test_a_bed_without_data_has_a_frame_of_its_own(ward: Ward, show: Show) -> None:
    """It is dashed, and has the colour of the alarm about it: who hears the alarm finds the bed."""
    with show(ward.url) as screen:
        bed = tile(screen.page, SILENT)
        expect(bed).to_have_attribute("data-alarm", re.compile("low|medium"))
        # Cyan, and a minute later yellow.
        expect(bed).to_have_css("border-color", re.compile(r"rgb\((0, 192, 224|255, 212, 0)\)"))
        expect(bed).to_have_css("border-style", "dashed")
        expect(tile(screen.page, CHANGING)).to_have_css("border-style", "solid")


@pytest.mark.parametrize(
    ("language", "mean", "names", "off"),
    [("en", "mean", ("SBP", "DBP", "MAP"), "off"), ("ru", "ср.", ("САД", "ДАД", "АДср"), "откл.")],
)
def test_limits_of_a_pressure(
    ward: Ward, show: Show, language: Literal["en", "ru"], mean: str, names: tuple[str, str, str], off: str
) -> None:
    """Those of systolic and mean stand beside it, on the wall and beside the bed; a bell marks what is off."""
    systolic, diastolic, of_mean = names
    with show(ward.url, look=Look(language=language)) as screen:
        pressure = tile(screen.page, CHANGING).locator("[data-place=bp]")
        expect(pressure.locator(".label")).to_contain_text(f"({mean} 60 – 110)")
        expect(pressure.locator("> .limits > span")).to_have_text(["160", "90"])
        tile(screen.page, CHANGING).get_by_role("link").click()
        limits = screen.page.locator(".big[data-place=bp] .limits")
        expect(limits).to_have_text([f"{systolic} 90 – 160", diastolic, f"{of_mean} 60 – 110"])
        expect(limits.nth(1)).to_have_attribute("data-off", "")
        expect(limits.nth(1)).to_have_accessible_name(f"{diastolic} {off}")


def test_leads_that_are_off_have_no_pulse(ward: Ward, show: Show) -> None:
    """A 0 that is no asystole is not shown, on the wall and beside the bed; words say why."""
    with show(ward.url) as screen:
        pulse = tile(screen.page, TECHNICAL).locator("[data-place=pulse]")
        expect(pulse).to_contain_text(re.compile(r"HR Leads off.*- -", re.DOTALL))
        tile(screen.page, TECHNICAL).get_by_role("link").click()
        expect(screen.page.locator(".big[data-place=pulse]")).to_contain_text(re.compile(r"- -.*Leads off", re.DOTALL))


def test_free_beds_and_counts_are_told_in_text(ward: Ward, show: Show) -> None:
    """A free bed says so with its number, and the header counts beds and alarms by sign."""
    with show(ward.url) as screen:
        free = [re.compile(f"{number}.*free") for number in range(TAKEN + 1, PLACES + 1)]
        expect(screen.page.locator("icu-wall > [data-bed]")).to_have_text(free)
        header = screen.page.locator("icu-header")
        # The alarm of the silent one is low, and medium a minute later.
        for each in (f"{TAKEN} beds", "▲▲▲ 2", re.compile("(?<!▲)▲▲ [56]"), "no data 1"):
            expect(header).to_contain_text(each)
