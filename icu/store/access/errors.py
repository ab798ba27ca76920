"""Errors of log-ins, keys and users. Each is an answer of the HTTP API."""

from icu.errors import Kind, PatientServiceException


class LogInRefusedError(PatientServiceException):
    """A log-in failed. The message does not tell if the name exists."""

    kind = Kind.UNAUTHENTICATED


class UnknownPrincipalError(PatientServiceException):
    """No key or user has the given name."""

    kind = Kind.UNKNOWN
