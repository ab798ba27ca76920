"""Errors of Kafka brokers."""

from icu.errors import Kind
from icu.transports.errors import TransportError


class KafkaError(TransportError):
    """The broker cannot be reached, or refused a request."""


class KafkaDeniedError(KafkaError):
    """The broker refuses until a person mends a setting, a right or a certificate, possibly on the broker's side."""

    # Transient, as its base class: what is mended on the broker's side needs no restart here.
    needs_people = True


class KafkaRefusedError(KafkaError):
    """The broker refused a request for a permanent reason: rights, names, versions."""

    transient = False
    kind = Kind.REFUSED
