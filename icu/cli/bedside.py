"""Orders to the port of a child with patients, for beds that no supervisor of ours looks after."""

from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from icu.cli.errors import NoBedsideError
from icu.config.settings import BEDS
from icu.control.errors import OrderRefusedError, UnknownBedError
from icu.control.protocol import ScenarioStarted
from icu.errors import EXIT_CODES, Kind, UsageError
from icu.patient.beds import Identity

PATIENCE: Final = 10.0
"""Seconds for each answer."""

_RECORDED: Final = 409


class _Occupant(msgspec.Struct):
    uuid: UUID
    name: str


class _Problem(msgspec.Struct):
    detail: str


def befall(url: str, bed: str | None, scenario: str) -> ScenarioStarted:
    """Let a scenario befall the patients at this address whom `bed` means; None: the only one.

    NoBedsideError where nobody answers, UnknownBedError, OrderRefusedError for whatever else it says.
    """
    patients: list[str] = []
    problems: list[str] = []
    with closing(_Bedside(url)) as bedside:
        for each in _meant(bedside.occupants(), bed):
            problem = bedside.befall(each, scenario)
            (patients if problem is None else problems).append(problem or each.name)
    return ScenarioStarted(patients, problems)


def _meant(occupants: list[Identity], bed: str | None) -> list[Identity]:
    if bed is None and len(occupants) != 1:
        raise UsageError(f"there are {len(occupants)} patients: say which, or `{BEDS}` for all")
    pattern = "*" if bed is None or bed == BEDS else bed
    found = [each for each in occupants if each.matches(pattern)]
    if not found:
        raise UnknownBedError(pattern, [each.name for each in occupants])
    return found


class _Bedside:
    """A port, and one connection to it."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise _no_address(url) from exc
        if parts.scheme != "http" or not parts.hostname:
            raise _no_address(url)
        self._prefix = parts.path.rstrip("/")
        self._connection = HTTPConnection(parts.hostname, port, timeout=PATIENCE)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def occupants(self) -> list[Identity]:
        """Who lies there."""
        status, answer = self._ask("GET", "/patients")
        try:
            return [Identity(each.uuid, each.name) for each in msgspec.json.decode(answer, type=list[_Occupant])]
        except msgspec.DecodeError as exc:
            raise UsageError(f"no patients are at {self._url}: it answers {status} to /patients") from exc

    def befall(self, patient: Identity, scenario: str) -> str | None:
        """Let a scenario befall a patient; why it does not befall this one."""
        order = msgspec.json.encode({"scenario": scenario})
        status, answer = self._ask("POST", f"/patient/{patient.uuid}/scenario", order)
        if status == _RECORDED:
            return _detail(answer)
        if status >= 400:
            raise OrderRefusedError(_detail(answer), EXIT_CODES[Kind.USAGE if status < 500 else Kind.UNAVAILABLE])
        return None

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        try:
            self._connection.request(method, self._prefix + path, body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException, UnicodeError) as exc:  # UnicodeError: a host that no name can be
            raise NoBedsideError(self._url, getattr(exc, "strerror", None) or str(exc)) from exc


def _no_address(url: str) -> UsageError:
    return UsageError(f"--url {url!r} is no address of a patient's port: write for instance http://127.0.0.1:8101")


def _detail(answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=_Problem).detail
    except msgspec.DecodeError:
        return "it answered with an error that says nothing"
