"""What tests of the roles over Kafka share: a look at figures."""

import re
from collections.abc import Callable

import httpx


def figure(response: httpx.Response, name: str) -> float | None:
    """A figure of /metrics, by its name and labels; None where it is not told."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", response.text, re.MULTILINE)
    return float(found[1]) if found else None


def reached(name: str, least: float) -> Callable[[httpx.Response], bool]:
    """Whether a figure of /metrics is as large as this, or larger."""
    return lambda response: (figure(response, name) or 0) >= least
