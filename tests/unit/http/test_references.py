"""Relative references in answers, which work behind a proxy that removes a prefix of the path."""

from typing import Any
from urllib.parse import urljoin

import pytest

from icu.http.references import own_reference, root_reference
from tests.faces import Face

# The address that a proxy puts in front of each path.
OUTSIDE = "https://ward.example/icu"

PATHS = ["/", "/patients", "/patients/", "/a:b", "/a%2Fb/%20c", "/patient/1/metrics"]


def scope(path: str, root_path: str = "") -> Any:
    """Make the scope of a request, as an ASGI server does."""
    return {"raw_path": f"{root_path}{path}".encode("latin-1"), "root_path": root_path}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("root_path", ["", "/icu"])
def test_from_any_address_to_the_root_and_back(path: str, root_path: str) -> None:
    """References resolve to the root and back from any address, with and without a root path."""
    asked = scope(path, root_path)
    assert urljoin(f"{OUTSIDE}{path}?limit=1", own_reference(asked)) == f"{OUTSIDE}{path}"
    assert urljoin(f"{OUTSIDE}{path}", root_reference(asked)) == f"{OUTSIDE}/"


def test_two_slashes_begin_no_host() -> None:
    """By RFC 3986 this leads back to `//other.example/a` on the same host, which urljoin does not know."""
    assert own_reference(scope("//other.example/a")) == "../..//other.example/a"


def test_servers_need_not_tell_all() -> None:
    """References work on servers that leave out raw_path and root_path, as ASGI allows."""
    asked: Any = {"path": "/patient/1/metrics"}
    assert own_reference(asked) == "../../patient/1/metrics"


def test_letters_that_no_address_has_are_quoted() -> None:
    """Some parsers let it through."""
    assert own_reference(scope('/a"<\xff>')) == "./a%22%3C%FF%3E"


@pytest.mark.parametrize("path", ["/nowhere", "/patient/1/nowhere", "/nowhere/"])
async def test_a_problem_names_what_was_asked_for(faces: list[Face], path: str) -> None:
    """A problem names the requested path, relative to its own address, on every face."""
    for each in faces:
        problem = (await each.client.get(path)).json()
        assert urljoin(f"{OUTSIDE}{path}", problem["instance"]) == f"{OUTSIDE}{path}"


@pytest.mark.parametrize("path", ["/schema/openapi.json", "/schema/openapi.json/"])
async def test_the_document_leads_to_the_server(faces: list[Face], path: str) -> None:
    """The server in the OpenAPI document is relative to the document's address."""
    for each in faces:
        [server] = (await each.client.get(path)).json()["servers"]
        assert urljoin(f"{OUTSIDE}{path}", server["url"]) == f"{OUTSIDE}/"
