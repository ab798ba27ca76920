"""What becomes of children that do not behave as their specification says."""

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
    """The child was ended by a cancellation that nobody asked for: a library below leaked it."""

    transient = True
    kind = Kind.UNREADY

    def __init__(self, child: str) -> None:
        super().__init__(f"{child} was cancelled by something inside it that nobody asked for")


class ProcessEndedError(SupervisionError):
    """A process has ended: `how`, in a word; `exit_code` is its own, or 128 and the signal's number, as in shells."""

    def __init__(self, code: int, last_words: str) -> None:
        self._exit_code = code if code >= 0 else 128 - code
        self.how = f"exit-{code}" if code >= 0 else signal.Signals(-code).name
        how = f"exit code {code}" if code >= 0 else f"signal {self.how}"
        super().__init__(f"{how}: {last_words}" if last_words else how)

    @property
    def exit_code(self) -> int:
        """The process's own, or 128 and the signal's number."""
        return self._exit_code


class ProcessSilentError(SupervisionError):
    """A process no longer showed that it was alive, and was killed."""

    transient = True
    kind = Kind.UNREADY

    def __init__(self, limit: float) -> None:
        super().__init__(f"no sign of life for {limit:g} s: killed")


class ProcessKilledError(SupervisionError):
    """A process did not stop when it was asked to, and was killed."""

    def __init__(self, grace: float) -> None:
        super().__init__(f"it did not stop within {grace:g} s: killed")


class RestartIntensityError(SupervisionError):
    """A child died more often than its supervisor allows: everything was stopped."""

    def __init__(self, child: str, deaths: int, period: float, last: BaseException | None) -> None:
        self.child = child
        why = f"; last: {last}" if last else ""
        super().__init__(f"{child} died {deaths} times within {period:g} s, more than allowed: giving up{why}")
