"""Scenarios by HTTP, for patients that no supervisor of ours looks after."""

from contextlib import closing
from typing import Final
from uuid import UUID

import msgspec

from icu.cli.errors import NoBedsideError
from icu.cli.http import HttpAnswer, Server
from icu.config.settings import BEDS
from icu.control.errors import OrderRefusedError, UnknownBedError
from icu.control.protocol import ScenarioStarted
from icu.errors import EXIT_CODES, Kind, UsageError
from icu.patient.patients import Identity

# HTTP status for a recorded patient, who has no scenarios.
_RECORDED: Final = 409


class _Occupant(msgspec.Struct):
    uuid: UUID
    name: str


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
        try:
            self._server = Server(url)
        except ValueError as exc:
            raise UsageError(
                f"--url {url!r} is no address of a patient's port: write for instance http://127.0.0.1:8101"
            ) from exc

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    def occupants(self) -> list[Identity]:
        """Fetch the identities of the patients."""
        answer = self._request("GET", "/patients")
        try:
            return [Identity(each.uuid, each.name) for each in msgspec.json.decode(answer.body, type=list[_Occupant])]
        except msgspec.DecodeError as exc:
            raise UsageError(f"no patients are at {self._server.url}: it answers {answer.status} to /patients") from exc

    def begin_scenario(self, patient: Identity, scenario: str) -> str | None:
        """Begin a scenario for a patient.

        Returns:
            Why it cannot begin for this patient, a recording; None where it has begun.
        """
        order = msgspec.json.encode({"scenario": scenario})
        answer = self._request("POST", f"/patient/{patient.uuid}/scenario", order)
        # A recording among the patients is no reason to leave the others out; any other error is.
        if answer.status == _RECORDED:
            return answer.detail
        if answer.status >= 400:
            raise OrderRefusedError(answer.detail, EXIT_CODES[Kind.USAGE if answer.status < 500 else Kind.UNAVAILABLE])
        return None

    def _request(self, method: str, path: str, body: bytes | None = None) -> HttpAnswer:
        try:
            return self._server.request(method, path, body)
        except ConnectionError as exc:
            raise NoBedsideError(self._server.url, str(exc)) from exc
