"""Passwords and certificates: good ones connect, and each mistake has its own message."""

import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from icu.bootstrap.children import build_ward
from icu.bootstrap.shared import Shared
from icu.config.errors import ConfigurationError
from icu.config.settings import Database, Kafka, PatientChild, Secret, Settings, SinkChild, Transport
from icu.control.protocol import is_up
from icu.messages import Record
from icu.supervisor.view import ChildState
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.transport import KafkaTransport
from icu.ward.processes import Processes
from tests.brokers import ApacheKafka
from tests.brokers.settings import ELSEWHERE
from tests.processes import TIMEOUT

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect garbage, so that unclosed resources are reported in this test and not in the next one."""
    yield
    gc.collect()


def settings(kafka: ApacheKafka, address: str, **changes: Any) -> Kafka:
    """Make settings for the secure listeners, with changes."""
    right: dict[str, Any] = {
        "sasl_username": kafka.username,
        "sasl_password": Secret(kafka.password),
        "ssl_ca_file": kafka.ca,
    }
    return Kafka(bootstrap_servers=address, **{**right, **changes})


async def checked(settings: Kafka) -> KafkaTransport:
    """Open a transport that has reached its broker."""
    transport = KafkaTransport(Brokers(settings), topic="icu.secure", partitions=1)
    await transport.check()
    return transport


@pytest.mark.parametrize(
    ("listener", "changes"),
    [
        ("bootstrap", {}),
        ("ssl", {"security": "SSL"}),
        ("sasl_ssl", {"security": "SASL_SSL"}),
        ("sasl_plaintext", {"security": "SASL_PLAINTEXT"}),
        ("sasl_plaintext", {"security": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"}),
    ],
)
async def test_what_connects(kafka: ApacheKafka, listener: str, changes: dict[str, Any]) -> None:
    """Each way to log in carries records in both directions."""
    transport = await checked(settings(kafka, getattr(kafka, listener), **changes))
    try:
        await transport.publish([Record(b"bed", b"1")])
        async with transport.consumer() as consumer:
            await consumer.assign({})
            assert await consumer.fetch(max_records=1, linger=0, max_wait=5)
    finally:
        await transport.aclose()


@pytest.mark.parametrize(
    ("listener", "changes", "words"),
    [
        pytest.param(
            "sasl_ssl",
            {"security": "SASL_SSL", "sasl_password": Secret("wrong")},
            r"refuses user 'icu' or the password",
            id="wrong password",
        ),
        pytest.param(
            "sasl_plaintext",
            {"security": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_password": Secret("wrong")},
            r"refuses user 'icu' or the password",
            id="wrong password, plain",
        ),
        pytest.param(
            "ssl",
            {"security": "SSL", "ssl_ca_file": "other"},
            r"certificate is not trusted.*ssl_ca_file",
            id="wrong CA",
        ),
        pytest.param(
            "expired",
            {"security": "SSL"},
            r"certificate has expired.*has to renew it",
            id="a certificate that has expired",
        ),
        pytest.param(
            "elsewhere",
            {},
            rf"broker 1 is to be asked at {re.escape(ELSEWHERE)}.*Name or service not known.*advertised\.listeners",
            id="an advertised listener that is no host",
        ),
        pytest.param("ssl", {}, r"hangs up on plain text.*TLS", id="plain text to a TLS port"),
        pytest.param("sasl_plaintext", {}, r"hangs up on plain text.*password", id="no password where one is wanted"),
        pytest.param("bootstrap", {"security": "SSL"}, r"does not speak TLS", id="TLS to a plain port"),
        pytest.param(
            "sasl_ssl",
            {"security": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-256"},
            r"does not accept SCRAM-SHA-256",
            id="a mechanism that is not offered",
        ),
    ],
)
async def test_what_is_wrong_is_told_apart(
    kafka: ApacheKafka, listener: str, changes: dict[str, Any], words: str
) -> None:
    """Each mistake has its own message, with the address and without the password."""
    if changes.get("ssl_ca_file"):
        changes = {**changes, "ssl_ca_file": kafka.other_ca}
    address = getattr(kafka, listener)
    with pytest.raises(KafkaError, match=words) as caught:
        await checked(settings(kafka, address, **changes))
    assert caught.value.transient
    # A broker that is just starting may hang up, too, and a name may come to be known.
    assert caught.value.needs_people is not any(each in words for each in ("hangs up", "not speak TLS", "advertised"))
    assert address in str(caught.value)
    assert kafka.password not in str(caught.value)
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [("127.0.0.1:1", "nothing listens there.*docker compose up -d"), ("no-such-host.invalid:9092", "no such host")],
)
async def test_a_broker_that_is_not_there(address: str, words: str) -> None:
    """The error says how to start a broker, or which setting has its address."""
    with pytest.raises(KafkaError, match=words) as caught:
        await checked(Kafka(bootstrap_servers=address))
    assert not caught.value.needs_people


async def test_a_wrong_password_is_no_mere_waiting(kafka: ApacheKafka, tmp_path: Path) -> None:
    """With a wrong password sink and patient retry, and are shown as degraded, since only a person can mend it."""
    wrong = settings(kafka, kafka.sasl_plaintext, security="SASL_PLAINTEXT", sasl_password=Secret("wrong"))
    children = (SinkChild(id="sink"), PatientChild(id="bed", name="Anna", interval=0.2))
    database = Database(url=f"sqlite:///{tmp_path / 'icu.db'}")
    ward = Shared(Settings(child=children, database=database, kafka=wrong, transport=Transport(kind="kafka")))
    tree = await to_thread.run_sync(build_ward, ward, Processes())
    with anyio.fail_after(TIMEOUT):
        async with anyio.create_task_group() as group:
            await group.start(tree.children.root.run)
            while {each.state for each in tree.children.leaves()} != {ChildState.DEGRADED}:
                await anyio.sleep(0.05)
            assert all("refuses user 'icu' or the password" in str(each.detail) for each in tree.children.leaves())
            assert not any(map(is_up, tree.children.leaves()))
            group.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Kafka(security="SASL_SSL", sasl_username="icu"), "ICU_KAFKA_SASL_PASSWORD"),
        (Kafka(security="SASL_SSL", sasl_password=Secret("hush")), "sasl_username"),
        (Kafka(require_tls=True), "require_tls: forbids security PLAINTEXT"),
        (Kafka(require_tls=True, security="SASL_PLAINTEXT", sasl_username="a", sasl_password=Secret("b")), "forbids"),
        (Kafka(bootstrap_servers="127.0.0.1:99999"), "no port from 1 to 65535"),
        (Kafka(bootstrap_servers="127.0.0.1:0"), "no port from 1 to 65535"),
    ],
)
def test_settings_that_contradict_each_other(given: Kafka, words: str) -> None:
    """Contradictory settings are reported before any connection."""
    with pytest.raises(ConfigurationError, match=words):
        Brokers(given)


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("127.0.0.1:9092", False),
        ("localhost:9092,[::1]:9092", False),
        ("kafka.ward.example:9092", True),
        ("127.0.0.1:9092,10.0.0.7:9092", True),
    ],
)
def test_what_travels_unencrypted(address: str, *, exposed: bool) -> None:
    """Plain text to another machine causes a warning."""
    assert Brokers(Kafka(bootstrap_servers=address)).exposed is exposed


def test_a_password_is_shown_nowhere() -> None:
    """Neither repr nor the printed settings contain the password."""
    given = Kafka(sasl_password=Secret("hush"))
    assert "hush" not in f"{given!r} {given} {given.sasl_password!r} {given.sasl_password}"
