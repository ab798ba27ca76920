"""Every error of ours, in one tree. Each says what to do next.

    IcuError
    ├── UsageError                     the command line is wrong                      exit 64
    ├── OutputError                    what was asked for cannot be written           exit 74
    ├── ConfigurationError             a setting is wrong                             exit 78
    │   ├── RecordingError             a recording or a data set cannot be used
    │   ├── AddressInUseError          another program listens on that port
    │   └── SupervisorRunsError        another supervisor has the control socket
    ├── MessageError                   a record that is no observation; becomes a dead letter
    ├── KafkaError                     the broker: what the brief calls so            transient, exit 75
    │   ├── KafkaDeniedError           it said no, and will until somebody mends it   needs people
    │   └── KafkaRefusedError          it said no, and will again
    ├── TransportClosedError           published to, or read from, after closing
    ├── ReadingsLostError              stopped before what was in memory was stored   exit 75
    ├── StoreError
    │   ├── StoreUnavailableError      locked, disk full, out of reach                transient, exit 75
    │   ├── SchemaError                tables missing or of another version           transient
    │   ├── StoreReplacedError         its files were exchanged while they were open; open them anew
    │   ├── PositionConflictError      another sink moved the offsets; read them again
    │   ├── StoreInUseError            a second sink on one SQLite file               exit 78
    │   └── StoreCorruptError          the file is damaged; stop, never repair
    ├── ServerError                    an HTTP server that did not start or ended by itself
    ├── SupervisionError
    │   ├── ChildStartTimeoutError     did not say "started" in time                  transient
    │   ├── ChildEndedEarlyError       ended before it said "started"
    │   ├── StrayCancellationError     ended by a cancellation that nobody asked for  transient
    │   ├── UnknownChildError          no child has that id                           exit 4
    │   │   └── UnknownBedError        no patient is called so, nor a child of patients
    │   ├── NoSupervisorError          nobody answers at the control socket           transient, exit 75
    │   ├── PartlyDoneError            some of the children that were to start did not    exit 3
    │   ├── NoBedsideError             nobody answers at a bed's port                 transient, exit 75
    │   ├── OrderRefusedError          the supervisor's own answer, with its exit code
    │   ├── ProcessEndedError          a process ended by a signal or with an exit code
    │   ├── ProcessSilentError         it no longer showed that it was alive, and was killed
    │   ├── ProcessKilledError         it did not stop when it was asked to, and was killed
    │   └── RestartIntensityError      died too often: the supervisor gives up        exit 70
    └── PatientServiceException        an answer of the HTTP API; carries its status
        ├── PatientNotFoundError       404
        ├── InvalidQueryError          400
        ├── UnreadableBodyError        400
        ├── UnknownHostError           400
        ├── ForeignOriginError         403
        ├── BodyTypeError              415
        ├── UnknownScenarioError       404                                             exit 64
        ├── RecordedPatientError       409                                             exit 64
        ├── TooManyConnectionsError    503, in http.connections
        └── NotReadyError              503

`transient` is the one question that retries ask: may the same call succeed later without anyone's help?
`exit_code` is what a command ends with when the error reaches it (sysexits.h).
"""

import signal
from collections.abc import Sequence
from difflib import get_close_matches
from typing import ClassVar

from icu.errors.answers import BodyTypeError as BodyTypeError
from icu.errors.answers import ForeignOriginError as ForeignOriginError
from icu.errors.answers import InvalidQueryError as InvalidQueryError
from icu.errors.answers import NotReadyError as NotReadyError
from icu.errors.answers import PatientNotFoundError as PatientNotFoundError
from icu.errors.answers import PatientServiceException as PatientServiceException
from icu.errors.answers import RecordedPatientError as RecordedPatientError
from icu.errors.answers import UnknownHostError as UnknownHostError
from icu.errors.answers import UnknownScenarioError as UnknownScenarioError
from icu.errors.answers import UnreadableBodyError as UnreadableBodyError
from icu.errors.root import IcuError as IcuError
from icu.errors.root import is_transient as is_transient


class UsageError(IcuError):
    """The command line is wrong."""

    exit_code = 64


class OutputError(IcuError):
    """What was asked for cannot be written, to a full disk for instance. A reader that went away is no error."""

    exit_code = 74

    def __init__(self, why: OSError) -> None:
        super().__init__(f"the output cannot be written: {why.strerror}")


class ConfigurationError(IcuError):
    """A setting is wrong. The message names the file, the line, the key and what to write instead."""

    exit_code = 78


class RecordingError(ConfigurationError):
    """A recording or data set cannot be used. The message names the file and, where there is one, the line."""


class AddressInUseError(ConfigurationError):
    """Another program listens on the address."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} on {host} is taken by another program: stop it, or choose another port "
            f"(--port on the command line, `port = ` in supervisor.toml)"
        )


class SupervisorRunsError(ConfigurationError):
    """Another supervisor answers at the control socket."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"a supervisor of this database runs already (it answers at {path}): python -m icu status shows it; "
            "give this one another database, or a socket of its own (`socket = ` below [supervisor])"
        )


