"""Answers of the supervisor as lines of text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from rich.cells import cell_len

from icu.control.protocol import LogEntry, Supervisors
from icu.patient.scenarios import Scenario
from icu.supervisor.view import ChildState, ChildView

_Row = tuple[str, str, str, str]

# States with a `detail` that says where the child is served or what it waits for, and states with a `last_error`.
_RUNS: Final = frozenset({ChildState.STARTING, ChildState.RUNNING, ChildState.WAITING, ChildState.DEGRADED})
_DIED: Final = frozenset({ChildState.BACKOFF, ChildState.FAILED})


def child_table(children: Iterable[ChildView]) -> list[str]:
    """Format the children, a line each: id, state, uptime, and address or reason."""
    return aligned([_row(child) for child in children])


def outline(answer: Supervisors) -> list[str]:
    """Format the supervisors with their rules, and below each its children."""
    return [
        f"ward (pid {answer.pid}): {answer.rules.get('', '')}",
        *aligned(list(_rows(answer.children, answer.rules))),
    ]


def format_entry(record: LogEntry) -> str:
    """Format a log record, with its stack below it if it has one."""
    # Time of day alone: the date is today's, or known to the reader.
    moment = record.timestamp.partition("T")[2][:12]
    context = "".join(f" {name}={value}" for name, value in record.context.items())
    child = f"{record.child}: " if record.child else ""
    stack = f"\n{record.exception.rstrip()}" if record.exception else ""
    return escape_control(f"{moment} {record.level: <7} {child}{record.message}{context}{stack}", but="\n\t")


def scenario_table(scenarios: Iterable[Scenario]) -> list[str]:
    """Format the scenarios, a line each: name, title, frequency by chance, and note."""
    return aligned([(each.id, each.title, f"{each.per_day:g}/day", each.note) for each in scenarios])


def escape_control(text: str, *, but: str = "") -> str:
    """Escape the characters that could steer a terminal, as Python writes them.

    Args:
        text: Text of foreign origin, such as a name or an error.
        but: Characters that stay.
    """
    return "".join(
        letter if letter.isprintable() or letter in but else letter.encode("unicode_escape").decode() for letter in text
    )


def _rows(children: Sequence[ChildView], rules: Mapping[str, str], depth: int = 1) -> Iterator[_Row]:
    for child in children:
        name, state, uptime, notes = _row(child)
        rule = rules.get(child.id, "") if child.children or child.id in rules else ""
        yield "  " * depth + name, state, uptime, "; ".join(filter(None, (rule, notes)))
        yield from _rows(child.children, rules, depth + 1)


def _row(child: ChildView) -> _Row:
    notes = filter(None, (count_restarts(child.restarts), reason(child)))
    return child.id, child.state, uptime(child), "; ".join(notes)


def uptime(child: ChildView) -> str:
    """Format hours, minutes and seconds since the child started; empty while it does not run."""
    return str(timedelta(seconds=int(child.uptime))) if child.uptime else ""


def count_restarts(restarts: int) -> str | None:
    """Format the number of restarts; None for none."""
    return f"{restarts} restart{'' if restarts == 1 else 's'}" if restarts else None


def reason(child: ChildView) -> str | None:
    """Return why a child is in its state: address or trouble of a running one, last error of one that died."""
    return child.detail if child.state in _RUNS else child.last_error if child.state in _DIED else None


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Format rows of equally many cells, a line each, with the columns below each other."""
    shown = [[escape_control(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in shown]


def _padded(cell: str, width: int) -> str:
    """Pad a cell to a width in columns. Chinese letters, for instance, take two each."""
    return cell + " " * (width - cell_len(cell))
