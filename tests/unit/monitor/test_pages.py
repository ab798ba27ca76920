"""The pages of the central station over HTTP: where they stand, and what they may load."""

import re
from urllib.parse import urljoin

import httpx
import pytest

from tests.samples import ANNA

PAGES = ["/", f"/bedside/{ANNA}"]


@pytest.mark.parametrize("path", PAGES)
async def test_pages_find_the_api_and_their_files(monitor: httpx.AsyncClient, path: str) -> None:
    """They stand at the root, without the API's prefix, and all their addresses are relative."""
    root = str(monitor.base_url).removesuffix("api/")
    page = await monitor.get(urljoin(root, path))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert all(each.startswith((".", "..")) for each in addresses)
    loaded = [urljoin(str(page.url), each) for each in addresses if "/web/" in each]
    assert len(loaded) == 4
    for each in loaded:
        assert (await monitor.get(each)).status_code == 200
    [api] = re.findall(r'data-api="([^"]+)"', page.text)
    assert urljoin(str(page.url), api) == f"{root}api/"


async def test_nothing_inline_and_nothing_from_elsewhere(monitor: httpx.AsyncClient) -> None:
    """The policy forbids both, and frames of others."""
    page = await monitor.get(urljoin(str(monitor.base_url), "/"))
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert re.findall(r"<script(?![^>]* src=)|<style| on\w+=| style=", page.text) == []


@pytest.mark.parametrize("path", ["/web/package.json", "/web/pages.py", "/web/app/../pages.py", "/web/app/none.js"])
async def test_other_files_are_not_served(monitor: httpx.AsyncClient, path: str) -> None:
    """The folders of the page are served, and nothing beside them."""
    assert (await monitor.get(urljoin(str(monitor.base_url), path))).status_code == 404


async def test_files_are_kept_by_browsers(monitor: httpx.AsyncClient) -> None:
    """A browser that has a file asks if it still holds. Files are compressed for those who take it."""
    url = urljoin(str(monitor.base_url), "/web/app/text/en.js")
    plain = await monitor.get(url, headers={"Accept-Encoding": "identity"})
    small = await monitor.get(url, headers={"Accept-Encoding": "gzip"})
    assert plain.headers["content-type"] == small.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.content == small.content
    assert small.num_bytes_downloaded < plain.num_bytes_downloaded / 2
    again = await monitor.get(url, headers={"If-None-Match": small.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", plain.headers["etag"])
    assert (await monitor.get(url, headers={"If-None-Match": 'W/"other"'})).status_code == 200


async def test_limits_of_all_patients(monitor: httpx.AsyncClient) -> None:
    """Without a database it is 503, as everywhere."""
    assert (await monitor.get("ward/limits")).status_code == 503
