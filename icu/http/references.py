"""Relative references (RFC 3986) in answers: behind a proxy that strips a prefix, servers don't know their address."""

from typing import Final
from urllib.parse import quote

from litestar.types import Scope

# Characters that stay beside letters and digits. `%` is one of them, for the path may be quoted already.
_ALLOWED: Final = "/%:@!$&'()*+,;="


def root_reference(scope: Scope) -> str:
    """Return the reference from a request to the root of its server: `./`, `../`, `../../` and so on."""
    return "../" * (_path(scope).count("/") - 1) or "./"


def own_reference(scope: Scope) -> str:
    """Return the reference from a request to itself by way of the root: `../../patient/1/metrics`."""
    return root_reference(scope) + _path(scope).removeprefix("/")


def _path(scope: Scope) -> str:
    """Return the path of the request, without the root path that a server may put in front of it."""
    # Litestar strips a trailing slash from `path`. Not all servers set `raw_path`.
    path = quote(scope.get("raw_path") or scope["path"], safe=_ALLOWED)
    return path.removeprefix(scope.get("root_path", ""))
