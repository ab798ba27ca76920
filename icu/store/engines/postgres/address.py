"""Address of a database: what its URL says, read by libpq, and how it is named in messages."""

import re
from collections.abc import Mapping
from typing import Any, Final

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PGconn
from sqlalchemy.engine import URL

from icu.config.errors import ConfigurationError
from icu.store.engines.deadline import TRANSACTION_DEADLINE

# Seconds until an attempt to connect fails: less than a transaction may take.
CONNECT_TIMEOUT: Final = 3

# Milliseconds. A lock is waited for less long than a statement may take, and that less long than a transaction.
LOCK_TIMEOUT: Final = 3_000
STATEMENT_TIMEOUT: Final = round(TRANSACTION_DEADLINE * 1_000) - 1_000

# Milliseconds of a transaction without a statement: longer than a transaction may take as a whole.
IDLE_TIMEOUT: Final = round(TRANSACTION_DEADLINE * 1_000) + 1_000

# A server that is gone without a word is noticed within 11 s.
_KEEPALIVES: Final = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
# Of each session. Compiling takes longer than any statement of ours. Where statistics are fresh, or missing, the
# planner reads whole tables for joins that a look into the index for each row does best.
_SESSION: Final[dict[str, object]] = {
    "jit": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "timezone": "UTC",
    "client_encoding": "UTF8",
    # The server's end: what a session that is gone has locked comes free.
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
    # Keepalives stay behind while an answer is under way: a sink that vanished in its COPY held its locks for minutes.
    "tcp_user_timeout": 11_000,
}
_LIMITS: Final = {
    "lock_timeout": LOCK_TIMEOUT,
    "statement_timeout": STATEMENT_TIMEOUT,
    # A program that is frozen in a transaction answers keepalives, and would hold its locks until it wakes.
    "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
}
# Options with whole numbers. libpq looks at the others before it connects, and at these while it does.
_NUMBERS: Final = (*_KEEPALIVES, "connect_timeout")
# Options that name a host, and one where none is.
_PLACE: Final = frozenset({"host", "hostaddr"})
_NOWHERE: Final = "/nonexistent"
# Sentences of libpq about options that it cannot use.
_UNUSABLE: Final = re.compile("invalid .*value|definition of service")
# Of changes of tables: programs that read or write queue behind one that waits.
_PATIENT_LIMITS: Final = {"lock_timeout": 10_000, "statement_timeout": 0}


class Address:
    """Address of a database.

    Args:
        url: URL of the database.

    Raises:
        ConfigurationError: libpq cannot read it.
    """

    def __init__(self, url: str) -> None:
        _, _, rest = url.partition("://")
        try:
            self._parameters: Final[Mapping[str, Any]] = conninfo_to_dict(f"postgresql://{rest}")
        except Error:
            # libpq's sentence may quote a part of the URL, and with a slip of the pen that is the password.
            raise ConfigurationError(
                "the database URL cannot be read: write for instance postgresql://icu:PASSWORD@db.example:5432/icu,"
                " with signs such as @ / ? # in a password written as %40 %2F %3F %23"
            ) from None
        if not self._parameters.get("dbname"):
            raise ConfigurationError("the database URL names no database: write for instance postgresql://.../icu")
        self._check_options()

    def _check_options(self) -> None:
        """Raise ConfigurationError where an option has a value that libpq will refuse. Asks no server."""
        for name in _NUMBERS:
            value = self._parameters.get(name, "0")
            if not re.fullmatch(r"-?[0-9]{1,9}", value):
                raise ConfigurationError(
                    f"the option {name} of the database URL (DATABASE_URL) is a whole number, not {value!r}"
                )
        # To servers that cannot be, as many as there are ports.
        hosts = ",".join([_NOWHERE] * len(self._parameters.get("port", "").split(",")))
        options = {key: value for key, value in self._parameters.items() if key not in _PLACE}
        attempt = PGconn.connect_start(make_conninfo(**options, host=hosts).encode())
        told = attempt.get_error_message().strip()
        attempt.finish()
        if _UNUSABLE.search(told):
            raise ConfigurationError(f"an option of the database URL (DATABASE_URL) cannot be used: {told}")

    @property
    def database(self) -> str:
        """Name of the database on its server."""
        return str(self._parameters["dbname"])

    @property
    def user(self) -> str:
        """Name of the role; empty where libpq takes that of the process."""
        return str(self._parameters.get("user", ""))

    @property
    def location(self) -> str:
        """Address as a URL, without passwords and options."""
        hosts = str(self._parameters.get("host", "")).split(",")
        ports = str(self._parameters.get("port", "")).split(",")
        if any(each.startswith("/") for each in hosts):
            hosts = [""]  # a socket: its folder is no host
        places = [_with_port(host, ports[min(number, len(ports) - 1)]) for number, host in enumerate(hosts)]
        name = URL.create("postgresql", username=self.user or None, database=self.database).render_as_string()
        scheme, slashes, end = name.partition("://")
        user, at, base = end.rpartition("@")
        return f"{scheme}{slashes}{user}{at}{','.join(places)}{base if at else end}"

    def parameters(self, name: str, *, limits: bool = True, read_only: bool = False) -> dict[str, Any]:
        """Return the parameters of a connection, for psycopg.

        Args:
            name: Name of the session, for `pg_stat_activity`.
            limits: False for statements that may take as long as they need.
            read_only: True for a session that cannot write.
        """
        settings = dict(_SESSION)
        settings |= _LIMITS if limits else _PATIENT_LIMITS
        if read_only:
            settings["default_transaction_read_only"] = "on"
        given = self._parameters.get("options", "")
        options = " ".join([*([given] if given else []), *(f"-c {key}={value}" for key, value in settings.items())])
        defaults = {"connect_timeout": CONNECT_TIMEOUT, **_KEEPALIVES, "application_name": name}
        return {**defaults, **self._parameters, "options": options}


def _with_port(host: str, port: str) -> str:
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host
