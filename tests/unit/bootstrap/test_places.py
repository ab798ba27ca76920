"""Settings that a monitor needs where it listens, told before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from icu.bootstrap.places import check_place
from icu.config.api import Api
from icu.config.errors import ConfigurationError
from tests.brokers import certificates
from tests.extras import program

NAMED = {"hosts": ("icu.ward.example",)}


@pytest.mark.parametrize(
    ("host", "api", "hint"),
    [
        ("192.0.2.1", {}, "hosts = "),
        ("0.0.0.0", {"trusted_proxies": ("10.0.0.5",)}, "hosts = "),  # noqa: S104 - nothing listens
        ("192.0.2.1", {**NAMED, "require_tls": True}, "require_tls needs a certificate, or a proxy"),
        ("127.0.0.1", {"tls_key": Path("key.pem")}, "belong together"),
        ("127.0.0.1", {"tls_certificate": Path("certificate.pem")}, "belong together"),
        ("127.0.0.1", {"tls_certificate": Path("no.pem"), "tls_key": Path("no.key")}, "No such file"),
        ("127.0.0.1", {"tls_certificate": Path(__file__), "tls_key": Path(__file__)}, "give no certificate"),
        ("127.0.0.1", {"trusted_header": "X-Forwarded-User"}, "trusted_proxies = "),
        ("127.0.0.1", {"trusted_proxies": ("10.0.0.5",), "trusted_role_header": "X-Role"}, "trusted_header = "),
    ],
)
def test_a_place_without_what_it_needs(host: str, api: dict[str, Any], hint: str) -> None:
    """The message says what to write."""
    with pytest.raises(ConfigurationError, match=hint):
        check_place(Api(**api), host)


def test_places_that_have_it(tmp_path: Path) -> None:
    """Loopback needs nothing; other addresses names, and TLS here or in a proxy where it is required."""
    program("openssl")
    certificates.authority(tmp_path / "ca.pem")
    pem = certificates.server(tmp_path, tmp_path / "ca.pem")
    check_place(Api(), "127.0.0.1")
    check_place(Api(hosts=("icu.ward.example",)), "192.0.2.1")
    check_place(Api(hosts=("a",), require_tls=True, trusted_proxies=("10.0.0.5",)), "192.0.2.1")
    check_place(Api(hosts=("a",), require_tls=True, tls_certificate=pem, tls_key=pem), "192.0.2.1")
