"""Answers over HTTP that are no success: each carries its status, and says what to do."""

from collections.abc import Sequence
from typing import ClassVar

from icu.errors.root import IcuError


class PatientServiceException(IcuError):  # noqa: N818 - the brief's own name
    """An answer of the HTTP API that is not a success. `status` is the HTTP status code."""

    status: ClassVar[int] = 500


class PatientNotFoundError(PatientServiceException):
    """No patient has this identity."""

    status = 404

    def __init__(self, patient_uuid: object) -> None:
        super().__init__(f"no patient has the uuid {patient_uuid}")


class InvalidQueryError(PatientServiceException):
    """A parameter of the request cannot be used. The message names it and says what is accepted."""

    status = 400


class UnknownHostError(PatientServiceException):
    """The request asks for a host that is not this one."""

    status = 400

    def __init__(self) -> None:
        super().__init__(
            "the Host header does not name this server: call it 127.0.0.1, or list the name (`hosts` under [api])"
        )


class UnreadableBodyError(PatientServiceException):
    """The body of the request cannot be read. The message says why."""

    status = 400


class ForeignOriginError(PatientServiceException):
    """A page that is nobody's here sends what only known ones may."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "pages of this origin may not command this server: list the origin (`cors_origins` under [api]); "
            "a page without one (`null`), from a file or a sandboxed frame, has to be served by a web server"
        )


class BodyTypeError(PatientServiceException):
    """The request has a body that does not say it is JSON."""

    status = 415

    def __init__(self) -> None:
        super().__init__("a body is taken as JSON alone: send it as such, with `Content-Type: application/json`")


class UnknownScenarioError(PatientServiceException):
    """No scenario has this name."""

    status = 404
    exit_code = 64

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no scenario {name[:80]!r}: choose one of {', '.join(known)}")


class RecordedPatientError(PatientServiceException):
    """A recorded patient was asked what only a simulated one can do."""

    status = 409
    exit_code = 64

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a recording: what happened has happened, and nobody wrote down why")


class NotReadyError(PatientServiceException):
    """The service runs, but something that it needs does not yet. The message says what to start."""

    status = 503
