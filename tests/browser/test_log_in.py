"""Log-in on the page, its end, and wall screens with a key."""

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.brokers import certificates
from tests.browser.conftest import Show
from tests.browser.screens import LOOKS, Screen
from tests.browser.wards import recorded, ward_file, write_recording
from tests.conftest import Spawn
from tests.e2e.conftest import Program, Start
from tests.extras import program
from tests.nginx import DOCUMENTED, nginx_of
from tests.processes import TIMEOUT

ANNA, BORIS = "Anna Petrova", "Boris Lindqvist"
NURSE, VIEWER = "olga", "vera"
PASSWORD = "four random words"  # noqa: S105 - of a test
WORDS = {
    "en": ("Log in", "Log out", "Wrong name or password.", "nurse"),
    "ru": ("Войти", "Выйти", "Неверное имя или пароль.", "медсестра"),
}

COMMANDS = re.compile(
    "Acknowledge|Shelve|Limits|Pause|Standby|Change bed|Discharge|Enter inputs|Silence", re.IGNORECASE
)

Icu = Callable[..., str]


@pytest.fixture
def icu(tmp_path: Path, environ: dict[str, str]) -> Icu:
    """A function that runs `python -m icu` with these words and this input, and returns what it prints."""

    def run(*words: str, text: str = "") -> str:
        command = [sys.executable, "-m", "icu", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environ, input=text, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def open_ward(start: Start, tmp_path: Path) -> Program:
    """A ward without keys: a patient whose pulse changes, and one whose heart stands still."""
    write_recording(tmp_path / "anna.csv", [f"{70 + second % 5},97,12,36.8,118,76" for second in range(600)])
    write_recording(tmp_path / "boris.csv", ["0,97,12,36.8,118,76"])
    patients = [recorded(ANNA, "anna.csv"), recorded(BORIS, "boris.csv")]
    (tmp_path / "supervisor.toml").write_text(ward_file(patients, places=2))
    return start("supervise").ready()


@pytest.fixture
def ward(open_ward: Program, icu: Icu) -> Program:
    """The same ward, with a nurse and a viewer."""
    for name, role in ((NURSE, "nurse"), (VIEWER, "viewer")):
        icu("users", "add", name, "--role", role, text=f"{PASSWORD}\n")
    open_ward.until("/patients", lambda answer: answer.status_code == 401)
    return open_ward


@pytest.fixture
def https(start: Start, icu: Icu, spawn: Spawn, tmp_path: Path) -> str:
    """Address of the ward of a nurse behind nginx with TLS, below a path."""
    program("openssl")
    certificates.authority(tmp_path / "ca.pem")
    write_recording(tmp_path / "anna.csv", ["70,97,12,36.8,118,76"])
    patients = ward_file([recorded(name, "anna.csv") for name in (ANNA, BORIS)], places=2)
    (tmp_path / "supervisor.toml").write_text(f'[api]\ntrusted_proxies = ["127.0.0.1"]\n{patients}')
    ward = start("supervise").ready()
    icu("users", "add", NURSE, "--role", "nurse", text=f"{PASSWORD}\n")
    ward.until("/patients", lambda answer: answer.status_code == 401)
    lines = DOCUMENTED.replace("127.0.0.1:8000", f"127.0.0.1:{ward.port}")
    port = nginx_of(tmp_path, spawn)(lines, tls=certificates.server(tmp_path, tmp_path / "ca.pem"))
    return f"https://127.0.0.1:{port}/icu"


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Type name and password with nothing but a keyboard. The field of the name has the focus."""
    expect(page.locator("#log-in-name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def expect_ward(page: Page) -> None:
    """Wait until the ward is there, live."""
    expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
    expect(page.locator("icu-bed")).to_have_count(2)


def log_in_and_look_often(page: Page) -> None:
    """Log in, on a page that looks at its session each 100 ms, as if a person came back to its tab."""
    log_in(page, NURSE)
    expect_ward(page)
    page.evaluate("globalThis.mark = 1")
    page.evaluate("setInterval(() => dispatchEvent(new Event('visibilitychange')), 100)")


def expect_form(page: Page) -> None:
    """Wait for the form, and assert that nothing of the patients is left beside it."""
    expect(page.locator("#log-in-name")).to_be_focused()
    assert not re.search(f"{ANNA}|{BORIS}", page.content())


def end_in(folder: Path, seconds: int) -> None:
    """Set the end of all nurses' sessions, as if the log-in were hours ago."""
    until = round((time.time() + seconds) * 1000)
    with closing(sqlite3.connect(folder / "icu.db", timeout=TIMEOUT)) as database, database:
        database.execute("UPDATE sessions SET role_until = ? WHERE role_until IS NOT NULL", (until,))
        database.execute("UPDATE access_state SET changes = changes + 1")
        database.execute("UPDATE command_count SET count = count + 1")


def test_a_nurse(ward: Program, show: Show, axe: str) -> None:
    """The form says what is wrong; then the ward appears, with the nurse's name, until the nurse logs out."""
    for look in LOOKS:
        with show(ward.url, look=look) as screen:
            see_a_nurse(screen, axe, *WORDS[look.language])


def see_a_nurse(screen: Screen, axe: str, enter: str, leave: str, wrong: str, role: str) -> None:
    """Log in at a first wrong attempt, look at the ward, and log out."""
    page = screen.page
    screen.expect("401")
    expect_form(page)
    screen.picture("log-in")
    assert screen.violations(axe) == []
    page.evaluate("globalThis.mark = 1")
    log_in(page, NURSE, "five random words")
    expect(page.get_by_role("alert")).to_have_text(wrong)
    expect(page.locator("#log-in-password")).to_be_focused()
    assert screen.violations(axe) == []
    page.keyboard.type(PASSWORD)
    page.get_by_role("button", name=enter, exact=True).click()
    expect_ward(page)
    assert page.evaluate("globalThis.mark") == 1
    expect(page.locator("icu-session")).to_contain_text(f"{NURSE} · {role}")
    screen.picture("logged-in")
    assert screen.script("clipped")["clipped"] == []
    assert screen.script("scrolling") == []
    assert screen.violations(axe) == []
    page.get_by_role("button", name=leave).click()
    expect_form(page)


def test_a_command_of_a_nurse(ward: Program, show: Show) -> None:
    """It carries the name of the log-in, and nobody is asked for one."""
    with show(ward.url) as screen:
        page = screen.page
        log_in(page, NURSE)
        expect_ward(page)
        bed = page.locator("icu-bed").filter(has=page.get_by_role("link", name=BORIS))
        bed.get_by_role("button", name="Acknowledge").click()
        expect(bed).to_contain_text(re.compile(f"✓ ack.*{NURSE}"))
        bed.get_by_role("link").click()
        page.get_by_role("button", name="Pause alarms").click()
        expect(page.get_by_label("Your name")).to_be_hidden()
        page.keyboard.press("Enter")
        expect(page.locator("icu-state")).to_contain_text(f"by {NURSE}")


def test_a_viewer(ward: Program, show: Show, axe: str) -> None:
    """All is seen, and no command is offered."""
    with show(ward.url) as screen:
        page = screen.page
        log_in(page, VIEWER)
        expect_ward(page)
        expect(page.locator("icu-session")).to_contain_text(f"{VIEWER} · viewing only")
        expect(page.locator("icu-bed").filter(has_text="Asystole")).to_have_count(1)
        expect(page.get_by_role("button", name=COMMANDS)).to_have_count(0)
        assert screen.violations(axe) == []
        page.get_by_role("link", name=BORIS).click()
        expect(page.locator("icu-alarms")).to_contain_text("Asystole")
        expect(page.locator("icu-news2")).to_be_visible()
        expect(page.get_by_role("button", name=COMMANDS)).to_have_count(0)
        screen.picture("viewer")
        assert screen.violations(axe) == []


def test_the_end_of_a_log_in(ward: Program, tmp_path: Path, show: Show, axe: str) -> None:
    """It is told before; then the ward stays in view, live, and a command asks to log in, and goes on."""
    with show(ward.url) as screen:
        page = screen.page
        log_in_and_look_often(page)
        banner = page.locator("icu-session-banner")
        expect(banner).to_be_hidden()
        end_in(tmp_path, 300)
        expect(banner).to_contain_text(re.compile(r"Your log-in ends at \d\d:\d\d\."))
        assert screen.violations(axe) == []
        end_in(tmp_path, 5)
        expect(banner).to_contain_text(f"The log-in of {NURSE} is over: viewing only.")
        screen.picture("expired")
        assert screen.violations(axe) == []
        pulse = page.locator("icu-bed").filter(has=page.get_by_role("link", name=ANNA)).locator("[data-place=pulse]")
        expect(pulse).not_to_have_text(pulse.inner_text(), use_inner_text=True)
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        bed = page.locator("icu-bed").filter(has=page.get_by_role("link", name=BORIS))
        bed.get_by_role("button", name="Acknowledge").click()
        expect(page.locator("#log-in-name")).to_have_value(NURSE)
        assert screen.violations(axe) == []
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(bed).to_contain_text(re.compile(f"✓ ack.*{NURSE}"))
        expect(bed.get_by_role("link")).to_be_focused()
        expect(banner).to_be_hidden()
        assert page.evaluate("globalThis.mark") == 1


def test_log_in_again_before_the_end(ward: Program, tmp_path: Path, show: Show) -> None:
    """The banner leads to the form; the focus does not fall to the begin of the page with it."""
    with show(ward.url) as screen:
        page = screen.page
        log_in_and_look_often(page)
        end_in(tmp_path, 300)
        page.get_by_role("button", name="Log in again").click()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("icu-session-banner")).to_be_hidden()
        expect(page.locator("main")).to_be_focused()


