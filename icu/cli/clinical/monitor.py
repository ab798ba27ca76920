"""HTTP client of the monitor: its address, its answers, and its refusals in words."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from icu.cli.errors import NoMonitorError
from icu.cli.http import HttpAnswer, Server
from icu.cli.options import prepare, print_any_letter
from icu.config.settings import MonitorChild, Settings
from icu.control.errors import OrderRefusedError
from icu.errors import EXIT_CODES, Kind, UsageError

_Answer = TypeVar("_Answer")

# Addresses on which a server listens for all of them, and one at which it answers.
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound

# Variable of the environment with the key: the command line stands in the list of processes.
KEY_VARIABLE: Final = "ICU_KEY"
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")

_UNAUTHENTICATED: Final = 401
_CONFLICT: Final = 409
_UNAVAILABLE: Final = 503

# Kinds of refusals, by the HTTP status.
_KINDS: Final = {
    # A span or a name that a person typed.
    400: Kind.SENSELESS,
    403: Kind.FORBIDDEN,
    404: Kind.MISSING,
    _CONFLICT: Kind.CONFLICT,
    422: Kind.SENSELESS,
}


class _Conflict(msgspec.Struct):
    state: msgspec.Raw


class Monitor:
    """HTTP client of one monitor, which may want a key.

    Raises:
        UsageError: The address is none of a monitor, or the key cannot be one.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        if key is not None and not _KEY.fullmatch(key):
            raise UsageError(f"{KEY_VARIABLE} holds no key: python -m icu keys add prints one")
        try:
            self._server = Server(url, key=key)
        except ValueError as exc:
            raise UsageError(
                f"--url {url!r} is no address of a monitor: write for instance http://127.0.0.1:8000"
            ) from exc

    def get(self, path: str) -> HttpAnswer:
        """Send a GET.

        Raises:
            NoMonitorError: Nothing answers.
            OrderRefusedError: It answers with an error.
        """
        return self._checked(self._request("GET", path), f"{self._server.url.rstrip('/')}{path}: ")

    def fetch(self, path: str, kind: type[_Answer]) -> _Answer:
        """Send a GET, and decode the answer. Errors as of `get`; UsageError if that is no answer of a monitor."""
        return self._decoded(self.get(path), path, kind)

    def command(
        self,
        path: str,
        kind: type[_Answer],
        fields: Mapping[str, object],
        *,
        method: str = "POST",
        in_words: Callable[[bytes], str] | None = None,
    ) -> _Answer:
        """Send a command of a person, and decode the state that then holds.

        Args:
            path: Path below the prefix.
            kind: Type of the state.
            fields: Fields of the command; those that are None are left out.
            method: HTTP method.
            in_words: Describes the state that holds after a conflict, as JSON.

        Raises:
            NoMonitorError: Nothing answers.
            OrderRefusedError: It refused the command.
        """
        body = msgspec.json.encode({name: value for name, value in fields.items() if value is not None})
        answer = self._request(method, path, body)
        if answer.status == _CONFLICT and in_words is not None:
            state = msgspec.json.decode(answer.body, type=_Conflict).state
            raise OrderRefusedError(f"{answer.detail}; now: {in_words(bytes(state))}", EXIT_CODES[Kind.CONFLICT])
        return self._decoded(self._checked(answer), path, kind)

    def _request(self, method: str, path: str, body: bytes | None = None) -> HttpAnswer:
        try:
            return self._server.request(method, path, body)
        except ConnectionError as exc:
            raise NoMonitorError(self._server.url, str(exc)) from exc
        finally:
            # A person thinks for longer than a server keeps a connection open.
            self._server.close()

    @staticmethod
    def _checked(answer: HttpAnswer, before: str = "") -> HttpAnswer:
        if answer.status == _UNAVAILABLE:
            why = f"the monitor cannot do this now: {answer.detail}; try again"
            raise OrderRefusedError(why, EXIT_CODES[Kind.UNAVAILABLE])
        if answer.status == _UNAUTHENTICATED:
            why = f"{answer.detail}; write the key into the variable {KEY_VARIABLE}"
            raise OrderRefusedError(why, EXIT_CODES[Kind.UNAUTHENTICATED])
        if answer.status >= 400:
            raise OrderRefusedError(f"{before}{answer.detail}", EXIT_CODES[_KINDS.get(answer.status, Kind.INTERNAL)])
        return answer

    def _decoded(self, answer: HttpAnswer, path: str, kind: type[_Answer]) -> _Answer:
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.DecodeError as exc:
            raise UsageError(f"no monitor of this version is at {self._server.url}: its {path} is not: {exc}") from exc


def find_monitor(url: str | None, config: Path | None) -> Monitor:
    """Return the monitor at an address; without one, the first one of the settings. The key is that of ICU_KEY.

    Raises:
        UsageError: That is no address, or the settings have no monitor.
        ConfigurationError: A setting is wrong.
    """
    print_any_letter()
    return Monitor(url or _url_of(prepare(config, None)), os.environ.get(KEY_VARIABLE) or None)


def _url_of(settings: Settings) -> str:
    child = next((each for each in settings.child if isinstance(each, MonitorChild)), None)
    if child is None:
        raise UsageError("the settings have no monitor: say where it is, for instance --url http://127.0.0.1:8000")
    host = _ANY_ADDRESS.get(child.host, child.host)
    scheme = "https" if settings.api.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{child.port}{settings.api.prefix}"
