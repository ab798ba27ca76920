"""What patients, scenarios and recordings cannot give."""

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
    """A recorded patient was asked what only a simulated one can do."""

    kind = Kind.CONFLICT

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a recording: what happened has happened, and nobody wrote down why")


class NotReadyError(PatientServiceException):
    """The service runs, but something that it needs does not yet. The message says what to start."""

    kind = Kind.UNREADY
