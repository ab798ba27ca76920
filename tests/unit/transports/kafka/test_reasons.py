"""Reasons of failed connections that only a person can mend."""

import socket
import ssl

import pytest
from aiokafka import errors as kafka

from icu.transports.kafka.reasons import needs_people


def refused_certificate() -> ssl.SSLError:
    """Make OpenSSL's error for a certificate of ours that the broker refuses."""
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
def test_reasons_that_need_a_person(reason: Exception, *, expected: bool) -> None:
    """A wrong setting, password or certificate needs a person; errors of a starting broker end by themselves."""
    assert needs_people(reason) is expected
