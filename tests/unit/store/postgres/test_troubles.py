"""Troubles of PostgreSQL: a sentence each, what to do, and never a password."""

import shlex
import subprocess
import sys
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from icu.config.databases import without_password
from icu.config.errors import ConfigurationError
from icu.config.load import from_environment
from icu.control.places import places
from icu.errors import UsageError
from icu.messages import Position
from icu.store.commands.beds import admit
from icu.store.commands.door import Author, Door
from icu.store.database.checking import find_faults
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import opened
from icu.store.engines.postgres.translation import store_error
from icu.store.engines.table import engine_of
from icu.store.errors import StoreCorruptError, StoreDeniedError, StoreUnavailableError, StoreUnreachableError
from icu.store.history.patient import History
from icu.store.reader import Reader
from icu.store.writer import open_writer
from tests.access import gate
from tests.ports import free_port
from tests.postgres import PostgresServer, ask
from tests.samples import ANNA, START, observation
from tests.stores import store

PERSON = Author("Eva", "192.0.2.7")
PASSWORD = "p-a-s-s"  # noqa: S105 - of a role of the test


@pytest.fixture
def url(postgres_url: str) -> str:
    """URL of a database with tables."""
    return postgres_url


@pytest.fixture
def reading_url(url: str, postgres: PostgresServer) -> str:
    """URL of the database for a user who may only read."""
    name = url.rpartition("/")[2]
    role = f"viewer_{name}"
    ask(url, f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    ask(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    return f"postgresql://{role}:{PASSWORD}@127.0.0.1:{postgres.port}/{name}"


async def trouble_of(url: str) -> StoreUnavailableError:
    """Error of a look at a database."""
    engine = engine_of(url)
    with pytest.raises(StoreUnavailableError) as found:
        await engine.identity()
    await engine.aclose()
    return found.value


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("icu:", "nobody:"), "the password of nobody is wrong, or there is no such user"),
        (("@", "x@"), "the password of icu is wrong, or there is no such user"),
        (
            ("/icu_", "/gone_icu_"),
            r"there is no database gone_icu_\w+ on the server: CREATE DATABASE gone_icu_\w+ OWNER icu",
        ),
    ],
)
async def test_what_the_server_refuses(url: str, change: tuple[str, str], sentence: str) -> None:
    """A person has to mend it; until then it is tried again."""
    error = await trouble_of(url.replace(*change))
    assert isinstance(error, StoreDeniedError)
    assert error.needs_people
    assert error.transient
    with pytest.raises(StoreDeniedError, match=sentence):
        raise error


async def test_tls_that_the_server_lacks(url: str) -> None:
    """TLS that the URL demands is never left out."""
    error = await trouble_of(f"{url}?sslmode=require")
    assert "the URL demands TLS (sslmode), and the server has none" in str(error)


