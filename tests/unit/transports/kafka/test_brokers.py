"""Connections to brokers, and errors of failed ones that say what to do."""

import errno
import logging
import re
import shutil
import socket
import ssl
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiokafka import errors as kafka

from icu.config.errors import ConfigurationError
from icu.config.settings import Kafka, Secret
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.reasons import captured_log, explain
from icu.transports.kafka.topics import list_topics
from tests.brokers import certificates
from tests.clocks import virtual_asyncio
from tests.unit.transports.kafka.cluster import Cluster

ADDRESS = "127.0.0.1:9092"
LOG = logging.getLogger("aiokafka.conn")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_asyncio()


def brokers(servers: str = ADDRESS, **settings: Any) -> Brokers:
    """Make brokers with these settings."""
    return Brokers(Kafka(bootstrap_servers=servers, **settings))


@pytest.mark.parametrize(
    ("servers", "security", "exposed"),
    [
        ("localhost:9092", "PLAINTEXT", False),
        ("127.0.0.1:9092,127.1.2.3:9093,[::1]:9092", "PLAINTEXT", False),
        ("127.0.0.1:9092,kafka.example:9092", "PLAINTEXT", True),
        ("localhost.example:9092", "PLAINTEXT", True),
        ("127.example:9092", "PLAINTEXT", True),
        ("kafka.example:9092", "SSL", False),
    ],
)
def test_plain_text_to_other_hosts_is_exposed(servers: str, security: str, exposed: bool) -> None:
    """One foreign host without TLS is exposed, though its name begins like one of loopback."""
    assert brokers(servers, security=security).exposed is exposed


def test_clients_get_all_settings() -> None:
    """Clients get all settings, passwords only where they are used."""
    plain = brokers("a:1,b:2").options()
    assert (plain["bootstrap_servers"], plain["security_protocol"], plain["ssl_context"]) == (
        ["a:1", "b:2"],
        "PLAINTEXT",
        None,
    )
    assert (plain["client_id"], plain["request_timeout_ms"]) == ("icu", 10_000)
    assert not [name for name in plain if name.startswith("sasl")]
    secret = brokers(
        security="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", sasl_username="icu", sasl_password=Secret("s")
    ).options()
    assert {name: value for name, value in secret.items() if name.startswith("sasl")} == {
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "icu",
        "sasl_plain_password": "s",
    }
    assert isinstance(secret["ssl_context"], ssl.SSLContext)


def test_settings_that_contradict_each_other_are_refused() -> None:
    """Contradictory settings are refused with the key."""
    with pytest.raises(ConfigurationError, match=r"\[kafka\] security: SASL_PLAINTEXT needs"):
        brokers(security="SASL_PLAINTEXT")


def test_certificates_that_are_missing_are_refused(tmp_path: Path) -> None:
    """Missing certificates are refused at the start, not at the first connection."""
    with pytest.raises(ConfigurationError, match="the TLS files cannot be used"):
        brokers(security="SSL", ssl_ca_file=tmp_path / "missing.pem")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_certificates_that_are_named_are_used(tmp_path: Path) -> None:
    """Only the named authority is trusted, and our certificate has its key beside it."""
    authority = tmp_path / "ca.pem"
    certificates.authority(authority)
    certificates.server(tmp_path, authority)
    files = {"ssl_ca_file": authority, "ssl_certificate_file": tmp_path / "server7.crt"}
    context = brokers(security="SSL", **files, ssl_key_file=tmp_path / "server7.key").options()["ssl_context"]
    assert [dict(each[0] for each in found["subject"]) for found in context.get_ca_certs()] == [{"commonName": "ca"}]
    with pytest.raises(ConfigurationError, match="the TLS files cannot be used"):
        brokers(security="SSL", **files)


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    """Make an error of certificates as OpenSSL raises it."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "self-signed certificate"
    return error


def tls_error(reason: str | None) -> ssl.SSLError:
    """Make an error of TLS as OpenSSL raises it."""
    error = ssl.SSLError(1, "it failed")
    error.reason = reason  # type: ignore[assignment] # as the library sets it
    return error


@pytest.mark.parametrize(
    ("error", "security", "said"),
    [
        (certificate_error(9), "SSL", "not valid yet"),
        (certificate_error(10), "SSL", "has expired"),
        (certificate_error(62), "SSL", "for another name"),
        (certificate_error(64), "SSL", "for another address"),
        (certificate_error(18), "SSL", r"not trusted \(self-signed certificate\): name the authority .*ssl_ca_file"),
        (
            tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            "SSL",
            r"our certificate \(TLSV13_ALERT.*ssl_certificate_file",
        ),
        (tls_error("WRONG_VERSION_NUMBER"), "SSL", "does not speak TLS"),
        (tls_error(None), "SASL_SSL", "does not speak TLS"),
        (ConnectionResetError(), "SASL_SSL", "does not speak TLS"),
        (ConnectionResetError(), "PLAINTEXT", "hangs up on plain text"),
        (ConnectionResetError("reset"), "SASL_PLAINTEXT", r"\Areset\Z"),
        (kafka.KafkaConnectionError("gone"), "PLAINTEXT", "hangs up on plain text"),
        (kafka.KafkaConnectionError("gone"), "SASL_PLAINTEXT", "gone"),
        (kafka.AuthenticationFailedError("no"), "SASL_PLAINTEXT", "refuses user 'icu' or the password: .*no"),
        (kafka.SaslAuthenticationFailed("no"), "SASL_PLAINTEXT", "refuses user 'icu' or the password: .*no"),
        (kafka.UnsupportedSaslMechanismError(), "SASL_PLAINTEXT", "does not accept SCRAM-SHA-512"),
        (kafka.AuthenticationMethodNotSupported(), "SASL_PLAINTEXT", "does not accept SCRAM-SHA-512"),
        (socket.gaierror(-2, "not known"), "PLAINTEXT", "no such host"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "PLAINTEXT", "nothing listens there"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9)"),
            "PLAINTEXT",
            "nothing listens there",
        ),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "PLAINTEXT", "No route to host"),
        (ValueError("something else"), "PLAINTEXT", r"\Asomething else\Z"),
    ],
)
async def test_reasons_are_told_apart(cluster: Cluster, error: Exception, security: str, said: str) -> None:
    """Each reason has its own message, from aiokafka's log, since aiokafka raises the same error for all."""
    cluster.topics.clear()
    settings: dict[str, Any] = {"security": security}
    if security.startswith("SASL"):
        settings |= {"sasl_username": "icu", "sasl_password": Secret("secret")}
    with pytest.raises(KafkaError, match=rf"\Ano connection to Kafka at {ADDRESS}: ") as caught:
        await brokers(**settings).connect(lambda: fail_in_silence(error))
    explained = str(caught.value).partition(f"{ADDRESS}: ")[2]
    assert explained == explain(error, Kafka(bootstrap_servers=ADDRESS, **settings))
    assert re.search(said, explained)


