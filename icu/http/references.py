"""Relative references (RFC 3986): behind a proxy that takes a path away, a server knows none of its own addresses."""

from typing import Final
from urllib.parse import quote

from litestar.types import Scope

# Beside letters and digits; `%` begins what is quoted already.
_ALLOWED: Final = "/%:@!$&'()*+,;="


def root_reference(scope: Scope) -> str:
    """The way from the address of a request to the root of its server: `./`, `../`, `../../` and so on."""
    return "../" * (_path(scope).count("/") - 1) or "./"


def own_reference(scope: Scope) -> str:
    """The way from the address of a request to itself, by the root: `../../patient/1/metrics`."""
    return root_reference(scope) + _path(scope).removeprefix("/")


def _path(scope: Scope) -> str:
    """The path as it was asked for, without the outer path that a server puts in front if it is told of one."""
    # From `path` Litestar takes a slash at the end away; `raw_path` is what not all servers tell.
    path = quote(scope.get("raw_path") or scope["path"], safe=_ALLOWED)
    return path.removeprefix(scope.get("root_path", ""))
