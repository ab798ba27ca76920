"""URLs of databases: which are accepted, and how they are shown, without their passwords."""

import re
from typing import Annotated, Final, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import Meta

_FILE: Final = r"sqlite(\+aiosqlite)?:///"
_FILE_URL: Final = rf"{_FILE}(?!file:)(?!.*(:memory:|%[01][0-9A-Fa-f]|%7[Ff]))[^?\x00-\x1f\x7f]+"
# Of libpq: several hosts, with commas, each with or without a port; none for a local socket.
_HOST: Final = r"([A-Za-z0-9._%-]+|\[[0-9A-Fa-f:.%]+\])?(:[0-9]{1,5})?"
_SERVER_URL: Final = (
    rf"postgres(ql)?(\+psycopg)?://([^/?#@\s\x00-\x1f\x7f]*@)?{_HOST}(,{_HOST})*"
    r"/[^/?#\s\x00-\x1f\x7f]+(\?[^#\s\x00-\x1f\x7f]*)?"
)

# URL of a database file with a relative path.
RELATIVE_DATABASE: Final = re.compile(rf"\A(?P<scheme>{_FILE})(?P<path>[^/].*)\Z")

DatabaseUrl: TypeAlias = Annotated[
    str,
    Meta(
        pattern=rf"\A({_FILE_URL}|{_SERVER_URL})\Z",
        max_length=4_096,
        description="a database is a file of SQLite, for instance sqlite:///icu.db, or one of PostgreSQL, for instance "
        "postgresql://icu:PASSWORD@db.example:5432/icu, with signs such as @ / ? # in a password written as %40 %2F "
        "%3F %23; others are not supported",
    ),
]

# Parameters that libpq takes in a URL too.
_SECRETS: Final = frozenset({"password", "sslpassword"})


def without_password(url: str) -> str:
    """Return the URL without passwords: for messages, and for names that outlive a change of the password."""
    if url.startswith("sqlite"):
        return url
    scheme, slashes, rest = url.partition("://")
    place, _, options = rest.partition("?")
    hosts, slash, database = place.partition("/")
    user, at, hosts = hosts.rpartition("@")
    kept = [pair for pair in parse_qsl(options, keep_blank_values=True) if pair[0] not in _SECRETS]
    query = f"?{urlencode(kept, quote_via=quote)}" if kept else ""
    return f"{scheme}{slashes}{user.partition(':')[0]}{at}{hosts}{slash}{database}{query}"