async def fail_in_silence(error: Exception) -> None:
    """Fail without a log record, as aiokafka does at times."""
    LOG.error("Unable to connect to %s: %s", ADDRESS, error)
    raise kafka.KafkaConnectionError("Unable to bootstrap")


async def test_a_reason_that_is_not_in_the_log_is_in_the_error() -> None:
    """An error without a log record is reported as it is."""

    async def fail() -> None:
        raise kafka.UnsupportedVersionError("too old")

    with pytest.raises(KafkaError, match=r"connecting to 127\.0\.0\.1:9092: too old"):
        await brokers().connect(fail)


async def test_a_connection_that_hangs_is_given_up() -> None:
    """A connection that hangs is given up after ten seconds."""
    began = anyio.current_time()
    with pytest.raises(KafkaError, match="no answer within 10 s"):
        await brokers().connect(anyio.sleep_forever)
    assert anyio.current_time() - began == pytest.approx(10)


def test_the_last_error_in_the_log_counts() -> None:
    """Only the last log record during the connection counts as its reason."""
    LOG.error("Unable to connect: %s", OSError("before"))
    with captured_log() as log:
        LOG.error("nothing of interest")
        LOG.error("%s then %s", OSError("first"), OSError("second"))
        LOG.info("a heartbeat failed: %s", OSError("not worth telling"))
    LOG.error("Unable to connect: %s", OSError("behind"))
    assert (str(log.error), log.node) == ("second", None)


async def ask_a_node(cluster: Cluster, *, node: int = 0) -> str:
    """Return the error for a broker that cannot be reached at its advertised address."""
    asked = brokers()

    async def answer() -> None:
        async with asked.explaining_errors():
            LOG.error("Unable connect to node with id %s: %s", node, OSError(errno.EHOSTUNREACH, "No route"))
            raise KafkaError("listing topics: no answer")

    with pytest.raises(KafkaError) as caught:
        await answer()
    assert all(each.closed for each in cluster.clients)
    return str(caught.value)


async def test_an_address_that_leads_nowhere_is_named(cluster: Cluster) -> None:
    """An unreachable advertised address is named, with the broker's setting for it."""
    cluster.advertised = "kafka.internal:9092"
    said = await ask_a_node(cluster)
    assert said.startswith(f"Kafka at {ADDRESS} says that its broker 0 is to be asked at kafka.internal:9092, ")
    assert "No route" in said
    assert "advertised.listeners" in said


async def test_an_address_of_ours_is_explained_like_any_other(cluster: Cluster) -> None:
    """A configured address that is also advertised gets the usual explanation, and so does an unknown one."""
    said = f"no connection to Kafka at {ADDRESS}: [Errno {errno.EHOSTUNREACH}] No route"
    assert await ask_a_node(cluster) == said
    assert await ask_a_node(cluster, node=7) == said
    cluster.advertised = "kafka.internal:9092"
    cluster.hanging.add("bootstrap")
    began = anyio.current_time()
    assert await ask_a_node(cluster) == said
    assert anyio.current_time() - began == pytest.approx(10)


async def test_other_trouble_stays_what_it_is(cluster: Cluster) -> None:
    """An error that is not about an unreachable broker stays unchanged."""
    cluster.hanging.add("describe_topics")
    with pytest.raises(KafkaError, match=r"\Alisting topics: no answer within 12 s\Z"):
        await list_topics(brokers())
