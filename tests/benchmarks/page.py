"""The page in a real Chromium: time of its main thread, delay from the store to the screen, and bytes over the wire."""

from playwright.sync_api import sync_playwright

from tests.benchmarks import page_bytes, page_wall
from tests.browser.screens import find_chromium


def main() -> None:
    """Print all three. Says so, and measures nothing, where there is no Chromium."""
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            print("left out, for want of Chromium (.ci/browser brings one)")
            return
        with playwright.chromium.launch(executable_path=path) as browser:
            page_wall.main(browser)
            page_bytes.main(browser)
