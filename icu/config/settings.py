"""Every setting, its default and its bounds.

The structs mirror supervisor.toml: what stands here can be written there. A pattern's description is what people read
of it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

DEFAULT_PORT: Final = 8000
HIGHEST_PORT: Final = 65_535

# The id of the patients' supervisor, which no child may have.
BEDS: Final = "beds"

# The most children that are alike.
HIGHEST_COUNT: Final = 10_000

Port: TypeAlias = Annotated[int, Meta(ge=1, le=HIGHEST_PORT)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0.1, le=86_400)]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Level: TypeAlias = Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"]
LogForm: TypeAlias = Literal["auto", "json", "text"]
Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
TransportKind: TypeAlias = Literal["memory", "kafka"]
Host: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\A[^\s\x00-\x1f\x7f]{1,253}\Z",
        description="a host is a name or an address, for instance 127.0.0.1",
    ),
]
Topic: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\A[a-zA-Z0-9._-]{1,249}\Z",
        description="a topic has 1 to 249 letters (a to z), digits, dots, dashes and underscores, "
        "for instance icu.observations",
    ),
]
Prefix: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\A(/[A-Za-z0-9._~-]+)*\Z",
        description="a prefix begins with a slash and does not end with one, for instance /api/v1",
    ),
]
Origin: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\Ahttps?://[^/\s*]+\Z",
        description="an origin is a scheme and a host, nothing behind it, for instance https://ward.example",
    ),
]
HostName: TypeAlias = Annotated[
    str,
    Meta(pattern=r"\A[A-Za-z0-9._-]+\Z", description="a host is a name without a port, for instance icu.ward.example"),
]
Identifier: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\A[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?\Z",
        description="an id has 1 to 100 characters, no space at its ends and no control character, for instance bed-1",
    ),
]
_FILE_URL: Final = r"sqlite(\+aiosqlite)?:///"
# A database that is a file, by a path from wherever its URL is written.
RELATIVE_DATABASE: Final = re.compile(rf"\A(?P<scheme>{_FILE_URL})(?P<path>[^/].*)\Z")
DatabaseUrl: TypeAlias = Annotated[
    str,
    Meta(
        pattern=rf"\A{_FILE_URL}(?!file:)(?!.*(:memory:|%[01][0-9A-Fa-f]|%7[Ff]))[^?\x00-\x1f\x7f]+\Z",
        max_length=4_096,
        description="a database is a file of SQLite, for instance sqlite:///icu.db; others are not supported yet",
    ),
]

_SERVER: Final = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}"
Servers: TypeAlias = Annotated[
    str,
    Meta(
        pattern=rf"\A{_SERVER}(,{_SERVER})*\Z",
        description="brokers are written host:port, several with commas, for instance kafka-1:9092,kafka-2:9092",
    ),
]


class Secret:
    """A password. Shown nowhere: whoever needs the text has to ask for it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, to be handed to a library and to nobody else."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """`auto` is text on a terminal and JSON elsewhere."""

    level: Level = "INFO"
    format: LogForm = "auto"


class Transport(Struct, frozen=True, forbid_unknown_fields=True):
    """The topic between patients and sink. `memory` lives inside one process."""

    kind: TransportKind = "memory"
    topic: Topic = "icu.observations"
    # Of a topic that is created. One that exists keeps its own number.
    partitions: Annotated[int, Meta(ge=1, le=1_000)] = 6
    # Records that `memory` holds in each partition before publishers have to wait.
    capacity: Annotated[int, Meta(ge=1, le=10_000_000)] = 100_000


class Kafka(Struct, frozen=True, forbid_unknown_fields=True):
    """How the brokers are reached. Passwords come from the environment or from a file of their own."""

    # host:port, several with commas between them.
    bootstrap_servers: Servers = "127.0.0.1:9092"
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    # Refuse to send readings or a password unencrypted.
    require_tls: bool = False
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: Text | None = None
    sasl_password: Secret | None = None
    sasl_password_file: Path | None = None
    # Who may have signed the broker's certificate; the system's authorities when absent.
    ssl_ca_file: Path | None = None
    # This client's own certificate, where the broker asks for one.
    ssl_certificate_file: Path | None = None
    ssl_key_file: Path | None = None


class Database(Struct, frozen=True, forbid_unknown_fields=True):
    """Where readings are kept."""

    url: DatabaseUrl = "sqlite:///icu.db"


class Api(Struct, frozen=True, forbid_unknown_fields=True):
    """HTTP. Pages on loopback may always read, others where their origin is listed, which may then give orders too.

    `hosts` are names that every server on loopback answers to, beside loopback's own. `prefix` is the monitor's.
    """

    prefix: Prefix = ""
    cors_origins: tuple[Origin, ...] = ()
    hosts: tuple[HostName, ...] = ()


class Supervision(Struct, frozen=True, forbid_unknown_fields=True):
    """More than `restarts` deaths of children within `period` seconds: everything is stopped.

    Patients have a supervisor of their own, so that they do not use up what the sink and the monitor may need.
    """

    strategy: Literal["one_for_one", "one_for_all", "rest_for_one"] = "one_for_one"
    restarts: Annotated[int, Meta(ge=1, le=10_000)] = 5
    period: Annotated[float, Meta(ge=1, le=86_400)] = 30.0
    bed_restarts: Annotated[int, Meta(ge=1, le=10_000)] = 10
    bed_period: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    # Seconds after which a child process that shows no life is killed, and started again.
    watchdog: Annotated[float, Meta(ge=1, le=3_600)] = 30.0
    # Where it takes orders; in a runtime folder, under a name made from the database's, when absent.
    socket: Path | None = None


class Child(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="role"):
    """One child of the supervisor. `id` defaults to the role, a patient's to `bed-N`."""

    id: Identifier | None = None
    restart: Restart = "permanent"
    # Run in a process of its own, in place of a task of the supervisor's.
    process: bool = False
    # So many alike: ids `ID-1` and so on, names likewise, ports counting up.
    count: Annotated[int, Meta(ge=1, le=HIGHEST_COUNT)] | None = None
    # Whether the ward is not ready while it is down; the sink is critical unless it says otherwise.
    critical: bool | None = None
    host: Host = "127.0.0.1"
    # Of its HTTP face; without it, it has none.
    port: Port | None = None

    @property
    def role(self) -> str:
        """What it does."""
        return str(self.__struct_config__.tag)


