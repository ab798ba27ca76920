"""Errors of orders over the control socket."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import ClassVar

from icu.config.errors import ConfigurationError
from icu.errors import Kind
from icu.sorting import natural
from icu.supervisor.errors import SupervisionError


class UnknownChildError(SupervisionError):
    """No child has the id, or matches the pattern."""

    kind = Kind.NO_CHILD

    noun: ClassVar[str] = "child"

    def __init__(self, pattern: str, known: Sequence[str]) -> None:
        near = get_close_matches(pattern, known, n=1)
        some = [*known[:10], "..."] if len(known) > 10 else known
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(some) or 'none'}"
        super().__init__(f"no {self.noun} is called {pattern}: {hint}")


class UnknownBedError(UnknownChildError):
    """Neither a patient nor a patient child has the name or uuid, or matches the pattern."""

    noun = "bed or patient"

    def __init__(self, pattern: str, known: Sequence[str]) -> None:
        super().__init__(pattern, sorted(known, key=natural))


class PartlyDoneError(SupervisionError):
    """An order was carried out, but some children did not start."""

    kind = Kind.PARTLY_DONE


class NoSupervisorError(SupervisionError):
    """No supervisor answers at the control socket."""

    transient = True
    kind = Kind.UNAVAILABLE

    def __init__(self, why: str) -> None:
        super().__init__(
            f"no supervisor answers: {why}; start one (python -m icu supervise), "
            "or name the settings that it runs with (--config)"
        )


class NobodyListensError(NoSupervisorError):
    """No supervisor runs: nothing listens in any place of the control socket."""


class NoAnswerError(SupervisionError):
    """A child in a process of its own did not answer. The message names it."""

    transient = True
    kind = Kind.UNAVAILABLE


class NotEmulatedError(SupervisionError):
    """No running child emulates the patient: there is no truth, and no scenario can begin."""

    kind = Kind.CONFLICT


class OrderRefusedError(SupervisionError):
    """A supervisor, a bedside or a monitor refused an order. The text is its own."""

    def __init__(self, why: str, exit_code: int, kind: Kind = Kind.INTERNAL) -> None:
        self._exit_code = exit_code
        self.kind = kind
        super().__init__(why)

    @property
    def exit_code(self) -> int:
        """Exit code that the refusal gives."""
        return self._exit_code


class SupervisorRunsError(ConfigurationError):
    """Another supervisor already answers at the control socket."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"a supervisor of this database runs already (it answers at {path}): python -m icu status shows it; "
            "give this one another database, or a socket of its own (`socket = ` below [supervisor])"
        )
