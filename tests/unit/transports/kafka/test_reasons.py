"""Reasons of failed connections that only a person can mend."""

import socket
import ssl

import pytest
from aiokafka import errors as kafka

from icu.transports.kafka.reasons import needs_people


def refused_certificate() -> ssl.SSLError:
    """OpenSSL's error if a broker refuses our certificate."""
    error = ssl.SSLError(1, "an alert")
    error.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    return error


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (ssl.SSLCertVerificationError(1, "expired"), True),
        (refused_certificate(), True),
        (ssl.SSLEOFError(8, "it went away"), False),
        (kafka.AuthenticationFailedError("wrong"), True),
        (kafka.SaslAuthenticationFailed(), True),
        (kafka.UnsupportedSaslMechanismError(), True),
        (kafka.AuthenticationMethodNotSupported(), True),
        (kafka.KafkaConnectionError(), False),
        (socket.gaierror(-2, "no such host"), False),
        (ConnectionRefusedError(), False),
    ],
    ids=repr,
)
def test_who_ends_the_wait(reason: Exception, *, expected: bool) -> None:
    """People, where a setting, a password or a certificate is wrong; what a starting broker does ends by itself."""
    assert needs_people(reason) is expected
