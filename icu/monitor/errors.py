"""Requests that cannot be answered."""

from icu.errors import Kind, PatientServiceException


class InvalidQueryError(PatientServiceException):
    """A parameter of the request cannot be used. The message names it and says what is accepted."""

    kind = Kind.INVALID
