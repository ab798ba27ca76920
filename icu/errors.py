"""The root of all our errors, and their kinds. Each says what to do next, and is defined in the room that raises it.

    IcuError                               errors              internal
    ├── UsageError                         errors              usage
    ├── OutputError                        errors              output
    ├── ConfigurationError                 config              configuration
    │   ├── RecordingError                 patient             configuration
    │   ├── AddressInUseError              http                configuration
    │   ├── KeylessError                   monitor.access      configuration
    │   ├── SupervisorRunsError            control             configuration
    │   ├── NamesakeError                  transports          configuration
    │   └── StoreInUseError                store               configuration  (a StoreError too)
    ├── MessageError                       sink                internal       becomes a dead letter
    ├── GivenUpError                       sink                unavailable    others get the partitions
    ├── TransportError                     transports          unavailable    transient
    │   ├── ReassignedError                transports          unavailable    join again
    │   └── KafkaError                     transports.kafka    unavailable    transient
    │       ├── KafkaDeniedError           transports.kafka    unavailable    transient, needs people
    │       └── KafkaRefusedError          transports.kafka    refused
    ├── TransportClosedError               transports          internal
    ├── ReadingsLostError                  transports          lost
    ├── StoreError                         store               internal
    │   ├── StoreUnavailableError          store               unavailable    transient
    │   │   ├── StoreUnreachableError      store               unavailable    transient
    │   │   ├── StoreMovedError            store               unavailable    transient
    │   │   ├── StoreUnopenedError         store               unavailable    transient
    │   │   ├── StoreDeniedError           store               unavailable    transient, needs people
    │   │   ├── StoreBusyError             store               unavailable    transient
    │   │   ├── VersionConflictError       store               unavailable    transient
    │   │   └── OwnersChangedError         store               unavailable    transient
    │   ├── SchemaError                    store               unready        transient
    │   ├── StoreReplacedError             store               internal       open its files anew
    │   ├── PositionConflictError          store               internal       read the offsets again
    │   └── StoreCorruptError              store               unready        stop, never repair
    ├── ServerError                        http                internal
    ├── NoBedsideError                     cli                 unavailable    transient
    ├── NoMonitorError                     cli                 unavailable    transient
    ├── UnknownAlarmError                  cli                 no child
    ├── SupervisionError                   supervisor          internal
    │   ├── ChildStartTimeoutError         supervisor          unready        transient
    │   ├── ChildEndedEarlyError           supervisor          internal
    │   ├── StrayCancellationError         supervisor          unready        transient
    │   ├── ProcessEndedError              supervisor          internal       with its own exit code
    │   ├── ProcessSilentError             supervisor          unready        transient
    │   ├── ProcessKilledError             supervisor          internal
    │   ├── RestartIntensityError          supervisor          internal
    │   ├── UnknownChildError              control             no child
    │   │   └── UnknownBedError            control             no child
    │   ├── PartlyDoneError                control             partly done
    │   ├── NoSupervisorError              control             unavailable    transient
    │   │   └── NobodyListensError         control             unavailable    transient
    │   ├── NoAnswerError                  control             unavailable    transient
    │   ├── NotEmulatedError               control             conflict
    │   └── OrderRefusedError              control             internal       with kind and exit code of the refusal
    └── PatientServiceException            errors              internal       an answer of the HTTP API
        ├── PatientNotFoundError           errors              missing
        ├── UnknownScenarioError           patient             unknown
        ├── RecordedPatientError           patient             conflict
        ├── NotReadyError                  patient             unready
        ├── InvalidQueryError              monitor             invalid
        ├── FormatUnavailableError         monitor             unacceptable
        ├── UnauditedError                 monitor             unavailable
        ├── UnknownClientError             monitor.access      unauthenticated
        ├── RoleError                      monitor.access      forbidden
        ├── ProxiedWithoutKeysError        monitor.access      forbidden
        ├── RemoteWithoutKeysError         monitor.access      forbidden
        ├── PlainError                     monitor.access      forbidden
        ├── CookieOriginError              monitor.access      forbidden
        ├── UndecidedError                 monitor.access      unready
        ├── ExcessError                    monitor.access      excessive
        ├── AlarmNotFoundError             store.commands      missing
        ├── CommandConflictError           store.commands      conflict       with the state that holds
        ├── SenselessCommandError          store.commands      senseless
        ├── LetterNotFoundError            store.commands      no child
        ├── ReplayRefusedError             store.commands      conflict
        ├── LogInRefusedError              store.access        unauthenticated
        ├── UnknownPrincipalError          store.access        unknown
        ├── UnknownHostError               http                invalid
        ├── UnreadableBodyError            http                invalid
        ├── ForeignOriginError             http                forbidden
        ├── NotOnLoopbackError             http                forbidden
        ├── RouteWithoutRoleError          http                forbidden
        ├── BodyTypeError                  http                unsupported
        └── TooManyConnectionsError        http                unready

The columns are the class, its room, its kind, and its attributes. After a `transient` error the same call may succeed
later, without anyone's help. The kind determines the exit code of a command (below) and the HTTP status
(icu.http.problems).
"""

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Final


