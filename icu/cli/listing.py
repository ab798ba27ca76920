"""What the control room tells, as lines for people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from rich.cells import cell_len

from icu.control.protocol import LogEntry, Supervisors
from icu.patient.scenarios import Scenario
from icu.supervisor.view import ChildState, ChildView

_Row = tuple[str, str, str, str]

_RUNS: Final = frozenset({ChildState.STARTING, ChildState.RUNNING, ChildState.WAITING, ChildState.DEGRADED})
_DIED: Final = frozenset({ChildState.BACKOFF, ChildState.FAILED})


def table(children: Iterable[ChildView]) -> list[str]:
    """A line a child: id, state, time since its start, and where it is or why it is down."""
    return _aligned([_row(child) for child in children])


def outline(told: Supervisors) -> list[str]:
    """The supervisors with their rules, and below each its children."""
    return [f"ward (pid {told.pid}): {told.rules.get('', '')}", *_aligned(list(_rows(told.children, told.rules)))]


def entry(record: LogEntry) -> str:
    """A log record, and the stack below it where it has one."""
    # The date is today's, or people know.
    moment = record.timestamp.partition("T")[2][:12]
    context = "".join(f" {name}={value}" for name, value in record.context.items())
    child = f"{record.child}: " if record.child else ""
    stack = f"\n{record.exception.rstrip()}" if record.exception else ""
    return harmless(f"{moment} {record.level: <7} {child}{record.message}{context}{stack}", but="\n\t")


def catalogue(scenarios: Iterable[Scenario]) -> list[str]:
    """A line a scenario: name, title, how often it befalls a patient by chance, and its note."""
    return _aligned([(each.id, each.title, f"{each.per_day:g}/day", each.note) for each in scenarios])


def harmless(text: str, *, but: str = "") -> str:
    """The text without what would steer a terminal: such characters are shown as Python writes them."""
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
    return child.id, child.state, uptime(child), "; ".join(filter(None, (times(child.restarts), reason(child))))


def uptime(child: ChildView) -> str:
    """Hours, minutes and seconds since it started; empty while it does not run."""
    return str(timedelta(seconds=int(child.uptime))) if child.uptime else ""


def times(restarts: int) -> str | None:
    """How often somebody was started again; None for never."""
    return f"{restarts} restart{'' if restarts == 1 else 's'}" if restarts else None


def reason(child: ChildView) -> str | None:
    """Where a child is or what it waits for, or what it died of, if that is why it is down."""
    return child.detail if child.state in _RUNS else child.last_error if child.state in _DIED else None


def _aligned(rows: Sequence[_Row]) -> list[str]:
    shown = [[harmless(cell) for cell in row] for row in rows]
    widths = [max((cell_len(row[column]) for row in shown), default=0) for column in range(3)]
    return ["  ".join([*map(_padded, row[:3], widths), row[3]]).rstrip() for row in shown]


def _padded(cell: str, width: int) -> str:
    """The text at this width. Chinese letters, for instance, take two columns each."""
    return cell + " " * (width - cell_len(cell))
