"""Place of a monitor: the address that it listens on, and the settings that such a place needs."""

import ssl

from icu.config.api import Api
from icu.config.errors import ConfigurationError


def check_place(api: Api, host: str) -> None:
    """Check the settings of a monitor that listens on an address. Reads the files of the certificate.

    Raises:
        ConfigurationError: They do not fit together; the message says what to write.
    """
    from icu.http.hosts import is_loopback

    _check_certificate(api)
    if (api.trusted_header or api.trusted_role_header) and not api.trusted_proxies:
        raise ConfigurationError(
            "trusted_header needs the proxies that set it: write their addresses, for instance "
            'trusted_proxies = ["10.0.0.5"], below [api]'
        )
    if api.trusted_role_header and not api.trusted_header:
        raise ConfigurationError(
            'trusted_role_header needs the name too: write trusted_header = "X-Forwarded-User" below [api]'
        )
    if is_loopback(host):
        return
    if not api.hosts:
        raise ConfigurationError(
            f"a monitor on {host} needs the names that people reach it by: write for instance "
            'hosts = ["icu.ward.example"] below [api] (or ICU_API_HOSTS), or listen on 127.0.0.1'
        )
    if api.require_tls and not (api.tls_certificate or api.trusted_proxies):
        raise ConfigurationError(
            "require_tls needs a certificate, or a proxy that has one: write tls_certificate and tls_key, or "
            "trusted_proxies, below [api]"
        )


def _check_certificate(api: Api) -> None:
    certificate, key = api.tls_certificate, api.tls_key
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise ConfigurationError("tls_certificate and tls_key belong together: write both below [api]")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ValueError) as exc:  # SSLError is an OSError
        why = exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)
        raise ConfigurationError(f"{certificate} and {key} give no certificate with its key: {why}") from exc
