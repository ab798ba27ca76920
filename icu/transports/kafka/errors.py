"""What a Kafka broker says no to."""

from icu.errors import Kind
from icu.transports.errors import TransportError


class KafkaError(TransportError):
    """The broker cannot be reached or refused a request."""


class KafkaDeniedError(KafkaError):
    """The broker says no until somebody mends a setting, a right or a certificate. Asked again, for that may be done at
    its end."""

    needs_people = True


class KafkaRefusedError(KafkaError):
    """The broker refused a request for a reason that time does not mend: rights, names, versions."""

    transient = False
    kind = Kind.REFUSED
