"""Errors about requests."""

from icu.errors import Kind, PatientServiceException


class InvalidQueryError(PatientServiceException):
    """An unusable parameter of a request. The message names it and says what is accepted."""

    kind = Kind.INVALID


class UnauditedError(PatientServiceException):
    """A scenario has begun, and the audit could not be written."""

    kind = Kind.UNAVAILABLE

    def __init__(self, scenario: str, why: str) -> None:
        super().__init__(f"{scenario} has begun, but the audit lacks it: {why}")


class FormatUnavailableError(PatientServiceException):
    """A format whose library is not installed."""

    kind = Kind.UNACCEPTABLE

    def __init__(self, name: str, library: str) -> None:
        super().__init__(
            f"`format={name}` needs {library}, which is not installed where the monitor runs: pip install {library}, "
            "or ask for `format=csv`"
        )
