"""Connections to the brokers: the options of every client, and errors that say why a connection fails."""

import re
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.helpers import create_ssl_context

from icu.config.brokers import mistakes_in
from icu.config.errors import ConfigurationError
from icu.config.settings import Kafka
from icu.transports.kafka.errors import KafkaDeniedError, KafkaError
from icu.transports.kafka.foreign import bounded, close_in_turn
from icu.transports.kafka.reasons import captured_log, explain, needs_people

# Seconds until a broker has to answer.
CONNECTING_DEADLINE: Final = 10.0

# Seconds that a connection has to come about after its caller was cancelled. aiokafka leaves one that is broken off
# unclosed, and a connection that exists can be closed.
CONNECTING_GRACE: Final = 0.5

# host:port on this machine
_LOOPBACK: Final = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\]):[0-9]+")


class Brokers:
    """The configured brokers."""

    def __init__(self, settings: Kafka) -> None:
        """Check the settings.

        Raises:
            ConfigurationError: They contradict each other, or name files that cannot be used.
        """
        _check(settings)
        self._settings = settings
        self._tls = _tls_context(settings) if settings.security.endswith("SSL") else None

    @property
    def address(self) -> str:
        """Addresses of the brokers, as host:port with commas between them."""
        return self._settings.bootstrap_servers

    @property
    def exposed(self) -> bool:
        """True if readings travel unencrypted to another host."""
        remote = [each for each in self.address.split(",") if not _LOOPBACK.fullmatch(each)]
        return bool(remote) and self._tls is None

    def options(self) -> dict[str, Any]:
        """Keyword arguments for any of aiokafka's clients."""
        settings = self._settings
        options: dict[str, Any] = {
            "bootstrap_servers": self.address.split(","),
            "client_id": "icu",
            "request_timeout_ms": round(CONNECTING_DEADLINE * 1000),
            # Milliseconds until new partitions of a topic are noticed.
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
        """Await the `start` of a client.

        Raises:
            KafkaError: The connection failed. The message explains why, and what to do.
        """
        with captured_log() as captured:
            try:
                doing = f"connecting to {self.address}"
                await bounded(doing, start(), seconds=CONNECTING_DEADLINE, grace=CONNECTING_GRACE)
            except KafkaError as exc:
                reason = captured.error or exc
                raise _kind(reason)(self._explained(reason)) from exc

    @asynccontextmanager
    async def explaining_errors(self) -> AsyncIterator[None]:
        """Explain the KafkaErrors of requests in the block, after a connection.

        Requests go to the addresses that the brokers advertise. If one of them cannot be reached, the error names it.
        """
        with captured_log() as captured:
            try:
                yield
            except KafkaError as exc:
                if captured.node is None or captured.error is None:
                    raise
                raise _kind(captured.error)(await self._explained_node(captured.node, captured.error)) from exc

    def _explained(self, reason: BaseException) -> str:
        return f"no connection to Kafka at {self.address}: {explain(reason, self._settings)}"

    async def _explained_node(self, node: int, reason: BaseException) -> str:
        advertised = (await self._nodes()).get(node)
        if advertised is None or advertised in self.address.split(","):
            return self._explained(reason)
        return (
            f"Kafka at {self.address} says that its broker {node} is to be asked at {advertised}, and there is no "
            f"connection to it ({str(reason) or type(reason).__name__}): start that broker, or set its "
            "advertised.listeners to an address that this machine reaches"
        )

    async def _nodes(self) -> dict[int, str]:
        """The advertised addresses of the brokers by id; none if no broker answers any more."""
        client = AIOKafkaClient(**self.options())
        try:
            await bounded("asking for brokers", client.bootstrap(), seconds=CONNECTING_DEADLINE)
            return {each.nodeId: f"{each.host}:{each.port}" for each in client.cluster.brokers()}
        except KafkaError:
            return {}
        finally:
            await close_in_turn(client.close)


def _kind(reason: BaseException) -> type[KafkaError]:
    return KafkaDeniedError if needs_people(reason) else KafkaError


def _check(settings: Kafka) -> None:
    for key, why in mistakes_in(settings):
        raise ConfigurationError(f"[kafka] {key}: {why}")


def _tls_context(settings: Kafka) -> ssl.SSLContext:
    try:
        context: ssl.SSLContext = create_ssl_context(
            cafile=settings.ssl_ca_file, certfile=settings.ssl_certificate_file, keyfile=settings.ssl_key_file
        )
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigurationError(f"[kafka] the TLS files cannot be used: {exc}") from exc
    return context