def test_a_wall_screen(ward: Program, icu: Icu, show: Show) -> None:
    """Its key leaves address and history at once, and no address holds it; when it is revoked, the form is there."""
    key = icu("keys", "add", "wall", "--role", "viewer")
    asked: list[Request] = []
    with show(ward.url, goes=False) as screen:
        page = screen.page
        screen.expect("401|could not be read")
        page.context.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright marks functions
        page.goto(f"#key={key}")
        expect_ward(page)
        assert page.url == f"{ward.url}/"
        expect(page.locator("icu-session")).to_contain_text("key:wall · viewing only")
        sent = [each for each in asked if key in (each.post_data or "")]
        assert [(each.method, each.url) for each in sent] == [("POST", f"{ward.url}/session")]
        assert not [each for each in asked if key in each.url or key in str(each.headers)]
        page.get_by_role("link", name=ANNA).click()
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        page.go_back()
        assert page.url == f"{ward.url}/"
        page.reload()
        expect_ward(page)
        icu("keys", "revoke", "wall")
        expect_form(page)


def test_a_key_that_nobody_gave(ward: Program, show: Show, axe: str) -> None:
    """The form says so; a key is typed there, too."""
    with show(ward.url, goes=False) as screen:
        page = screen.page
        screen.expect("401")
        page.goto(f"#key=icu_{'a' * 43}")
        expect(page.get_by_role("alert")).to_contain_text("This key is unknown")
        expect_form(page)
        assert page.url == f"{ward.url}/"
        page.get_by_text("With a key").click()
        page.get_by_label("Key", exact=True).fill(f"icu_{'b' * 43}")
        page.get_by_role("button", name="Log in with the key").click()
        expect(page.locator("#log-in-key")).to_be_focused()
        assert screen.violations(axe) == []


