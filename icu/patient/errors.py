"""Errors of patients, scenarios and recordings."""

from collections.abc import Sequence

from icu.config.errors import ConfigurationError
from icu.errors import Kind, PatientServiceException


class RecordingError(ConfigurationError):
    """A recording or data set cannot be used. The message names the file and, where there is one, the line."""


class UnknownScenarioError(PatientServiceException):
    """No scenario has this name."""

    kind = Kind.UNKNOWN

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no scenario {name[:80]!r}: choose one of {', '.join(known)}")


class RecordedPatientError(PatientServiceException):
    """A request that only a simulated patient can fulfil, made to a recorded one."""

    kind = Kind.CONFLICT

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a recording: what happened has happened, and nobody wrote down why")


class NotReadyError(PatientServiceException):
    """The service runs, but something that it needs does not yet. The message says what to do."""

    kind = Kind.UNREADY
