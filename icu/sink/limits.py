"""Alarm limits in force, compiled once for all patients without overrides."""

from collections.abc import Mapping
from uuid import UUID

from icu.alarms.limits import NO_OVERRIDES
from icu.alarms.rules import Rules, compile_rules
from icu.store.decisions.limits import LimitVersion


class LimitsInForce:
    """Limits of the ward, and overrides of patients.

    Args:
        ward: The ward's.
        overrides: By patient.
    """

    def __init__(self, ward: LimitVersion, overrides: Mapping[UUID, LimitVersion]) -> None:
        self._ward = ward
        self._overrides = dict(overrides)
        self._common = compile_rules(ward.limits, NO_OVERRIDES)

    def rules_of(self, patient: UUID) -> Rules:
        """Return the rules of a patient."""
        own = self._overrides.get(patient)
        if own is None or own.limits == NO_OVERRIDES:
            return self._common
        return compile_rules(self._ward.limits, own.limits)

    def author_of(self, patient: UUID, *, own: bool) -> str:
        """Return the name of the person who changed the patient's own limits last, or the ward's."""
        changed = self._overrides.get(patient) if own else self._ward
        return (changed and changed.by) or ""

    def changed(self, ward: LimitVersion, overrides: Mapping[UUID, LimitVersion]) -> "LimitsInForce":
        """Return the limits with those of the ward and of some patients in place of their older versions."""
        same = ward.limits.version == self._ward.limits.version and not any(
            own.limits.version != self._version_of(patient) for patient, own in overrides.items()
        )
        return self if same else LimitsInForce(ward, {**self._overrides, **overrides})

    def _version_of(self, patient: UUID) -> int:
        own = self._overrides.get(patient)
        return 0 if own is None else own.limits.version
