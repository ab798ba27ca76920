"""The protocol of the control socket: one JSON object for each line; one request, and its answers.

An empty line is a sign of life.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from icu.emulation import State
from icu.errors import Kind
from icu.supervisor.view import ChildState, ChildView

# Bytes of a request.
LONGEST_REQUEST: Final = 65_536

# Bytes of an answer: the view of some 100,000 children.
LONGEST_ANSWER: Final = 64_000_000

# An id, a pattern for several ids (`bed-*`), or the id of a supervisor, which stands for all its children.
Pattern: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Patterns: TypeAlias = Annotated[tuple[Pattern, ...], Meta(min_length=1, max_length=1_000)]


class Request(Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag=str.lower):
    """A request of a client. Its class name in small letters is the value of `ask`."""


class ControlOrder(Request, frozen=True):
    """A request with one answer. Its docstring is the help of its command, and its fields are the arguments."""

    # True if the children that it names should run afterwards.
    leaves_up: ClassVar[bool] = True

    async def carry_out(self, ward: Any) -> "Answer":  # noqa: ANN401 - each order names its receiver
        """Carry out the order. Raises IcuError if that is impossible."""
        raise NotImplementedError


class Logs(Request, frozen=True):
    """A request for the last log records, of one child, of several (a pattern) or of all (None).

    With `follow` the records to come are sent too.
    """

    id: Pattern | None = None
    follow: bool = False


class Answer(Struct, frozen=True, tag_field="answer", tag=str.lower):
    """An answer of the supervisor. Clients ignore unknown fields."""


class Children(Answer, frozen=True):
    """The children that a request names, and the problems of an order."""

    children: Sequence[ChildView]
    problems: Sequence[str] = ()
    # The ids of the patient children among them.
    beds: Sequence[str] = ()


class Supervisors(Answer, frozen=True):
    """The whole tree of a ward."""

    # The process of the outermost supervisor.
    pid: int
    # The rules of each supervisor in words, by its id. The outermost one has an empty id.
    rules: dict[str, str]
    children: Sequence[ChildView]
    # The reason why the ward is not ready; None if it is.
    unready: str | None = None


class Done(Answer, frozen=True):
    """The result of an order."""

    # In words.
    what: str
    # The children that were started for it.
    children: Sequence[ChildView] = ()
    # The ids of the patient children among them.
    beds: Sequence[str] = ()


class ScenarioStarted(Answer, frozen=True, tag="befallen"):
    """The start of a scenario for some patients. The tag keeps its name on the wire, for older clients."""

    # The names of these patients.
    patients: Sequence[str]
    # The reasons why it did not start for others.
    problems: Sequence[str] = ()


class ScenarioRefused(Answer, frozen=True, tag="refused"):
    """The patients of an order for whom a scenario did not start."""

    # The reasons by the patients' uuids.
    patients: dict[UUID, str]


class Truth(Answer, frozen=True):
    """The true state of a patient."""

    state: State


class ScenarioChanged(Answer, frozen=True, tag="changed"):
    """The true states of a patient before and after the begin of a scenario."""

    before: State
    after: State


class LogEntry(Answer, frozen=True, tag="entry"):
    """A log record. Its context is in words."""

    # ISO 8601 with milliseconds and zone.
    timestamp: str
    level: str
    message: str
    child: str | None = None
    context: dict[str, str] = {}
    # The stack of the error.
    exception: str | None = None


class Missed(Answer, frozen=True):
    """The number of records that a slow client has missed."""

    count: int


class Failed(Answer, frozen=True):
    """The refusal or the failure of a request."""

    why: str
    # The exit code of the command that sent the request.
    exit_code: int
    # The meaning for other clients. Supervisors of former versions say none.
    kind: Kind = Kind.INTERNAL


AnyAnswer: TypeAlias = (
    Children
    | Supervisors
    | Done
    | ScenarioStarted
    | ScenarioRefused
    | Truth
    | ScenarioChanged
    | LogEntry
    | Missed
    | Failed
)


answer_decoder: Final[msgspec.json.Decoder[AnyAnswer]] = msgspec.json.Decoder(AnyAnswer)
_encoder: Final = msgspec.json.Encoder()


def is_up(child: ChildView) -> bool:
    """Check if a child has started and runs, even if only for a moment, or while it waits for something."""
    return child.state in {ChildState.RUNNING, ChildState.WAITING} or (
        child.state is ChildState.STARTING and child.uptime > 0
    )


def encode_line(message: Request | Answer) -> bytes:
    """Encode a request or an answer as a line."""
    return _encoder.encode(message) + b"\n"
