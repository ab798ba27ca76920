"""All settings, with defaults and bounds.

The structs mirror supervisor.toml, key by key. The description of a pattern is the text of its mistakes.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

from icu.config.api import Api
from icu.config.databases import DatabaseUrl
from icu.config.retention import Retention

DEFAULT_PORT: Final = 8000
HIGHEST_PORT: Final = 65_535

# Id of the patients' supervisor, which no child may have. In orders it stands for all patients.
BEDS: Final = "beds"

# Children in one group at most.
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
WardName: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\A[a-zA-Z0-9._-]{1,100}\Z",
        description="the name of a ward has 1 to 100 letters (a to z), digits, dots, dashes and underscores, "
        "for instance icu-2",
    ),
]
Identifier: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\A[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?\Z",
        description="an id has 1 to 100 characters, no space at its ends and no control character, for instance bed-1",
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
    """A password, which no log and no error shows."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the library that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """Log of the process, on standard error."""

    level: Level = "INFO"
    # `auto` is text on a terminal and JSON elsewhere.
    format: LogForm = "auto"


class Transport(Struct, frozen=True, forbid_unknown_fields=True):
    """Topic between patients and sink. `memory` lives inside one process."""

    kind: TransportKind = "memory"
    topic: Topic = "icu.observations"
    # Topic of the events of alarms, which the sink publishes.
    alarms: Topic = "icu.alarms"
    # Partitions of a topic that is created. An existing topic keeps its own number.
    partitions: Annotated[int, Meta(ge=1, le=1_000)] = 6
    # Records that `memory` holds in each partition before publishers have to wait.
    capacity: Annotated[int, Meta(ge=1, le=10_000_000)] = 100_000


class Kafka(Struct, frozen=True, forbid_unknown_fields=True):
    """Connection to the brokers. Passwords come from the environment or from a file of their own."""

    # host:port; several are separated by commas.
    bootstrap_servers: Servers = "127.0.0.1:9092"
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    # Refuse to send readings or a password unencrypted.
    require_tls: bool = False
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: Text | None = None
    sasl_password: Secret | None = None
    sasl_password_file: Path | None = None
    # Authorities that may have signed the broker's certificate; the system's own when absent.
    ssl_ca_file: Path | None = None
    # Client certificate, for brokers that ask for one.
    ssl_certificate_file: Path | None = None
    ssl_key_file: Path | None = None


class Database(Struct, frozen=True, forbid_unknown_fields=True):
    """Database of the readings."""

    url: DatabaseUrl = "sqlite:///icu.db"


class Ward(Struct, frozen=True, forbid_unknown_fields=True):
    """Ward that the monitors show."""

    name: WardName = "ward"
    # Beds that are shown; 0 for as many as are taken.
    beds: Annotated[int, Meta(ge=0, le=HIGHEST_COUNT)] = 0


class News2(Struct, frozen=True, forbid_unknown_fields=True):
    """Greatest ages of values that count for NEWS2."""

    # Seconds, of pulse, breaths and saturation; or so many of the sender's intervals, if that is more.
    max_age: Seconds = 60.0
    intervals: Annotated[float, Meta(ge=1, le=100)] = 1.5
    # Seconds.
    pressure_max_age: Seconds = 1_800.0
    temperature_max_age: Seconds = 14_400.0


class Supervision(Struct, frozen=True, forbid_unknown_fields=True):
    """Supervision of the children. Patients have a supervisor with limits of its own."""

    strategy: Literal["one_for_one", "one_for_all", "rest_for_one"] = "one_for_one"
    # More deaths than this within `period` seconds stop everything.
    restarts: Annotated[int, Meta(ge=1, le=10_000)] = 5
    period: Annotated[float, Meta(ge=1, le=86_400)] = 30.0
    # The limit of the patients' supervisor: patients do not use up the restarts of sink and monitor.
    bed_restarts: Annotated[int, Meta(ge=1, le=10_000)] = 10
    bed_period: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    # Seconds without a sign of life after which a child process is killed and restarted.
    watchdog: Annotated[float, Meta(ge=1, le=3_600)] = 30.0
    # Socket for orders. When absent, it is in a runtime folder, with a name made from the database's.
    socket: Path | None = None


class Child(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="role"):
    """A child of the supervisor."""

    # The role when absent; `bed-N` for patients.
    id: Identifier | None = None
    restart: Restart = "permanent"
    # True for a process of its own, instead of a task in the supervisor's process.
    process: bool = False
    # Number of equal children: with ids `ID-1` and so on, likewise names, and consecutive ports.
    count: Annotated[int, Meta(ge=1, le=HIGHEST_COUNT)] | None = None
    # True if the ward is not ready while the child is down. When absent, sinks are critical and others are not.
    critical: bool | None = None
    host: Host = "127.0.0.1"
    # Port of the HTTP face. A child without a port has no face; a monitor always has one.
    port: Port | None = None

    @property
    def role(self) -> str:
        """Name of the role."""
        return str(self.__struct_config__.tag)


class SinkChild(Child, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="sink"):
    """Child that stores the readings of the topic. Serves health and metrics when it has a port."""

    # Name among the sinks that share a topic, on all hosts; `WARD@HOST/ID` when absent.
    member: Identifier | None = None


class MonitorChild(Child, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="monitor"):
    """Child that serves the API."""

    port: Port = DEFAULT_PORT


class UpkeepChild(Child, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="upkeep"):
    """Child that rolls readings up and deletes what is old. Serves health and metrics when it has a port."""


class PatientChild(Child, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="patient"):
    """Child that emulates patients, or replays a recording."""

    name: Text
    # Made from the name when absent, so that it stays the same after a restart.
    uuid: UUID | None = None
    # Number of patients in this child: `NAME 1` and so on.
    patients: Annotated[int, Meta(ge=1, le=100_000)] = 1
    restart: Restart = "transient"
    # Seconds between observations; `metrics_interval` when absent.
    interval: Seconds | None = None
    seed: int | None = None
    recording: Path | None = None
    # Seconds between the rows of a recording that has no time column.
    step: Annotated[float, Meta(ge=0.001, le=86_400)] = 3_600.0
    # Factor by which the patients' clock runs faster than the wall clock; inf is as fast as possible. Simulated
    # patients slow down to 1 when they have caught up with now.
    speed: Annotated[float, Meta(ge=0.001)] = 1.0
    # Time of the first observation. When absent it is now, except that a faster recording ends now.
    start: Annotated[datetime, Meta(tz=True)] | None = None
    # Scenario of the simulated patients at the start: the name of a file in config/scenarios.
    scenario: Text | None = None
    # Factor of the rates at which scenarios begin by chance: 1 as in their files, 0 for never.
    scenario_rate: Annotated[float, Meta(ge=0, le=1_000)] = 1.0
    # Factor of the rates at which sensors fail: 1 as usual, 0 for never.
    artefacts: Annotated[float, Meta(ge=0, le=1_000)] = 1.0


AnyChild: TypeAlias = SinkChild | MonitorChild | UpkeepChild | PatientChild

# Other names of roles that a file may use: the brief's own.
OTHER_NAMES: Final[Mapping[str, str]] = {"data": "sink"}


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of supervisor.toml and the environment."""

    # Seconds between a patient's observations.
    metrics_interval: Seconds = 5.0
    debug: bool = False
    log: Log = Log()
    transport: Transport = Transport()
    kafka: Kafka = Kafka()
    database: Database = Database()
    retention: Retention = Retention()
    ward: Ward = Ward()
    api: Api = Api()
    news2: News2 = News2()
    supervisor: Supervision = Supervision()
    child: tuple[AnyChild, ...] = ()

    @property
    def log_level(self) -> Level:
        """Level of the log; DEBUG while `debug` is set."""
        return "DEBUG" if self.debug else self.log.level
