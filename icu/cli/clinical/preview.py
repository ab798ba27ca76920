"""Automatic limits before they are set, by the values that a patient has now."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from icu.alarms.auto import auto_limits
from icu.alarms.limits import ConditionLimits, Limits, change, merge
from icu.alarms.sample import sample_of
from icu.cli.clinical.choosing import Patient
from icu.cli.clinical.monitor import Monitor
from icu.cli.clinical.states import LimitsState
from icu.messages import Served
from icu.vitals.catalogue import DIASTOLIC, SIGNS, SYSTOLIC, VitalSigns
from icu.vitals.signs import parse_blood_pressure


class _Summary(Struct, frozen=True):
    """Patient of `GET /patients`."""

    uuid: UUID
    latest: Served | None
    stale: bool | None


def preview(monitor: Monitor, patient: Patient, own: LimitsState) -> Mapping[str, ConditionLimits]:
    """Return the limits in force that automatic ones would give now; the monitor makes them from the values then."""
    ward = monitor.fetch("/limits", LimitsState)
    limits, overrides = Limits(ward.version, ward.conditions), Limits(own.version, own.conditions)
    made = auto_limits(_values(monitor, patient.uuid), limits, overrides)
    return merge(limits, change(overrides, made.conditions))


def _values(monitor: Monitor, patient: UUID) -> VitalSigns:
    """Fetch the patient's values; None for those that are missing or flagged, or all if they are old."""
    for each in monitor.fetch("/patients", list[_Summary]):
        if each.uuid == patient and each.latest is not None and each.stale is False:
            return _valid(each.latest)
    return VitalSigns()


def _valid(reading: Served) -> VitalSigns:
    systolic, diastolic = (None, None) if reading.bp is None else parse_blood_pressure(reading.bp)
    halves = {SYSTOLIC.name: systolic, DIASTOLIC.name: diastolic}
    values = [halves[each.name] if each.name in halves else getattr(reading, each.name) for each in SIGNS]
    hundredths = [None if value is None or value is UNSET else round(100 * value) for value in values]
    quality = None if reading.quality is UNSET else msgspec.json.encode(reading.quality).decode()
    valid = sample_of((0, 0, 0, *hundredths, None, quality)).valid
    return VitalSigns(*(None if value is None else value / 100 for value in valid))
