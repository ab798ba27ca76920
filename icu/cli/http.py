"""HTTP client of one server of ours. The standard library is enough: an answer at a time."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

# Seconds for each answer.
TIMEOUT: Final = 10.0


class HttpAnswer(NamedTuple):
    """Answer of a server."""

    status: int
    body: bytes

    @property
    def detail(self) -> str:
        """Sentence of a problem, RFC 9457."""
        try:
            return msgspec.json.decode(self.body, type=_Problem).detail
        except msgspec.DecodeError:
            return "it answered with an error that says nothing"


class _Problem(msgspec.Struct):
    detail: str


class Server:
    """HTTP client of a server, over one connection at a time.

    Args:
        url: Its address, `http://host:port` or https, with the path before all routes if it has one.
        key: Key that is sent along; None for none.

    Raises:
        ValueError: That is no such address.
    """

    def __init__(self, url: str, *, key: str | None = None) -> None:
        self.url = url
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a server")
        self._prefix = parts.path.rstrip("/")
        connect = HTTPConnection if parts.scheme == "http" else HTTPSConnection
        self._connection = connect(parts.hostname, parts.port, timeout=TIMEOUT)
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    def close(self) -> None:
        """Close the connection. The next request opens another one."""
        self._connection.close()

    def request(self, method: str, path: str, body: bytes | None = None) -> HttpAnswer:
        """Send a request.

        Raises:
            ConnectionError: Nothing answers. The text says why.
        """
        headers = {**self._headers, **({"Content-Type": "application/json"} if body is not None else {})}
        try:
            self._connection.request(method, self._prefix + path, body, headers)
            response = self._connection.getresponse()
            return HttpAnswer(response.status, response.read())
        except (OSError, HTTPException, UnicodeError) as exc:  # UnicodeError: an impossible host name
            self.close()
            raise ConnectionError(getattr(exc, "strerror", None) or str(exc)) from exc
