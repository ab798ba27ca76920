"""Patients and alarms by the words that people type: bed, name or uuid, and condition."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from icu.cli.clinical.states import Alarm
from icu.cli.errors import UnknownAlarmError
from icu.cli.listing import escape_control
from icu.control.errors import UnknownBedError
from icu.errors import UsageError
from icu.sorting import natural

# Candidates that a message names.
_MOST: Final = 10


class Patient(NamedTuple):
    """Patient of the ward."""

    uuid: UUID
    name: str | None
    # Label; None without an admission.
    bed: str | None

    def __str__(self) -> str:
        name = self.name or f"patient {self.uuid}"
        return escape_control(name if self.bed is None else f"bed {self.bed}, {name}")


def choose_patient(patients: Sequence[Patient], word: str) -> Patient:
    """Return the patient whom a word names: the label of the bed, the uuid, the name, or a word of the name.

    Raises:
        UnknownBedError: It names nobody.
        UsageError: It names several; the message says which.
    """
    found = [each for each in patients if word in {each.bed, str(each.uuid)}]
    found = found or [each for each in patients if _fold(each.name) == _fold(word)]
    found = found or [each for each in patients if _fold(word) in _fold(each.name).split()]
    if not found:
        raise UnknownBedError(escape_control(word), [escape_control(each.bed or each.name or "") for each in patients])
    if len(found) > 1:
        found.sort(key=lambda each: natural(str(each)))
        raise UsageError(f"{escape_control(word)!r} names {len(found)} patients: {_some(found)}")
    return found[0]


def choose_alarm(alarms: Sequence[Alarm], patients: Sequence[Patient], words: Sequence[str]) -> Alarm:
    """Return the active alarm that words name: its id, or a patient, and the condition where there are several.

    Args:
        alarms: Active alarms of the ward.
        patients: Patients of the ward.
        words: An id; or a patient; or a patient and a condition: `spo2.low`, or its beginning, `spo2`.

    Raises:
        UnknownAlarmError: There is no such alarm.
        UnknownBedError: There is no such patient.
        UsageError: There are several; the message says which.
    """
    first, *rest = words
    for alarm in alarms:
        if str(alarm.id) == first or (alarm.patient_uuid is None and alarm.condition == first):
            return alarm
    patient = choose_patient(patients, first)
    own = [each for each in alarms if each.patient_uuid == patient.uuid]
    [wanted] = rest or [""]
    found = [each for each in own if not wanted or f"{each.condition}.".startswith(f"{wanted}.")]
    if not found:
        raise UnknownAlarmError(str(patient), wanted, [each.condition for each in own])
    if len(found) > 1:
        raise UsageError(f"{patient} has {len(found)} alarms, say which: {', '.join(each.condition for each in found)}")
    return found[0]


def _fold(text: str | None) -> str:
    return (text or "").casefold()


def _some(patients: Sequence[Patient]) -> str:
    named = [str(each) if each.bed else f"{each} ({each.uuid})" for each in patients[:_MOST]]
    return "; ".join([*named, "..."] if len(patients) > _MOST else named)
