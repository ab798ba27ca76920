"""The root of all errors of ours, and the question that retries ask."""

from typing import ClassVar


class IcuError(Exception):
    """Root of the tree."""

    transient: ClassVar[bool] = False
    exit_code: ClassVar[int] = 70
    needs_people: ClassVar[bool] = False
    """Whether somebody has to mend something first, though the call is tried again meanwhile."""


def is_transient(error: BaseException) -> bool:
    """Tell if the same call may succeed later: the predicate of every retry."""
    return isinstance(error, IcuError) and error.transient