class Kind(Enum):
    """The meaning of an error for its caller, on the command line or over HTTP."""

    # No fault of the caller: the program's log explains it.
    INTERNAL = "internal"
    # The command line is wrong.
    USAGE = "usage"
    # A setting is wrong.
    CONFIGURATION = "configuration"
    # The output cannot be written.
    OUTPUT = "output"
    # A service that this one depends on is away.
    UNAVAILABLE = "unavailable"
    # A service that this one depends on refused the request, and will refuse it again.
    REFUSED = "refused"
    # A resource exists, but is not usable yet, or no longer.
    UNREADY = "unready"
    # Data that were held in memory only are gone.
    LOST = "lost"
    # Nothing here has the given identity.
    MISSING = "missing"
    # The given name is not one of the possible names.
    UNKNOWN = "unknown"
    # The target exists, but does not support the request.
    CONFLICT = "conflict"
    # The request is malformed.
    INVALID = "invalid"
    # The request is well-formed, but one of its values makes no sense.
    SENSELESS = "senseless"
    # The request does not tell, or prove, who asks.
    UNAUTHENTICATED = "unauthenticated"
    # The request comes from a place that is not allowed to send it.
    FORBIDDEN = "forbidden"
    # The client has as much at a time as it is given.
    EXCESSIVE = "excessive"
    # The request has a media type that is not supported.
    UNSUPPORTED = "unsupported"
    # The answer cannot be had in the form that was asked for.
    UNACCEPTABLE = "unacceptable"
    # No child of the supervisor has the given id.
    NO_CHILD = "no child"
    # An order succeeded for some of its children and failed for others.
    PARTLY_DONE = "partly done"


# The exit code of a command that an error of the kind has ended.
EXIT_CODES: Final[Mapping[Kind, int]] = {
    # sysexits.h
    Kind.USAGE: 64,
    Kind.UNKNOWN: 64,
    Kind.CONFLICT: 64,
    Kind.INTERNAL: 70,
    Kind.REFUSED: 70,
    Kind.UNREADY: 70,
    Kind.MISSING: 70,
    Kind.INVALID: 70,
    Kind.SENSELESS: 64,
    Kind.UNAUTHENTICATED: 70,
    Kind.FORBIDDEN: 70,
    Kind.EXCESSIVE: 75,
    Kind.UNSUPPORTED: 70,
    Kind.UNACCEPTABLE: 70,
    Kind.OUTPUT: 74,
    Kind.UNAVAILABLE: 75,
    Kind.LOST: 75,
    Kind.CONFIGURATION: 78,
    # supervisorctl's
    Kind.PARTLY_DONE: 3,
    Kind.NO_CHILD: 4,
}


class IcuError(Exception):
    """Root of the tree of errors."""

    # The class's own, except for a refusal of another process.
    kind: Kind = Kind.INTERNAL
    # True where the same call may succeed later without anyone's help: retries go on.
    transient: ClassVar[bool] = False
    # True where retries go on, but cannot succeed before a person has mended something.
    needs_people: ClassVar[bool] = False

    @property
    def exit_code(self) -> int:
        """Exit code of a command that this error has ended."""
        return EXIT_CODES[self.kind]


def is_transient(error: BaseException) -> bool:
    """Check if the same call may succeed later. Every retry uses this predicate."""
    return isinstance(error, IcuError) and error.transient


class UsageError(IcuError):
    """The command line is wrong."""

    kind = Kind.USAGE


class OutputError(IcuError):
    """The output cannot be written, to a full disk for instance. A closed pipe is no error."""

    kind = Kind.OUTPUT

    def __init__(self, why: OSError) -> None:
        super().__init__(f"the output cannot be written: {why.strerror}")


class PatientServiceException(IcuError):  # noqa: N818 - the brief's own name
    """An error response of the HTTP API. Its kind determines the status."""


class PatientNotFoundError(PatientServiceException):
    """No patient has the given uuid."""

    kind = Kind.MISSING

    def __init__(self, patient_uuid: object) -> None:
        super().__init__(f"no patient has the uuid {patient_uuid}")
