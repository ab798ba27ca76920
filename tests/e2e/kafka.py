"""Metrics of roles, for tests over Kafka."""

import re
from collections.abc import Callable

import httpx


def figure(response: httpx.Response, name: str) -> float | None:
    """Return the value of a metric by its name and labels; None where it is absent."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", response.text, re.MULTILINE)
    return float(found[1]) if found else None


def reached(name: str, least: float) -> Callable[[httpx.Response], bool]:
    """Check if a metric has at least this value."""
    return lambda response: (figure(response, name) or 0) >= least