async def test_no_server() -> None:
    """A server that is away is waited for."""
    error = await trouble_of(f"postgresql://icu:{PASSWORD}@127.0.0.1:{free_port()}/icu")
    assert "cannot be reached" in str(error)
    assert not error.needs_people
    assert PASSWORD not in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (errors.DiskFull("could not extend file"), StoreUnavailableError, "the disk of the server is full: make room"),
        (errors.TooManyConnections("too many"), StoreUnavailableError, "has no connection left: raise max_connections"),
        (psycopg.OperationalError("FATAL: sorry, too many clients already"), StoreUnreachableError, "max_connections"),
        (psycopg.OperationalError("no pg_hba.conf entry for host"), StoreDeniedError, "a line to its pg_hba.conf"),
        (psycopg.OperationalError("no pg_hba.conf entry for host, no encryption"), StoreDeniedError, "sslmode=require"),
        (
            psycopg.OperationalError("no pg_hba.conf entry, SSL encryption\nno pg_hba.conf entry, no encryption"),
            StoreDeniedError,
            "a line to its pg_hba.conf",
        ),
        (psycopg.OperationalError('role "icu" is not permitted to log in'), StoreDeniedError, "ALTER ROLE icu LOGIN"),
        (psycopg.OperationalError("permission denied for database"), StoreDeniedError, "GRANT CONNECT ON DATABASE icu"),
        (
            psycopg.OperationalError('connection to server at "db" failed: SSL error: certificate verify failed\nNo'),
            StoreDeniedError,
            r"TLS failed \(SSL error: certificate verify failed\), so",
        ),
        (errors.LockNotAvailable("lock timeout"), StoreUnavailableError, "lock timeout"),
        (errors.AdminShutdown("terminating connection"), StoreUnavailableError, "terminating connection"),
        (errors.DataCorrupted("invalid page"), StoreCorruptError, "is damaged .* restore it from a backup"),
        (errors.InsufficientPrivilege("permission denied for schema public"), StoreDeniedError, "GRANT USAGE, CREATE"),
    ],
)
def test_what_the_server_says(error: Exception, kind: type[Exception], sentence: str) -> None:
    """Each has its class and its sentence."""
    found = store_error(error, Address("postgresql://icu:secret@db/icu"))
    assert type(found) is kind
    with pytest.raises(kind, match=sentence):
        raise found
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("sslmode=foo", 'invalid sslmode value: "foo"'),
        ("port=x", 'invalid integer value "x" for connection option "port"'),
        ("service=none", 'definition of service "none" not found'),
        ("connect_timeout=x", "the option connect_timeout of the database URL .* is a whole number, not 'x'"),
        ("keepalives_idle=5s", "keepalives_idle .*, not '5s'"),
    ],
)
def test_options_that_cannot_be_used(options: str, sentence: str) -> None:
    """They are wrong settings, which nobody waits for."""
    with pytest.raises(ConfigurationError, match=sentence) as found:
        Address(f"postgresql://icu:secret@db,other:5433/icu?{options}")
    assert "DATABASE_URL" in str(found.value)
    assert "secret" not in str(found.value)


def test_options_that_can_be_used() -> None:
    """Hosts and files need not be there to look at them."""
    Address("postgresql:///icu?host=/run/none&connect_timeout=-1&sslmode=verify-full&sslrootcert=/none&keepalives=0")


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("postgresql://icu:p%40ss@db.example:5432/icu?sslmode=require", "postgresql://icu@db.example:5432/icu"),
        ("postgres://icu:x@db/icu", "postgresql://icu@db/icu"),
        ("postgresql+psycopg://icu:x@a:1,b:2/icu", "postgresql://icu@a:1,b:2/icu"),
        ("postgresql:///icu?host=/run/postgresql&password=secret", "postgresql:///icu"),
        ("postgresql://[::1]:5432/icu", "postgresql://[::1]:5432/icu"),
    ],
)
def test_locations_have_no_password(url: str, location: str) -> None:
    """The name in messages is a URL that a person can use with the server's tools."""
    engine = engine_of(url)
    assert engine.location == location
    for secret in ("p%40ss", "p@ss", "secret", ":x@"):
        assert secret not in repr(vars(engine)) + without_password(url)
    named = places(from_environment({"DATABASE_URL": url}))
    assert named == places(from_environment({"DATABASE_URL": without_password(url)}))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://icu@db",
        "postgresql://icu@db/",
        "postgresql://i/c/u@db/icu",
        "mysql://icu@db/icu",
        "postgresql:icu",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    """The mistake is said before anything is opened."""
    with pytest.raises(ConfigurationError, match=r"a database is a file of SQLite, .* or one of PostgreSQL"):
        from_environment({"DATABASE_URL": url})


@pytest.mark.parametrize("query", ["sslmod=require", "host"])
def test_options_that_libpq_does_not_know(query: str) -> None:
    """libpq says what is wrong, and may quote the URL: its words are left out."""
    with pytest.raises(ConfigurationError, match="the database URL cannot be read") as found:
        engine_of(f"postgresql://icu:secret@db/icu?{query}")
    assert found.value.__cause__ is None


