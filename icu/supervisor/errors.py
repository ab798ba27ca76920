"""Errors of children that do not behave as their specification says, and of supervisors that give up."""

import signal

from icu.errors import IcuError, Kind


class SupervisionError(IcuError):
    """A child did not behave as its specification says, or a supervisor gave up."""


class ChildStartTimeoutError(SupervisionError):
    """The child did not say "started" in time."""

    transient = True
    kind = Kind.UNREADY

    def __init__(self, child: str, timeout: float) -> None:
        super().__init__(f"{child} did not start within {timeout:g} s")


class ChildEndedEarlyError(SupervisionError):
    """The child ended before it said "started"."""

    def __init__(self, child: str) -> None:
        super().__init__(f"{child} ended before it had started")


class StrayCancellationError(SupervisionError):
    """A cancellation that no cancel scope requested ended the child: a library leaked it."""

    transient = True
    kind = Kind.UNREADY

    def __init__(self, child: str) -> None:
        super().__init__(f"{child} was cancelled by something inside it that nobody asked for")


class ProcessEndedError(SupervisionError):
    """A process ended by itself: with an exit code other than 0, or by a signal."""

    def __init__(self, code: int, last_line: str) -> None:
        """Describe the end of a process.

        Args:
            code: The exit code, or the negative number of the signal, as subprocess has it.
            last_line: The last line of its output that may be the reason; empty for none.
        """
        self._exit_code = code if code >= 0 else 128 - code
        # In one word, as a label of metrics: exit-3, SIGSEGV.
        self.how = f"exit-{code}" if code >= 0 else signal.Signals(-code).name
        how = f"exit code {code}" if code >= 0 else f"signal {self.how}"
        super().__init__(f"{how}: {last_line}" if last_line else how)

    @property
    def exit_code(self) -> int:
        """The process's own exit code, or 128 and the number of the signal, as in shells."""
        return self._exit_code


class ProcessSilentError(SupervisionError):
    """A process did not notify its watchdog in time, and was killed."""

    transient = True
    kind = Kind.UNREADY

    def __init__(self, limit: float) -> None:
        super().__init__(f"no sign of life for {limit:g} s: killed")


class ProcessKilledError(SupervisionError):
    """A process did not stop within its grace, and was killed."""

    def __init__(self, grace: float) -> None:
        super().__init__(f"it did not stop within {grace:g} s: killed")


class RestartIntensityError(SupervisionError):
    """A child died more often than its supervisor allows: everything was stopped."""

    def __init__(self, child: str, deaths: int, period: float, last: BaseException | None) -> None:
        self.child = child
        why = f"; last: {last}" if last else ""
        super().__init__(f"{child} died {deaths} times within {period:g} s, more than allowed: giving up{why}")
