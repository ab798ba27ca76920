"""The ward as a monitor shows it: its patients by name and bed, and their alarms."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec

from icu.cli.clinical.choosing import Patient, choose_patient
from icu.cli.clinical.monitor import Monitor, find_monitor
from icu.cli.clinical.states import Alarm, Named, WardState


class View(NamedTuple):
    """One look at the ward."""

    state: WardState
    # Active ones, the most urgent first.
    alarms: Sequence[Alarm]
    patients: Sequence[Patient]

    def patient(self, uuid: UUID | None) -> Patient | None:
        """Return a patient; None for the ward itself."""
        return next((each for each in self.patients if each.uuid == uuid), None)


class Ward:
    """Ward of one monitor.

    Names are fetched again only with an unknown patient: there may be thousands.
    """

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self._names: Mapping[UUID, str | None] = {}

    def look(self, *, patient: UUID | None = None) -> View:
        """Fetch the state, the alarms, of one patient or of all, and the patients.

        Raises:
            NoMonitorError: Nothing answers.
            OrderRefusedError: It answers with an error.
        """
        state = self.monitor.fetch("/ward", WardState)
        alarms = self.monitor.fetch(_alarms(patient), list[Alarm])
        return View(state, alarms, self._patients(state, alarms))

    def patient(self, word: str) -> Patient:
        """Return the patient whom a word names: bed, name or uuid.

        Raises:
            UnknownBedError: It names nobody.
            UsageError: It names several.
            NoMonitorError: Nothing answers.
            OrderRefusedError: It answers with an error.
        """
        return choose_patient(self.patients(), word)

    def patients(self) -> Sequence[Patient]:
        """Fetch the patients. Errors as of `look`."""
        return self._patients(self.monitor.fetch("/ward", WardState), ())

    def alarms_as_json(self, patient: UUID | None = None) -> str:
        """Fetch the alarms, of one patient or of all, as the API has them: one line. Errors as of `look`."""
        return bytes(self.monitor.fetch(_alarms(patient), msgspec.Raw)).decode()

    def _patients(self, state: WardState, alarms: Sequence[Alarm]) -> Sequence[Patient]:
        beds = {each.patient_uuid: each.bed for each in state.taken}
        shown = {*beds, *(each.patient_uuid for each in alarms if each.patient_uuid is not None)}
        if not self._names or not shown <= self._names.keys():
            self._names = {each.uuid: each.name for each in self.monitor.fetch("/patients", list[Named])}
        return [Patient(uuid, name, beds.get(uuid)) for uuid, name in self._names.items()]


def find_ward(url: str | None, config: Path | None) -> Ward:
    """Return the ward of the monitor at an address, or of the one in the settings. Errors as of `find_monitor`."""
    return Ward(find_monitor(url, config))


def _alarms(patient: UUID | None) -> str:
    return "/alarms" if patient is None else f"/alarms?patient={patient}"


def time_of_day(moment: datetime) -> str:
    """Format a time on this machine's clock."""
    return f"{moment.astimezone():%H:%M:%S}"
