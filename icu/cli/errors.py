"""Errors of commands that connect to a server themselves."""

from collections.abc import Sequence

from icu.errors import IcuError, Kind


class NoBedsideError(IcuError):
    """Nothing answers at a patient's port."""

    transient = True
    kind = Kind.UNAVAILABLE

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"nobody answers at {url}: {why}; start a patient there (python -m icu run patient --name NAME --port PORT)"
        )


class NoMonitorError(IcuError):
    """No monitor answers at an address, or it cannot answer now."""

    transient = True
    kind = Kind.UNAVAILABLE

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"no monitor answers at {url}: {why}; start the ward (python -m icu supervise), "
            "or say where its monitor is (--url)"
        )


class UnknownAlarmError(IcuError):
    """A patient has no such alarm now."""

    kind = Kind.NO_CHILD

    def __init__(self, patient: str, condition: str, conditions: Sequence[str]) -> None:
        which = f"no alarm {condition}" if condition else "no alarm"
        others = f": there are {', '.join(conditions)}" if conditions else ""
        super().__init__(f"{patient} has {which} now{others}")