def test_the_first_user(open_ward: Program, icu: Icu, show: Show) -> None:
    """An open ward asks nobody who they are; a page of it asks as soon as there is a user, and goes on after it."""
    with show(open_ward.url) as screen:
        page = screen.page
        screen.expect("401|could not be read")
        expect_ward(page)
        expect(page.locator("icu-session")).to_be_hidden()
        icu("users", "add", NURSE, "--role", "nurse", text=f"{PASSWORD}\n")
        expect_form(page)
        log_in(page, NURSE)
        expect_ward(page)


def test_two_tabs(ward: Program, show: Show) -> None:
    """A log-in in one tab of a browser is one in all, and so is a log-out."""
    with show(ward.url) as screen:
        page = screen.page
        screen.expect("401")
        other = page.context.new_page()
        other.goto(ward.url)
        expect_form(other)
        page.bring_to_front()
        log_in(page, NURSE)
        expect_ward(page)
        expect_ward(other)
        page.get_by_role("button", name="Log out").click()
        expect_form(page)
        other.bring_to_front()
        expect(other.locator("#log-in-name")).to_be_visible()


def test_over_https(https: str, show: Show) -> None:
    """The cookie is one for https alone, and the log-in holds after a reload."""
    with show(https) as screen:
        page = screen.page
        log_in(page, NURSE)
        expect_ward(page)
        [cookie] = page.context.cookies()
        assert cookie["name"] == f"__Host-icu-{urlsplit(https).port}"
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
        page.reload()
        expect_ward(page)
