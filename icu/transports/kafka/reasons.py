"""Explanations of failed connections to brokers, for people.

aiokafka raises only that a connection failed. The reason is in its log.
"""

import errno
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka import errors as kafka

from icu.config.settings import Kafka

# The numbers of X509_V_ERR_* in OpenSSL's x509_vfy.h.
_CERTIFICATE: Final = {
    9: "its certificate is not valid yet: look at this machine's clock, and at the broker's",
    10: "its certificate has expired: whoever runs the broker has to renew it, or look at this machine's clock",
    62: "its certificate is for another name: connect by the name that stands in it (bootstrap_servers)",
    64: "its certificate is for another address: connect by the one that stands in it (bootstrap_servers)",
}


_DENIALS: Final = (
    kafka.AuthenticationFailedError,
    kafka.AuthenticationMethodNotSupported,
    kafka.SaslAuthenticationFailed,
    kafka.UnsupportedSaslMechanismError,
)


@dataclass
class CapturedLog:
    """The last errors in aiokafka's log."""

    # The last exception that it logged.
    error: BaseException | None = None
    # The id of the last broker that it could not connect to.
    node: int | None = None


@contextmanager
def captured_log() -> Iterator[CapturedLog]:
    """Collect the errors that aiokafka logs while the block runs."""
    captured = CapturedLog()

    class ErrorHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            arguments = record.args if isinstance(record.args, tuple) else ()
            errors = [each for each in arguments if isinstance(each, BaseException)]
            if errors:
                captured.error = errors[-1]
            if "node with id" in str(record.msg):
                captured.node = next((each for each in arguments if isinstance(each, int)), None)

    handler = ErrorHandler(logging.WARNING)
    log = logging.getLogger("aiokafka")
    log.addHandler(handler)
    try:
        yield captured
    finally:
        log.removeHandler(handler)


def needs_people(reason: BaseException) -> bool:
    """Check if no attempt can succeed before a person mends a setting, a password or a certificate."""
    # False for errors that a broker causes while it starts, too: no such host, nothing listens, it hangs up.
    match reason:
        case ssl.SSLCertVerificationError():
            return True
        case ssl.SSLError():
            return "ALERT_CERTIFICATE" in str(getattr(reason, "reason", None))
        case _:
            return isinstance(reason, _DENIALS)


def explain(reason: BaseException, settings: Kafka) -> str:  # noqa: PLR0911 - a table
    """Explain a failed connection in words, with what to do."""
    match reason:
        case ssl.SSLCertVerificationError():
            return _CERTIFICATE.get(
                reason.verify_code,
                f"its certificate is not trusted ({reason.verify_message}): "
                "name the authority that signed it (ssl_ca_file)",
            )
        case ssl.SSLError() if "ALERT_CERTIFICATE" in str(reason.reason):
            return f"it refuses our certificate ({reason.reason}): renew or name another one (ssl_certificate_file)"
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
