"""The last log records of this process, for people who ask for them."""

import traceback
from collections import deque
from fnmatch import fnmatchcase
from itertools import count
from typing import TYPE_CHECKING, Final

from icu.control.protocol import LogEntry
from icu.ops.logs import unwrapped

if TYPE_CHECKING:
    from loguru import Message, Record

KEPT: Final = 1_000
# Characters of a message, or of a stack, that are kept.
LONGEST_TEXT: Final = 4_000


class RecentRecords:
    """A sink of loguru's. It holds the last records, each with its number, counting from 1.

    loguru calls it in whichever thread writes a record, one after the other. Nothing else changes the deque, and
    copying it is one step of the interpreter: readers need no lock.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[tuple[int, LogEntry]] = deque(maxlen=kept)
        self._numbers = count(1)

    def __call__(self, message: "Message") -> None:
        """Keep a record."""
        self._entries.append((next(self._numbers), _entry(message.record)))

    def after(self, number: int) -> list[tuple[int, LogEntry]]:
        """The records that came after this one, as far as they are still there."""
        entries = list(self._entries)
        newer = entries[-1][0] - number if entries else 0
        return entries[-newer:] if newer > 0 else []

    def children(self) -> set[str]:
        """The ids of all children that there are records of."""
        return {entry.child for _, entry in list(self._entries) if entry.child is not None}


def matches(child: str | None, pattern: str | None) -> bool:
    """Whether who asks for the records that match wants those of this child; without a pattern, those of everybody."""
    return pattern is None or (child is not None and (child == pattern or fnmatchcase(child, pattern)))


def _entry(record: "Record") -> LogEntry:
    context = {str(name): _short(str(value)) for name, value in record["extra"].items()}
    raised = record["exception"]
    stack = raised and raised.value and "".join(traceback.format_exception(unwrapped(raised.value)))
    return LogEntry(
        timestamp=record["time"].isoformat(timespec="milliseconds"),
        level=record["level"].name,
        message=_short(record["message"]),
        child=context.pop("child", None),
        context=context,
        exception=_short(stack) if stack else None,
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
