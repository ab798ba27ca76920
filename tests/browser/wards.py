"""Wards for pages to show."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from tests import web
from tests.e2e.conftest import TIMEOUT, Program, Start

SERVICES: Final = '[[child]]\nrole = "sink"\n[[child]]\nrole = "monitor"\n'
QUIET: Final = "scenario_rate = 0\nartefacts = 0\n"

# Any pulse is beyond it, at once.
LOW_LIMIT: Final = {
    "pulse.low": {"values": {"medium": None, "high": None}},
    "pulse.high": {"values": {"medium": 36, "high": None}, "delays": {"medium": 0}, "off_delay": 5},
}

BY: Final = "Nurse Okafor"


def ward_file(patients: Iterable[str], *, places: int, services: str = SERVICES) -> str:
    """Return the settings of a ward. Patients are names, or names with more lines below them."""
    children = "".join(f'[[child]]\nrole = "patient"\nname = "{each}\n' for each in patients)
    return f"[ward]\nbeds = {places}\n{services}{children}"


def stable(name: str) -> str:
    """Return the lines of a patient who stays as they are."""
    return f'{name}"\n{QUIET}'


def recorded(name: str, file: str) -> str:
    """Return the lines of a patient who is a recording."""
    return f'{name}"\nrecording = "{file}"\n'


def write_recording(path: Path, rows: Sequence[str], seconds: int = 600) -> None:
    """Write a recording of a row a second; its last row goes on."""
    lines = [*rows, *[rows[-1]] * (seconds - len(rows))]
    text = "".join(f"{second},{row}\n" for second, row in enumerate(lines))
    path.write_text(f"seconds,hr,spo2,resp,temp,sbp,dbp\n{text}")


class Ward:
    """A running ward, and what people do to it without a page."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.url = program.url

    def wait_for(self, beds: int) -> "Ward":
        """Wait until so many patients have a reading."""
        self.program.until("/patients", lambda found: sum(bool(each["latest"]) for each in _list(found)) == beds)
        return self

    def patient(self, name: str) -> str:
        """Return the uuid of a patient."""
        return next(each["uuid"] for each in self.get("patients") if each["name"] == name)

    def get(self, path: str) -> Any:
        """Send a GET."""
        return web.get(f"{self.url}/{path}", timeout=TIMEOUT).raise_for_status().json()

    def command(self, method: str, path: str, **body: Any) -> Any:
        """Send a command by a nurse."""
        answer = httpx.request(
            method, f"{self.url}/{path}", json={"by": BY, **body}, timeout=TIMEOUT, verify=web.NO_TLS, trust_env=False
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def set_limits(self, name: str, conditions: dict[str, Any]) -> None:
        """Set the limits of one patient."""
        path = f"patient/{self.patient(name)}/limits"
        self.command("PUT", path, version=self.get(path)["version"], conditions=conditions)

    def alarm(self, name: str, **fields: Any) -> dict[str, Any]:
        """Wait for an alarm of a patient with these fields."""
        uuid = self.patient(name)

        def fits(alarm: dict[str, Any]) -> bool:
            return alarm["patient_uuid"] == uuid and fields.items() <= alarm.items()

        found = self.program.until("/alarms", lambda answer: any(map(fits, _list(answer))))
        return next(filter(fits, found.json()))


def open_ward(start: Start, folder: Path, patients: Sequence[str], *, places: int, **environ: str) -> Ward:
    """Write the settings of a ward, and start it."""
    (folder / "supervisor.toml").write_text(ward_file(patients, places=places))
    return Ward(start("supervise", folder=folder, **environ).ready()).wait_for(len(patients))


def _list(answer: httpx.Response) -> list[dict[str, Any]]:
    return answer.json() if answer.status_code == 200 else []