class MessageError(IcuError):
    """A record that is no observation.

    `reason` is a short code that stands in metrics and in the dead letter, `detail` the sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


class KafkaError(IcuError):
    """The broker cannot be reached or refused a request."""

    transient = True
    exit_code = 75


class KafkaDeniedError(KafkaError):
    """The broker says no until somebody mends a setting, a right or a certificate. Asked again, for that may be done at
    its end."""

    needs_people = True


class KafkaRefusedError(KafkaError):
    """The broker refused a request for a reason that time does not mend: rights, names, versions."""

    transient = False
    exit_code = 70


class TransportClosedError(IcuError):
    """The transport was closed, by whoever opened it."""


class ReadingsLostError(IcuError):
    """The process ends before the store could take what was in memory only."""

    exit_code = 75

    def __init__(self, records: int) -> None:
        super().__init__(f"stopped before everything was stored: {records} records of the log in memory are lost")


class StoreError(IcuError):
    """The database."""


class StoreUnavailableError(StoreError):
    """The database is locked, full or out of reach: the same call may succeed later."""

    transient = True
    exit_code = 75


class StoreUnopenedError(StoreUnavailableError):
    """The database, or a file that SQLite needs beside it, cannot be opened or made."""


class SchemaError(StoreError):
    """The tables are missing or of another version than this program's."""

    transient = True


class PositionConflictError(StoreError):
    """The stored offsets are not those that this batch continues: somebody else moved them. Read them again."""


class StoreReplacedError(StoreError):
    """The database's files are no longer those that were opened, or no longer hold what was written. Open them anew."""


class StoreInUseError(StoreError, ConfigurationError):
    """Another sink holds the database file: SQLite has one writer, so one of the two is set to a wrong one."""


class StoreCorruptError(StoreError):
    """The database file is damaged. Restore it from a copy; nothing was changed."""


class ServerError(IcuError):
    """An HTTP server did not start, or ended by itself."""


class SupervisionError(IcuError):
    """A child did not behave as its specification says, or a supervisor gave up."""


class ChildStartTimeoutError(SupervisionError):
    """The child did not say "started" in time."""

    transient = True

    def __init__(self, child: str, timeout: float) -> None:
        super().__init__(f"{child} did not start within {timeout:g} s")


class ChildEndedEarlyError(SupervisionError):
    """The child ended before it said "started"."""

    def __init__(self, child: str) -> None:
        super().__init__(f"{child} ended before it had started")


class StrayCancellationError(SupervisionError):
    """The child was ended by a cancellation that nobody asked for: a library below leaked it."""

    transient = True

    def __init__(self, child: str) -> None:
        super().__init__(f"{child} was cancelled by something inside it that nobody asked for")


class UnknownChildError(SupervisionError):
    """No child has the id, or matches the pattern. The exit code is supervisorctl's."""

    exit_code = 4
    kind: ClassVar[str] = "child"

    def __init__(self, pattern: str, known: Sequence[str]) -> None:
        near = get_close_matches(pattern, known, n=1)
        some = [*known[:10], "..."] if len(known) > 10 else known
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(some) or 'none'}"
        super().__init__(f"no {self.kind} is called {pattern}: {hint}")


class UnknownBedError(UnknownChildError):
    """No patient has the name or uuid, or matches the pattern, and no child of patients does."""

    kind = "bed"


class NoSupervisorError(SupervisionError):
    """Nobody answers at the control socket."""

    transient = True
    exit_code = 75

    def __init__(self, why: str) -> None:
        super().__init__(
            f"no supervisor answers: {why}; start one (python -m icu supervise), "
            "or name the settings that it runs with (--config)"
        )


class PartlyDoneError(SupervisionError):
    """Some of the children that were to start did not; all else was done. The exit code is supervisorctl's."""

    exit_code = 3


class NoBedsideError(SupervisionError):
    """Nobody answers at the port of a bed."""

    transient = True
    exit_code = 75

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"nobody answers at {url}: {why}; start a patient there (python -m icu run patient --name NAME --port PORT)"
        )


class OrderRefusedError(SupervisionError):
    """A supervisor, or a bed, did not do what it was asked to, as it says itself."""

    def __init__(self, why: str, exit_code: int) -> None:
        self.exit_code = exit_code  # type: ignore[misc] # this one's own
        super().__init__(why)


class ProcessEndedError(SupervisionError):
    """A process has ended: `how`, in a word; `exit_code` is its own, or 128 and the signal's number, as in shells."""

    def __init__(self, code: int, last_words: str) -> None:
        self.exit_code = code if code >= 0 else 128 - code  # type: ignore[misc] # this one's own
        self.how = f"exit-{code}" if code >= 0 else signal.Signals(-code).name
        how = f"exit code {code}" if code >= 0 else f"signal {self.how}"
        super().__init__(f"{how}: {last_words}" if last_words else how)


class ProcessSilentError(SupervisionError):
    """A process no longer showed that it was alive, and was killed."""

    transient = True

    def __init__(self, limit: float) -> None:
        super().__init__(f"no sign of life for {limit:g} s: killed")


class ProcessKilledError(SupervisionError):
    """A process did not stop when it was asked to, and was killed."""

    def __init__(self, grace: float) -> None:
        super().__init__(f"it did not stop within {grace:g} s: killed")


class RestartIntensityError(SupervisionError):
    """A child died more often than its supervisor allows: everything was stopped."""

    def __init__(self, child: str, deaths: int, period: float, last: BaseException | None) -> None:
        self.child = child
        why = f"; last: {last}" if last else ""
        super().__init__(f"{child} died {deaths} times within {period:g} s, more than allowed: giving up{why}")
