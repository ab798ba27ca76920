"""Settings of a broker, its server.properties."""

from collections.abc import Mapping
from pathlib import Path

NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    # Everybody may do everything, until somebody says otherwise.
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
    "early.start.listeners": "CONTROLLER",
    # A broker that was killed comes back only when its old session has ended.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
}
# The listeners of a secure broker, named after their protocols or after what is wrong with them.
SECURE = ("SASL_PLAINTEXT", "SSL", "SASL_SSL", "EXPIRED", "ELSEWHERE")

PROTOCOLS = {"CONTROLLER": "PLAINTEXT", "EXPIRED": "SSL", "ELSEWHERE": "PLAINTEXT"}
ELSEWHERE = "kafka-internal.invalid:9092"
MODULES = "org.apache.kafka.common.security"


def node(addresses: Mapping[str, str], data: Path) -> dict[str, str]:
    """Make the settings of a single node with this listener."""
    protocols = {name: PROTOCOLS.get(name, name) for name in addresses}
    places = {name: f"{name}://{address}" for name, address in addresses.items()}
    advertised = {**places, "ELSEWHERE": f"ELSEWHERE://{ELSEWHERE}"} if "ELSEWHERE" in places else places
    return NODE | {
        "controller.quorum.voters": f"1@{addresses['CONTROLLER']}",
        "listeners": ",".join(places.values()),
        "advertised.listeners": ",".join(place for name, place in advertised.items() if name != "CONTROLLER"),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "log.dirs": str(data),
    }


def security(username: str, password: str, keystore: Path, expired: Path) -> dict[str, str]:
    """Make the settings of logins and certificates; users of SCRAM are kept in the broker's own data."""
    plain = f'{MODULES}.plain.PlainLoginModule required user_{username}="{password}";'
    scram = f"{MODULES}.scram.ScramLoginModule required;"
    return {
        "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": plain,
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": scram,
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "listener.name.expired.ssl.keystore.type": "PEM",
        "listener.name.expired.ssl.keystore.location": str(expired),
    }


def properties(lines: Mapping[str, str]) -> str:
    """Format the file."""
    return "".join(f"{name}={value}\n" for name, value in lines.items())
