"""Scenarios by HTTP, for patients that no supervisor of ours looks after."""

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
from icu.patient.patients import Identity

# Seconds for each answer.
TIMEOUT: Final = 10.0

# HTTP status for a recorded patient, who has no scenarios.
_RECORDED: Final = 409


class _Occupant(msgspec.Struct):
    uuid: UUID
    name: str


class _Problem(msgspec.Struct):
    detail: str


def begin_scenario(url: str, bed: str | None, scenario: str) -> ScenarioStarted:
    """Begin a scenario for patients at an address.

    Args:
        url: Address of a patient child.
        bed: Name, uuid or pattern of the patients; None for the only one.
        scenario: Name of the scenario.

    Returns:
        Names of the patients in the scenario, and reasons for the others.

    Raises:
        NoBedsideError: Nothing answers at the address.
        UnknownBedError: No patient there matches.
        OrderRefusedError: Any other error that it answers with.
    """
    patients: list[str] = []
    problems: list[str] = []
    with closing(_Bedside(url)) as bedside:
        for each in _select(bedside.occupants(), bed):
            problem = bedside.begin_scenario(each, scenario)
            (patients if problem is None else problems).append(problem or each.name)
    return ScenarioStarted(patients, problems)


def _select(occupants: list[Identity], bed: str | None) -> list[Identity]:
    if bed is None and len(occupants) != 1:
        raise UsageError(f"there are {len(occupants)} patients: say which, or `{BEDS}` for all")
    pattern = "*" if bed is None or bed == BEDS else bed
    found = [each for each in occupants if each.matches(pattern)]
    if not found:
        raise UnknownBedError(pattern, [each.name for each in occupants])
    return found


class _Bedside:
    """HTTP client of one patient child, over a single connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise _bad_url(url) from exc
        if parts.scheme != "http" or not parts.hostname:
            raise _bad_url(url)
        self._prefix = parts.path.rstrip("/")
        self._connection = HTTPConnection(parts.hostname, port, timeout=TIMEOUT)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def occupants(self) -> list[Identity]:
        """Fetch the identities of the patients."""
        status, answer = self._request("GET", "/patients")
        try:
            return [Identity(each.uuid, each.name) for each in msgspec.json.decode(answer, type=list[_Occupant])]
        except msgspec.DecodeError as exc:
            raise UsageError(f"no patients are at {self._url}: it answers {status} to /patients") from exc

    def begin_scenario(self, patient: Identity, scenario: str) -> str | None:
        """Begin a scenario for a patient.

        Returns:
            Why it cannot begin for this patient, a recording; None where it has begun.
        """
        order = msgspec.json.encode({"scenario": scenario})
        status, answer = self._request("POST", f"/patient/{patient.uuid}/scenario", order)
        # A recording among the patients is no reason to leave the others out; any other error is.
        if status == _RECORDED:
            return _detail(answer)
        if status >= 400:
            raise OrderRefusedError(_detail(answer), EXIT_CODES[Kind.USAGE if status < 500 else Kind.UNAVAILABLE])
        return None

    def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        try:
            self._connection.request(method, self._prefix + path, body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException, UnicodeError) as exc:  # UnicodeError: an impossible host name
            raise NoBedsideError(self._url, getattr(exc, "strerror", None) or str(exc)) from exc


def _bad_url(url: str) -> UsageError:
    return UsageError(f"--url {url!r} is no address of a patient's port: write for instance http://127.0.0.1:8101")


def _detail(answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=_Problem).detail
    except msgspec.DecodeError:
        return "it answered with an error that says nothing"
