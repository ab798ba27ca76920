"""Refusals of commands. Each is an answer of the HTTP API."""

from msgspec import Struct

from icu.errors import Kind, PatientServiceException


class AlarmNotFoundError(PatientServiceException):
    """No alarm has the given id."""

    kind = Kind.MISSING

    def __init__(self, alarm: object) -> None:
        super().__init__(f"no alarm has the id {alarm}")


class CommandConflictError(PatientServiceException):
    """The state is not the one that the command was meant for.

    Args:
        why: What is different, and what to do.
        state: State that holds, to be part of the answer.
    """

    kind = Kind.CONFLICT

    def __init__(self, why: str, state: Struct) -> None:
        super().__init__(why)
        self.state = state


class SenselessCommandError(PatientServiceException):
    """A value of the command makes no sense. The message says what to write."""

    kind = Kind.SENSELESS


class LetterNotFoundError(PatientServiceException):
    """No dead letter has the given id."""

    kind = Kind.NO_CHILD

    def __init__(self, letter: object) -> None:
        super().__init__(f"no dead letter has the id {letter}: python -m icu dead-letters list")


class ReplayRefusedError(PatientServiceException):
    """A dead letter cannot be replayed. The message says why."""

    kind = Kind.CONFLICT

    def __init__(self, letter: object, why: str) -> None:
        super().__init__(f"{letter} cannot be replayed: {why}")
