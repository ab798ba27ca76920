"""Settings of HTTP: names, keys, TLS and proxies."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

Prefix: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\A(/[A-Za-z0-9._~-]+)*\Z",
        description="a prefix begins with a slash and does not end with one, for instance /api/v1",
    ),
]
Origin: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\Ahttps?://[^/\s*]+\Z",
        description="an origin is a scheme and a host, nothing behind it, for instance https://ward.example",
    ),
]
HostName: TypeAlias = Annotated[
    str,
    Meta(pattern=r"\A[A-Za-z0-9._-]+\Z", description="a host is a name without a port, for instance icu.ward.example"),
]
HeaderName: TypeAlias = Annotated[
    str,
    Meta(pattern=r"\A[A-Za-z0-9-]{1,100}\Z", description="a header is a name, for instance X-Forwarded-User"),
]
ProxyAddress: TypeAlias = Annotated[
    str,
    Meta(pattern=r"\A[0-9A-Fa-f.:]{2,45}\Z", description="a proxy is named by its address, for instance 10.0.0.5"),
]


class Api(Struct, frozen=True, forbid_unknown_fields=True):
    """HTTP of all servers."""

    # Path before all routes of the monitor.
    prefix: Prefix = ""
    # Origins of pages that may read and give orders. Pages on loopback may always read.
    cors_origins: tuple[Origin, ...] = ()
    # Names that servers answer to, beside loopback's own. A monitor that others can reach needs its own here.
    hosts: tuple[HostName, ...] = ()
    # File of keys, beside those of the database: see icu.access.keys_file.
    keys_file: Path | None = None
    # Certificate, with its chain, and key of the monitors, in PEM; they serve https then.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    # Refuse plain HTTP from other machines.
    require_tls: bool = False
    # Let everybody in as long as there are no keys, from other machines too.
    insecure: bool = False
    # Addresses of proxies that are believed about their clients: X-Forwarded-For, X-Forwarded-Proto, and below.
    trusted_proxies: tuple[ProxyAddress, ...] = ()
    # Header with the name of the person whom a trusted proxy has let in.
    trusted_header: HeaderName | None = None
    # Role of these people, unless `trusted_role_header` names the header that tells it.
    trusted_role: Literal["viewer", "nurse", "admin"] = "viewer"
    trusted_role_header: HeaderName | None = None
