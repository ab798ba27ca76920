"""What is said over the control socket: one JSON object a line; one request, and its answers.

An empty line means nothing but "still here".
"""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from icu.config.settings import HIGHEST_COUNT
from icu.supervisor.view import ChildView, State

LONGEST_REQUEST: Final = 65_536
"""Bytes of a request."""

LONGEST_ANSWER: Final = 64_000_000
"""Bytes of an answer: the view of some 100,000 children."""

Pattern: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
"""An id, or a pattern for several (`bed-*`), or the id of a supervisor for all its children."""
Patterns: TypeAlias = Annotated[tuple[Pattern, ...], Meta(min_length=1, max_length=1_000)]


class Request(Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag=str.lower):
    """What a client asks for."""


class Status(Request, frozen=True):
    """How the children are; all of them without ids."""

    ids: Annotated[tuple[Pattern, ...], Meta(max_length=1_000)] = ()


class Tree(Request, frozen=True):
    """The supervisors, and below each its children."""


class Start(Request, frozen=True):
    """Start children that do not run."""

    ids: Patterns


class Stop(Request, frozen=True):
    """Stop children, until somebody starts them."""

    ids: Patterns


class Restart(Request, frozen=True):
    """Stop and start children."""

    ids: Patterns


class Scale(Request, frozen=True):
    """Let a group have so many children."""

    id: Pattern
    count: Annotated[int, Meta(ge=0, le=HIGHEST_COUNT)]


class Reload(Request, frozen=True):
    """Apply what has changed in the file."""


class Logs(Request, frozen=True):
    """The last log records, of one child or of several, and with `follow` those to come."""

    id: Pattern | None = None
    follow: bool = False


class Befall(Request, frozen=True):
    """Let a scenario befall patients, who are named by a child's id, a name or a uuid, or by a pattern of them."""

    bed: Pattern
    scenario: Annotated[str, Meta(min_length=1, max_length=200)]


AnyRequest: TypeAlias = Status | Tree | Start | Stop | Restart | Scale | Reload | Logs | Befall


class Answer(Struct, frozen=True, tag_field="answer", tag=str.lower):
    """What the supervisor answers. Clients let fields pass that they do not know."""


class Children(Answer, frozen=True):
    """How the children are that were asked for, and what went wrong with an order."""

    children: Sequence[ChildView]
    problems: Sequence[str] = ()
    beds: Sequence[str] = ()
    """The ids of those of the children that have patients."""


class Supervisors(Answer, frozen=True):
    """The whole tree, and the rules of each supervisor by its id, the outermost one's below an empty id."""

    pid: int
    rules: dict[str, str]
    children: Sequence[ChildView]
    unready: str | None = None
    """Why the ward is not ready, if so."""


class Done(Answer, frozen=True):
    """What was done, in words, and how the children are that were started for it."""

    what: str
    children: Sequence[ChildView] = ()
    beds: Sequence[str] = ()
    """The ids of those of the children that have patients."""


class Befallen(Answer, frozen=True):
    """The names of the patients whom a scenario befell, and why it did not befall others."""

    patients: Sequence[str]
    problems: Sequence[str] = ()


class Entry(Answer, frozen=True):
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


AnyAnswer: TypeAlias = Children | Supervisors | Done | Befallen | Entry | Missed | Failed


class Change(NamedTuple):
    """What an order has changed, in words, and the ids of the children that were started for it."""

    what: str
    started: Sequence[str] = ()


requests: Final[msgspec.json.Decoder[AnyRequest]] = msgspec.json.Decoder(AnyRequest)
answers: Final[msgspec.json.Decoder[AnyAnswer]] = msgspec.json.Decoder(AnyAnswer)
_encoder: Final = msgspec.json.Encoder()


_ON_THE_WAY: Final = frozenset({State.PENDING, State.STARTING, State.STOPPING})


def is_settled(child: ChildView) -> bool:
    """Whether a child is somewhere, and not on its way: one that dies at each start is found dead."""
    return child.state not in _ON_THE_WAY


def is_up(child: ChildView) -> bool:
    """Whether a child runs: it has said so, be it a moment ago, and may wait for something that is away."""
    return child.state in {State.RUNNING, State.WAITING} or (child.state is State.STARTING and child.uptime > 0)


def line(said: Request | Answer) -> bytes:
    """A request or an answer as it is sent."""
    return _encoder.encode(said) + b"\n"
