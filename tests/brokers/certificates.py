"""A certificate for 127.0.0.1 and the authority that signed it, made by openssl."""

from pathlib import Path

from tests.processes import run

SETTINGS = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1
authorityKeyIdentifier = keyid
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def authority(path: Path) -> None:
    """Make an authority: its certificate at this path, its key beside it."""
    profile = ("-config", _settings(path.parent), "-extensions", "authority", "-days", "7")
    made = ("-subj", f"/CN={path.stem}", "-keyout", path.with_suffix(".key"), "-out", path)
    run("openssl", "req", "-x509", *KEY, *profile, *made)


def server(folder: Path, ca: Path, *, days: int = 7) -> Path:
    """Make a key and a certificate that the authority signed; one file with both and the authority's certificate.

    It is valid for so many days; less than 0 is expired.
    """
    key, request, signed, whole = (folder / f"server{days}.{kind}" for kind in ("key", "csr", "crt", "pem"))
    settings = _settings(folder)
    run("openssl", "req", *KEY, "-subj", "/CN=127.0.0.1", "-config", settings, "-keyout", key, "-out", request)
    signer = ("-CA", ca, "-CAkey", ca.with_suffix(".key"), "-set_serial", "1")
    profile = ("-extfile", settings, "-extensions", "server", "-days", str(days))
    run("openssl", "x509", "-req", "-in", request, *signer, *profile, "-out", signed)
    whole.write_text("".join(path.read_text() for path in (key, signed, ca)))
    return whole


def _settings(folder: Path) -> Path:
    """Settings of our own: those of the system differ."""
    path = folder / "openssl.cnf"
    path.write_text(SETTINGS)
    return path
