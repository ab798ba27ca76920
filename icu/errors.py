"""The root of all errors of ours, and their kinds. Each says what to do next, and stands in the room that raises it.

    IcuError                               errors              internal
    ├── UsageError                         errors              usage
    ├── OutputError                        errors              output
    ├── ConfigurationError                 config              configuration
    │   ├── RecordingError                 patient             configuration
    │   ├── AddressInUseError              http                configuration
    │   ├── SupervisorRunsError            control             configuration
    │   └── StoreInUseError                store               configuration  (a StoreError too)
    ├── MessageError                       sink                internal       becomes a dead letter
    ├── TransportError                     transports          unavailable    transient
    │   └── KafkaError                     transports.kafka    unavailable    transient
    │       ├── KafkaDeniedError           transports.kafka    unavailable    transient, needs people
    │       └── KafkaRefusedError          transports.kafka    refused
    ├── TransportClosedError               transports          internal
    ├── ReadingsLostError                  transports          lost
    ├── StoreError                         store               internal
    │   ├── StoreUnavailableError          store               unavailable    transient
    │   │   └── StoreUnopenedError         store               unavailable    transient
    │   ├── SchemaError                    store               unready        transient
    │   ├── StoreReplacedError             store               internal       open its files anew
    │   ├── PositionConflictError          store               internal       read the offsets again
    │   └── StoreCorruptError              store               unready        stop, never repair
    ├── ServerError                        http                internal
    ├── NoBedsideError                     cli                 unavailable    transient
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
    │   └── OrderRefusedError              control             internal       with the exit code of whoever refuses
    └── PatientServiceException            errors              internal       an answer of the HTTP API
        ├── PatientNotFoundError           errors              missing
        ├── UnknownScenarioError           patient             unknown
        ├── RecordedPatientError           patient             conflict
        ├── NotReadyError                  patient             unready
        ├── InvalidQueryError              monitor             invalid
        ├── UnknownHostError               http                invalid
        ├── UnreadableBodyError            http                invalid
        ├── ForeignOriginError             http                forbidden
        ├── BodyTypeError                  http                unsupported
        └── TooManyConnectionsError        http                unready

The columns are the class, its room, its kind, and what retries ask: `transient`, whether the same call may succeed
later without anyone's help. The kind tells what a command ends with (below) and what HTTP answers (icu.http.problems).
"""

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Final


class Kind(Enum):
    """What an error means to whoever called, by command or by HTTP."""

    # Nothing that the caller did: the program's log explains it.
    INTERNAL = "internal"
    # The command line is wrong.
    USAGE = "usage"
    # A setting is wrong.
    CONFIGURATION = "configuration"
    # What was asked for cannot be written.
    OUTPUT = "output"
    # Something that we stand on is away.
    UNAVAILABLE = "unavailable"
    # Something that we stand on said no, and will again.
    REFUSED = "refused"
    # Something is there, and not yet or no longer fit for use.
    UNREADY = "unready"
    # Data were in memory alone, and are gone.
    LOST = "lost"
    # What the identity belongs to is not here.
    MISSING = "missing"
    # The name is none of those to choose from.
    UNKNOWN = "unknown"
    # What is here cannot do what is asked of it.
    CONFLICT = "conflict"
    # The request cannot be used.
    INVALID = "invalid"
    # The request comes from where it may not.
    FORBIDDEN = "forbidden"
    # The request is in a form that is not taken.
    UNSUPPORTED = "unsupported"
    # No child of a supervisor is meant.
    NO_CHILD = "no child"
    # An order was carried out for some of those that it was for.
    PARTLY_DONE = "partly done"


# What a command ends with when an error of the kind reaches it.
EXIT_CODES: Final[Mapping[Kind, int]] = {
    # of sysexits.h
    Kind.USAGE: 64,
    Kind.UNKNOWN: 64,
    Kind.CONFLICT: 64,
    Kind.INTERNAL: 70,
    Kind.REFUSED: 70,
    Kind.UNREADY: 70,
    Kind.MISSING: 70,
    Kind.INVALID: 70,
    Kind.FORBIDDEN: 70,
    Kind.UNSUPPORTED: 70,
    Kind.OUTPUT: 74,
    Kind.UNAVAILABLE: 75,
    Kind.LOST: 75,
    Kind.CONFIGURATION: 78,
    # of supervisorctl
    Kind.PARTLY_DONE: 3,
    Kind.NO_CHILD: 4,
}


class IcuError(Exception):
    """Root of the tree."""

    kind: ClassVar[Kind] = Kind.INTERNAL
    transient: ClassVar[bool] = False
    # Whether somebody has to mend something first, though the call is tried again meanwhile.
    needs_people: ClassVar[bool] = False

    @property
    def exit_code(self) -> int:
        """What a command ends with when the error reaches it."""
        return EXIT_CODES[self.kind]


def is_transient(error: BaseException) -> bool:
    """Tell if the same call may succeed later: the predicate of every retry."""
    return isinstance(error, IcuError) and error.transient


class UsageError(IcuError):
    """The command line is wrong."""

    kind = Kind.USAGE


class OutputError(IcuError):
    """What was asked for cannot be written, to a full disk for instance. A reader that went away is no error."""

    kind = Kind.OUTPUT

    def __init__(self, why: OSError) -> None:
        super().__init__(f"the output cannot be written: {why.strerror}")


class PatientServiceException(IcuError):  # noqa: N818 - the brief's own name
    """An answer of the HTTP API that is not a success. Its kind tells the status."""


class PatientNotFoundError(PatientServiceException):
    """No patient has this identity."""

    kind = Kind.MISSING

    def __init__(self, patient_uuid: object) -> None:
        super().__init__(f"no patient has the uuid {patient_uuid}")