def test_a_driver_that_is_missing(tmp_path: Path) -> None:
    """The extra is named with the line to install it, and the exit code is that of a setting."""
    (tmp_path / "psycopg.py").write_text("raise ModuleNotFoundError(\"No module named 'psycopg'\", name='psycopg')")
    done = subprocess.run(
        [sys.executable, "-m", "icu", "db", "info"],
        env={"DATABASE_URL": "postgresql://icu:secret@db/icu", "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78, done.stderr
    assert "pip install 'psycopg[binary]" in done.stderr
    assert "secret" not in done.stderr


async def test_reading_alone_is_enough_to_serve(url: str, reading_url: str) -> None:
    """With SELECT alone everything is read; commands and log-in say which GRANT is missing."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(number) for number in range(5)])
    async with aclosing(Reader(reading_url)) as reader:
        await reader.check()
        assert len(await reader.patients(now=START)) == 1
        assert len((await reader.page(ANNA, limit=9, order="asc")).readings["timestamp"]) == 5
        history = await History.find(reader, ANNA, until=START + timedelta(hours=1), most=10)
        assert history.rows == 5
        async with reader.follow() as follower:
            assert await follower.version() > 0
        for question in (
            reader.heartbeats(),
            reader.beds(),
            reader.open_alarms(),
            reader.all_limits(),
            reader.entered(),
        ):
            await question
    role = reading_url.split("//")[1].partition(":")[0]
    grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    with pytest.raises(StoreDeniedError, match=grant):
        await admit(Door(reading_url), ANNA, PERSON, bed="7")
    async with gate(url) as owner, gate(reading_url) as ward:
        await owner.user()
        with pytest.raises(StoreDeniedError, match=grant):
            await ward.log_in()


async def test_the_server_has_its_own_tools(url: str, postgres: PostgresServer, tmp_path: Path) -> None:
    """Backup and restoration name a command that works as it stands, without the password."""
    target = tmp_path / "icu.dump"
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(number) for number in range(10)])
    with pytest.raises(UsageError) as backup:
        engine_of(url).back_up(target, began=0, overwrite=False, report=lambda _: None)
    with postgres.database() as name:
        restored = engine_of(postgres.url(name))
        with pytest.raises(UsageError) as restoration, restored.restoring(target, report=lambda _: None):
            pass
        for error, program in ((backup.value, "pg_dump"), (restoration.value, "pg_restore")):
            before, _, words = str(error).partition(program)
            assert postgres.password not in before + words
            postgres.run_client(program, *shlex.split(words))
        assert await find_faults(restored, full=True, report=lambda _: None) == []
        for question in ("SELECT count(*) FROM patient_metrics", "SELECT count(*) FROM pg_inherits"):
            assert ask(postgres.url(name), question) == ask(url, question) != [(0,)]


async def test_the_size_is_that_of_our_tables(url: str) -> None:
    """Neither those of others in the same database, nor the rest of the server, count."""
    before = engine_of(url).storage()
    ask(url, "CREATE TABLE others AS SELECT generate_series(1, 20000) AS number")
    assert engine_of(url).storage() == before
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(number) for number in range(2_000)])
    after = engine_of(url).storage()
    assert before.content + 100_000 < after.content < before.content + 2_000_000
    assert (after.log, after.unused, after.disk) == (0, 0, None)


async def test_the_server_notices_a_host_that_is_gone(url: str) -> None:
    """The server gives a silent host up within seconds, also in the middle of an answer: its locks come free."""
    driver = await opened(Address(url))
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    try:
        told = [await (await driver.execute(f"SHOW {name}".encode())).fetchone() for name in names]
    finally:
        await driver.close()
    assert told == [("5",), ("2",), ("3",), ("11000",)]
