"""Checks of [kafka] beyond the types: settings that contradict or need each other."""

from collections.abc import Iterator

from icu.config.settings import HIGHEST_PORT, Kafka


def mistakes_in(kafka: Kafka) -> Iterator[tuple[str, str]]:
    """Find mistakes.

    Yields:
        The key of each mistake, and its description.
    """
    for server in kafka.bootstrap_servers.split(","):
        if not 1 <= int(server.rpartition(":")[2]) <= HIGHEST_PORT:
            yield "bootstrap_servers", f"{server} has no port from 1 to {HIGHEST_PORT}"
    if kafka.security.startswith("SASL") and not (kafka.sasl_username and kafka.sasl_password):
        why = "needs sasl_username, and a password: ICU_KAFKA_SASL_PASSWORD in the environment, or a file"
        yield "security", f"{kafka.security} {why} (sasl_password_file)"
    if kafka.require_tls and not kafka.security.endswith("SSL"):
        yield "require_tls", f"forbids security {kafka.security}: choose SSL or SASL_SSL, and a TLS port"
