"""What is said over the control socket: one JSON object a line; one request, and its answers.

An empty line means nothing but "still here".
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from icu.supervisor.view import ChildState, ChildView

# Bytes of a request.
LONGEST_REQUEST: Final = 65_536

# Bytes of an answer: the view of some 100,000 children.
LONGEST_ANSWER: Final = 64_000_000

# An id, or a pattern for several (`bed-*`), or the id of a supervisor for all its children.
Pattern: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Patterns: TypeAlias = Annotated[tuple[Pattern, ...], Meta(min_length=1, max_length=1_000)]


class Request(Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag=str.lower):
    """What a client asks for."""


class Order(Request, frozen=True):
    """A request with one answer. Its docstring describes the command, its fields are what the command is given."""

    # True where the children whom it names are to run then.
    leaves_up: ClassVar[bool] = True

    async def carry_out(self, ward: Any) -> "Answer":  # noqa: ANN401 - each order says whom it is for
        """Do in the ward what is asked for. IcuError where that cannot be."""
        raise NotImplementedError


class Logs(Request, frozen=True):
    """The last log records, of one child or of several, and with `follow` those to come."""

    id: Pattern | None = None
    follow: bool = False


class Answer(Struct, frozen=True, tag_field="answer", tag=str.lower):
    """What the supervisor answers. Clients let fields pass that they do not know."""


class Children(Answer, frozen=True):
    """How the children are that were asked for, and what went wrong with an order."""

    children: Sequence[ChildView]
    problems: Sequence[str] = ()
    # The ids of those of the children that have patients.
    beds: Sequence[str] = ()


class Supervisors(Answer, frozen=True):
    """The whole tree, and the rules of each supervisor by its id, the outermost one's below an empty id."""

    pid: int
    rules: dict[str, str]
    children: Sequence[ChildView]
    # Why the ward is not ready, if so.
    unready: str | None = None


class Done(Answer, frozen=True):
    """What was done, in words, and how the children are that were started for it."""

    what: str
    children: Sequence[ChildView] = ()
    # The ids of those of the children that have patients.
    beds: Sequence[str] = ()


class ScenarioStarted(Answer, frozen=True, tag="befallen"):
    """The names of the patients whom a scenario befell, and why it did not befall others."""

    patients: Sequence[str]
    problems: Sequence[str] = ()


class ScenarioRefused(Answer, frozen=True, tag="refused"):
    """The patients of an order whom it does not befall, and why."""

    patients: dict[UUID, str]


class LogEntry(Answer, frozen=True, tag="entry"):
    """A log record."""

    timestamp: str
    level: str
    message: str
    child: str | None = None
    context: dict[str, str] = {}
    exception: str | None = None


class Missed(Answer, frozen=True):
    """Records that were no longer kept when the client was ready for them."""

    count: int


class Failed(Answer, frozen=True):
    """Why nothing was done, and what a command ends with for it."""

    why: str
    exit_code: int


AnyAnswer: TypeAlias = Children | Supervisors | Done | ScenarioStarted | ScenarioRefused | LogEntry | Missed | Failed


answer_decoder: Final[msgspec.json.Decoder[AnyAnswer]] = msgspec.json.Decoder(AnyAnswer)
_encoder: Final = msgspec.json.Encoder()


def is_up(child: ChildView) -> bool:
    """Whether a child runs: it has said so, be it a moment ago, and may wait for something that is away."""
    return child.state in {ChildState.RUNNING, ChildState.WAITING} or (
        child.state is ChildState.STARTING and child.uptime > 0
    )


def encode_line(said: Request | Answer) -> bytes:
    """A request or an answer as it is sent."""
    return _encoder.encode(said) + b"\n"
