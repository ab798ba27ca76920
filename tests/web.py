"""An HTTP client for tests that poll."""

import ssl
from typing import Any

import httpx

# Without one that they share, each client reads all authorities of the world first, for 30 ms; nobody here speaks TLS.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

# No connection stays open: what is asked may be counting them, or stopping.
_CLIENT = httpx.Client(verify=NO_TLS, limits=httpx.Limits(max_keepalive_connections=0))


def get(url: str, *, timeout: float = 5.0, **how: Any) -> httpx.Response:
    """Send a GET on a new connection."""
    return _CLIENT.get(url, timeout=timeout, **how)
