"""How the brokers are reached: the options of every client, and in words why they are not."""

import errno
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiokafka import errors as kafka
from aiokafka.helpers import create_ssl_context

from icu.config.settings import Kafka
from icu.errors import ConfigurationError, KafkaError
from icu.transports.kafka.foreign import bounded

CONNECTING_DEADLINE: Final = 10.0
"""Seconds until a broker has to have answered."""

LOOPBACK: Final = ("localhost", "127.", "[::1]")


class Brokers:
    """The configured brokers."""

    def __init__(self, settings: Kafka) -> None:
        """ConfigurationError where the settings contradict each other, or name files that cannot be used."""
        _check(settings)
        self._settings = settings
        self._tls = _tls_context(settings) if settings.security.endswith("SSL") else None

    @property
    def address(self) -> str:
        """host:port, several with commas between them."""
        return self._settings.bootstrap_servers

    @property
    def exposed(self) -> bool:
        """Whether readings travel unencrypted to a host that is not this one."""
        remote = [each for each in self.address.split(",") if not each.startswith(LOOPBACK)]
        return bool(remote) and self._tls is None

    def options(self) -> dict[str, Any]:
        """The keyword arguments of any of aiokafka's clients."""
        settings = self._settings
        options: dict[str, Any] = {
            "bootstrap_servers": self.address.split(","),
            "client_id": "icu",
            "request_timeout_ms": round(CONNECTING_DEADLINE * 1000),
            # How soon the number of a topic's partitions is known to have grown.
            "metadata_max_age_ms": 30_000,
            "security_protocol": settings.security,
            "ssl_context": self._tls,
        }
        if settings.security.startswith("SASL"):
            options["sasl_mechanism"] = settings.sasl_mechanism
            options["sasl_plain_username"] = settings.sasl_username
            options["sasl_plain_password"] = settings.sasl_password.reveal() if settings.sasl_password else None
        return options

    async def connect(self, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Await a client's start. KafkaError says what is wrong and what to do."""
        with _overheard() as reasons:
            try:
                await bounded(f"connecting to {self.address}", start(), seconds=CONNECTING_DEADLINE)
            except KafkaError as exc:
                raise KafkaError(self._explained(reasons[-1] if reasons else exc)) from exc

    def _explained(self, reason: BaseException) -> str:
        return f"no connection to Kafka at {self.address}: {_told(reason, self._settings)}"


def _told(reason: BaseException, settings: Kafka) -> str:  # noqa: PLR0911 - a table
    match reason:
        case ssl.SSLCertVerificationError():
            return (
                f"its certificate is not trusted ({reason.verify_message}): "
                "name the authority that signed it (ssl_ca_file)"
            )
        case kafka.AuthenticationFailedError() | kafka.SaslAuthenticationFailed():
            return f"it refuses user {settings.sasl_username!r} or the password: {reason}"
        case kafka.UnsupportedSaslMechanismError() | kafka.AuthenticationMethodNotSupported():
            return f"it does not accept {settings.sasl_mechanism}: choose another `sasl_mechanism`"
        case socket.gaierror():
            return "no such host: look at bootstrap_servers (KAFKA_BOOTSTRAP_SERVERS)"
        case OSError() if reason.errno == errno.ECONNREFUSED or "Connect call failed" in str(reason):
            return (
                "nothing listens there: start a broker (docker compose up -d), "
                "or name another one (KAFKA_BOOTSTRAP_SERVERS)"
            )
        case ssl.SSLError() | ConnectionResetError() if settings.security.endswith("SSL"):
            return "it does not speak TLS on that port: choose its TLS port, or another `security`"
        case kafka.KafkaConnectionError() | ConnectionResetError() if settings.security == "PLAINTEXT":
            return "it hangs up on plain text: that port may want TLS or a password (`security`)"
        case _:
            return str(reason)


@contextmanager
def _overheard() -> Iterator[list[BaseException]]:
    """The errors that aiokafka writes to its log: the one that it raises says only that it failed."""
    reasons: list[BaseException] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            arguments = record.args if isinstance(record.args, tuple) else ()
            reasons.extend(each for each in arguments if isinstance(each, BaseException))

    ear = Ear(logging.WARNING)
    log = logging.getLogger("aiokafka")
    log.addHandler(ear)
    try:
        yield reasons
    finally:
        log.removeHandler(ear)


def _check(settings: Kafka) -> None:
    for server in settings.bootstrap_servers.split(","):
        if not 1 <= int(server.rpartition(":")[2]) <= 65_535:
            raise ConfigurationError(f"[kafka] bootstrap_servers: {server} has no port from 1 to 65535")
    if settings.security.startswith("SASL") and not (settings.sasl_username and settings.sasl_password):
        raise ConfigurationError(
            f"[kafka] security {settings.security} needs sasl_username, and a password: "
            "ICU_KAFKA_SASL_PASSWORD in the environment, or a file (sasl_password_file)"
        )
    if settings.require_tls and not settings.security.endswith("SSL"):
        raise ConfigurationError(
            f"[kafka] require_tls forbids security {settings.security}: choose SSL or SASL_SSL, and a TLS port"
        )


def _tls_context(settings: Kafka) -> ssl.SSLContext:
    try:
        context: ssl.SSLContext = create_ssl_context(
            cafile=settings.ssl_ca_file, certfile=settings.ssl_certificate_file, keyfile=settings.ssl_key_file
        )
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigurationError(f"[kafka] the TLS files cannot be used: {exc}") from exc
    return context
