"""Errors of all rooms: their tree, their exit codes for commands, and their statuses over HTTP."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import cast

import pytest
from litestar import Request
from litestar.types import HTTPScope

import icu
import icu.errors
from icu.errors import EXIT_CODES, IcuError, Kind
from icu.http.problems import STATUSES, exception_handler

# By the name of the class: exit code, HTTP status, and the marks that retries look at.
TABLE = {
    "AddressInUseError": (78, 500, ""),
    "AlarmNotFoundError": (70, 404, ""),
    "CookieOriginError": (70, 403, ""),
    "ExcessError": (75, 429, ""),
    "KeylessError": (78, 500, ""),
    "OwnersChangedError": (75, 503, "transient"),
    "PlainError": (70, 403, ""),
    "ProxiedWithoutKeysError": (70, 403, ""),
    "RemoteWithoutKeysError": (70, 403, ""),
    "RoleError": (70, 403, ""),
    "RouteWithoutRoleError": (70, 403, ""),
    "UndecidedError": (70, 503, ""),
    "UnknownClientError": (70, 401, ""),
    "BodyTypeError": (70, 415, ""),
    "CommandConflictError": (64, 409, ""),
    "NotOnLoopbackError": (70, 403, ""),
    "SenselessCommandError": (64, 422, ""),
    "LetterNotFoundError": (4, 500, ""),
    "ReplayRefusedError": (64, 409, ""),
    "ChildEndedEarlyError": (70, 500, ""),
    "ChildStartTimeoutError": (70, 503, "transient"),
    "ConfigurationError": (78, 500, ""),
    "ForeignOriginError": (70, 403, ""),
    "FormatUnavailableError": (70, 406, ""),
    "IcuError": (70, 500, ""),
    "InvalidQueryError": (70, 400, ""),
    "KafkaDeniedError": (75, 503, "transient, needs people"),
    "KafkaError": (75, 503, "transient"),
    "KafkaRefusedError": (70, 500, ""),
    "LogInRefusedError": (70, 401, ""),
    "MessageError": (70, 500, ""),
    "GivenUpError": (75, 503, ""),
    "NoAnswerError": (75, 503, "transient"),
    "NoBedsideError": (75, 503, "transient"),
    "NoMonitorError": (75, 503, "transient"),
    "NamesakeError": (78, 500, ""),
    "NoSupervisorError": (75, 503, "transient"),
    "NobodyListensError": (75, 503, "transient"),
    "NotEmulatedError": (64, 409, ""),
    "NotReadyError": (70, 503, ""),
    "OutputError": (74, 500, ""),
    "PartlyDoneError": (3, 500, ""),
    "PatientNotFoundError": (70, 404, ""),
    "PatientServiceException": (70, 500, ""),
    "PositionConflictError": (70, 500, ""),
    "ProcessKilledError": (70, 500, ""),
    "ProcessSilentError": (70, 503, "transient"),
    "ReadingsLostError": (75, 500, ""),
    "ReassignedError": (75, 503, ""),
    "RecordedPatientError": (64, 409, ""),
    "RecordingError": (78, 500, ""),
    "RestartIntensityError": (70, 500, ""),
    "SchemaError": (70, 503, "transient"),
    "ServerError": (70, 500, ""),
    "StoreCorruptError": (70, 503, ""),
    "StoreError": (70, 500, ""),
    "StoreInUseError": (78, 500, ""),
    "StoreUnreachableError": (75, 503, "transient"),
    "StoreMovedError": (75, 503, "transient"),
    "StoreReplacedError": (70, 500, ""),
    "StoreUnavailableError": (75, 503, "transient"),
    "StoreUnopenedError": (75, 503, "transient"),
    "StoreDeniedError": (75, 503, "transient, needs people"),
    "StoreBusyError": (75, 503, "transient"),
    "StrayCancellationError": (70, 503, "transient"),
    "SupervisionError": (70, 500, ""),
    "SupervisorRunsError": (78, 500, ""),
    "TooManyConnectionsError": (70, 503, ""),
    "TransportClosedError": (70, 500, ""),
    "TransportError": (75, 503, "transient"),
    "UnauditedError": (75, 503, ""),
    "UnknownAlarmError": (4, 500, ""),
    "UnknownBedError": (4, 500, ""),
    "UnknownChildError": (4, 500, ""),
    "UnknownHostError": (70, 400, ""),
    "UnknownPrincipalError": (64, 404, ""),
    "UnknownScenarioError": (64, 404, ""),
    "UnreadableBodyError": (70, 400, ""),
    "VersionConflictError": (75, 503, "transient"),
    "UsageError": (64, 500, ""),
}

# Those whose exit code is another program's.
OWN_CODES = {"OrderRefusedError", "ProcessEndedError"}


def below(kind: type[IcuError]) -> Iterator[type[IcuError]]:
    """Return an error class and all that derive from it."""
    yield kind
    for each in kind.__subclasses__():
        yield from below(each)


@pytest.fixture(scope="module")
def errors() -> dict[str, type[IcuError]]:
    """Return all our error classes by name, from every room."""
    for module in pkgutil.walk_packages(icu.__path__, "icu."):
        if not module.name.endswith(("__main__", "migrations.env")):  # these do something when they are imported
            importlib.import_module(module.name)
    return {each.__name__: each for each in below(IcuError) if each.__module__.startswith("icu.")}


def seen(kind: type[IcuError]) -> tuple[int, int, str]:
    """Return the exit code and the HTTP status of an error class."""
    error = kind.__new__(kind)
    # Litestar's own factory of requests would replace the root logger's handlers for the tests after this one.
    scope = cast("HTTPScope", {"type": "http", "method": "GET", "path": "/", "headers": []})
    status = exception_handler(Request(scope), error).status_code or 0
    return error.exit_code, status, marks(kind)


def marks(kind: type[IcuError]) -> str:
    """Describe the attributes that retries look at, in words."""
    each = {"transient": kind.transient, "needs people": kind.needs_people}
    return ", ".join(name for name, holds in each.items() if holds)


def room(kind: type[IcuError]) -> str:
    """Return the room that defines an error."""
    return kind.__module__.removeprefix("icu.").removesuffix(".errors")


def drawn() -> dict[str, tuple[str, str, str, str]]:
    """Return the entry of each error in the drawing: its depth, room, kind and marks."""
    found: dict[str, tuple[str, str, str, str]] = {}
    branch: list[str] = []
    for line in (icu.errors.__doc__ or "").split("\n\n")[1].splitlines():
        indent, name, where, kind, rest = re.fullmatch(r"    ([ │├└─]*)(\w+) +(\S+) +(.+?)(?:  +(.*))?", line).groups()
        branch[len(indent) // 4 :] = [name]
        said = rest if rest and rest.startswith("transient") else ""
        found[name] = (branch[-2] if len(branch) > 1 else "Exception", where, kind, said)
    return found


def test_each_error_has_its_exit_code_and_status(errors: dict[str, type[IcuError]]) -> None:
    """Scripts and clients rely on exit codes and statuses: an error that is new or changed is changed here too."""
    assert {name: seen(each) for name, each in errors.items() if name not in OWN_CODES} == TABLE
    assert set(errors) >= OWN_CODES


def test_the_tree_is_as_it_is_drawn(errors: dict[str, type[IcuError]]) -> None:
    """The drawing of the tree shows each error with its parent, room and kind."""
    pictured = drawn()
    assert {name: each[1:] for name, each in pictured.items()} == {
        name: (room(each), each.kind.value, marks(each)) for name, each in errors.items()
    }
    assert [
        name for name, each in errors.items() if pictured[name][0] not in {base.__name__ for base in each.__bases__}
    ] == []


def test_each_kind_has_a_meaning_and_a_use(errors: dict[str, type[IcuError]]) -> None:
    """Each kind has one exit code, and at least one error has each kind."""
    assert set(EXIT_CODES) == set(Kind) == {each.kind for each in errors.values()}
    assert set(STATUSES) < set(Kind)