class SinkChild(Child, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="sink"):
    """Stores what the topic brings. Serves health and metrics when it has a port."""


class MonitorChild(Child, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="monitor"):
    """Serves the API."""

    port: Port = DEFAULT_PORT


class PatientChild(Child, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="patient"):
    """One bedside monitor: a simulated patient, or a recording that is replayed."""

    name: Text
    # Made from the name when absent, so that a restart is the same patient.
    uuid: UUID | None = None
    # So many patients in this one child: `NAME 1` and so on.
    patients: Annotated[int, Meta(ge=1, le=100_000)] = 1
    restart: Restart = "transient"
    # Seconds between observations; `metrics_interval` when absent.
    interval: Seconds | None = None
    seed: int | None = None
    recording: Path | None = None
    # Seconds between the rows of a recording that has no time column.
    step: Annotated[float, Meta(ge=0.001, le=86_400)] = 3_600.0
    # How many times faster than ours the patients' clock runs; inf: as fast as can be. Simulated patients slow down to
    # our pace when they have caught up with now.
    speed: Annotated[float, Meta(ge=0.001)] = 1.0
    # When the first observation was made. Now when absent; a recording that is replayed faster ends now.
    start: Annotated[datetime, Meta(tz=True)] | None = None
    # What befalls the simulated patients at the start: the name of a file in config/scenarios.
    scenario: Text | None = None
    # How often scenarios befall them by chance: 1 as their files say, 0 never.
    scenario_rate: Annotated[float, Meta(ge=0, le=1_000)] = 1.0
    # How often their sensors fail: 1 as is usual, 0 never.
    artefacts: Annotated[float, Meta(ge=0, le=1_000)] = 1.0


AnyChild: TypeAlias = SinkChild | MonitorChild | PatientChild

# Names that roles have besides, in files: the brief's own.
OTHER_NAMES: Final[Mapping[str, str]] = {"data": "sink"}


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All of supervisor.toml, environment included."""

    metrics_interval: Seconds = 5.0
    debug: bool = False
    log: Log = Log()
    transport: Transport = Transport()
    kafka: Kafka = Kafka()
    database: Database = Database()
    api: Api = Api()
    supervisor: Supervision = Supervision()
    child: tuple[AnyChild, ...] = ()

    @property
    def log_level(self) -> Level:
        """The level of the log, which `debug` lowers."""
        return "DEBUG" if self.debug else self.log.level
