"""Readiness of a role: named checks, each with a deadline."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Literal, TypeAlias

import anyio
from msgspec import Meta, Struct

from icu.errors import IcuError

# Seconds that one check may take: readiness responds, whatever hangs.
CHECK_TIMEOUT: Final = 2.0

# A check returns None if all is well, else a sentence that says what is wrong.
Check: TypeAlias = Callable[[], Awaitable[str | None]]


class Report(Struct, frozen=True):
    """The results of all checks."""

    status: Annotated[Literal["ok", "unavailable"], Meta(description="ok where all checks are")]
    checks: Annotated[
        dict[str, str],
        Meta(
            description="ok, or what is wrong, by check: database, sink, transport, children", examples=[{"sink": "ok"}]
        ),
    ]


class Health:
    """The checks of one process. A role adds its own when it is built."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._advisory: dict[str, Check] = {}

    def add(self, name: str, check: Check, *, advisory: bool = False) -> None:
        """Add a check under this name.

        Args:
            name: Name in the report.
            check: The check.
            advisory: True for one that does not make the process unready. It may have the name of another one, and is
                shown where that finds nothing.
        """
        (self._advisory if advisory else self._checks)[name] = check

    async def report(self) -> Report:
        """Run all checks, one after the other."""
        answers = {name: await _answer(check) for name, check in list(self._checks.items())}
        ready = all(answer == "ok" for answer in answers.values())
        for name, check in list(self._advisory.items()):
            if answers.get(name, "ok") == "ok":
                answers[name] = await _answer(check)
        return Report("ok" if ready else "unavailable", answers)


async def _answer(check: Check) -> str:
    with anyio.move_on_after(CHECK_TIMEOUT):
        try:
            return await check() or "ok"
        except IcuError as exc:
            return str(exc)
    return f"no answer within {CHECK_TIMEOUT:g} s"
