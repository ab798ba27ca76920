"""The pages at other addresses than the monitor's own root."""

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Show
from tests.browser.wards import Ward, recorded, ward_file, write_recording
from tests.conftest import Spawn
from tests.e2e.conftest import Icu, Program, Start
from tests.nginx import BARE, DOCUMENTED, nginx_of

ANNA = "Anna Petrova"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the settings of a ward of one patient, whose pulse changes."""
    write_recording(tmp_path / "rec.csv", [f"{70 + second % 5},97,12,36.8,118,76" for second in range(600)])
    (tmp_path / "supervisor.toml").write_text(ward_file([recorded(ANNA, "rec.csv")], places=1))
    return tmp_path


def check_pages(show: Show, root: str, key: str = "") -> None:
    """Assert that the ward and a bedside are live, that a link leads from one to the other, and that values come."""
    with show(root, goes=False) as screen:
        page = screen.page
        page.goto(f"{root}/#key={key}" if key else f"{root}/")
        page.get_by_role("link", name=ANNA).click()
        page.wait_for_url(re.compile(re.escape(f"{root}/bedside/")))
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        numbers = page.locator("main").get_by_text(re.compile(r"^7[0-4]$")).first
        expect(numbers).not_to_have_text(numbers.inner_text(), use_inner_text=True)
        page.locator("icu-header").get_by_role("link").click()
        page.wait_for_url(f"{root}/")
        pulse = page.locator("icu-bed [data-place=pulse]")
        expect(page.locator("icu-header")).to_have_attribute("data-link", "live")
        expect(pulse).not_to_have_text(pulse.inner_text(), use_inner_text=True)


@pytest.mark.parametrize("lines", [DOCUMENTED, BARE], ids=["documented", "bare"])
def test_below_a_path_of_nginx(start: Start, folder: Path, spawn: Spawn, show: Show, icu: Icu, lines: str) -> None:
    """The pages and their stream work through a proxy, with the lines of its page, and with the fewest possible.

    A screen that has a key logs in below the path.
    """
    ward = start("supervise").ready()
    Ward(ward).wait_for(1)
    key = icu("keys", "add", "wall", "--role", "viewer").stdout.strip()
    ward.until("/patients", lambda answer: answer.status_code == 401)
    port = nginx_of(folder, spawn)(lines.replace("127.0.0.1:8000", f"127.0.0.1:{ward.port}"))
    check_pages(show, f"http://127.0.0.1:{port}/icu", key)


def test_beside_an_api_with_a_prefix(start: Start, folder: Path, show: Show) -> None:
    """The pages stay at the root, and find the API."""
    ward = start("supervise", API_PREFIX="/api/v1")
    ward.until("/api/v1/patients", lambda answer: answer.status_code == 200 and bool(answer.json()))
    assert ward.get("/patients").status_code == 404
    check_pages(show, ward.url)


def test_from_litestar_run(start: Start, folder: Path, show: Show) -> None:
    """Litestar's own command serves the pages too."""
    start("supervise").ready()
    litestar: Program = start(command=(str(Path(sys.executable).with_name("litestar")), "run"))
    litestar.until("/patients", lambda answer: answer.status_code == 200 and bool(answer.json()))
    check_pages(show, litestar.url)
