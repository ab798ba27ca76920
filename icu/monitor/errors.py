"""Errors about requests."""

from icu.errors import Kind, PatientServiceException


class InvalidQueryError(PatientServiceException):
    """An unusable parameter of a request. The message names it and says what is accepted."""

    kind = Kind.INVALID
