"""The last log records of this process, for the command `logs`."""

import traceback
from collections import deque
from fnmatch import fnmatchcase
from itertools import count
from typing import TYPE_CHECKING, Final

from icu.control.protocol import LogEntry
from icu.ops.logs import unwrapped

if TYPE_CHECKING:
    from loguru import Message, Record

# Records that are kept.
MAX_RECORDS: Final = 1_000

# Kept characters of a message, or of a stack.
LONGEST_TEXT: Final = 4_000


class RecentRecords:
    """Loguru sink that keeps the last records, numbered from 1."""

    def __init__(self, kept: int = MAX_RECORDS) -> None:
        # No lock: loguru calls the sink from one thread at a time, nothing else changes the deque, and copying it is a
        # single step of the interpreter.
        self._entries: deque[tuple[int, LogEntry]] = deque(maxlen=kept)
        self._numbers = count(1)

    def __call__(self, message: "Message") -> None:
        """Keep a record, in place of the oldest."""
        self._entries.append((next(self._numbers), _entry(message.record)))

    def after(self, number: int) -> list[tuple[int, LogEntry]]:
        """Kept records behind the one with this number, each with its own number."""
        entries = list(self._entries)
        newer = entries[-1][0] - number if entries else 0
        return entries[-newer:] if newer > 0 else []

    def children(self) -> set[str]:
        """Ids of all children with kept records."""
        return {entry.child for _, entry in list(self._entries) if entry.child is not None}


def matches(child: str | None, pattern: str | None) -> bool:
    """Match a record's child against a pattern; None matches all. Records without a child match no pattern."""
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
