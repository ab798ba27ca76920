"""Look-up of principals: what is kept, when it is asked for anew, and when a database is closed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from anyio import create_task_group

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.store.access.lookup import Existing
from icu.store.access.tokens import new_key
from icu.store.access.users import remove_user
from icu.store.engines.postgres.reading import PostgresConnection
from icu.store.engines.sqlite.held import SqliteConnection
from icu.store.errors import SchemaError
from tests.access import EVA, Gate, gate
from tests.samples import START
from tests.stores import CONNECTIONS, SQLITE_ALONE, execute, is_file, note_statements


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements that were run to read."""
    return note_statements(monkeypatch, ["rows"], kinds=CONNECTIONS)


def remove(folder: Path) -> None:
    """Remove the database of a folder."""
    for each in folder.glob("icu.db*"):
        each.unlink()


async def test_a_request_costs_no_statement(ward: Gate, statements: list[str]) -> None:
    """Between two looks nothing is asked of the database for a known token, and one small statement at a look."""
    key = await ward.key()
    await ward.who(key)
    statements.clear()
    for _ in range(100):
        assert await ward.who(key) is not None
    assert statements == []
    ward.later()
    async with create_task_group() as group:
        for _ in range(10):
            group.start_soon(ward.who, key)
    assert statements == ["SELECT changes FROM access_state"]


async def test_tokens_of_no_form_cost_no_statement(ward: Gate, statements: list[str]) -> None:
    """A text that can be no token is refused without the database."""
    assert await ward.access.principal("icu_short") is None
    assert statements == []


async def test_other_commits_cost_nothing(ward: Gate, statements: list[str]) -> None:
    """Readings that are stored, and log-ins, leave what is known as it is."""
    key = await ward.key()
    await ward.who(key)
    execute(ward.url, "UPDATE command_count SET count = count + 1")
    await ward.log_in_with(key)
    ward.later()
    statements.clear()
    await ward.who(key)
    assert statements == ["SELECT changes FROM access_state"]


async def test_a_revocation_during_a_look_up_is_not_missed(ward: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is revoked while one request reads it, and noticed by another, is not kept by the first."""
    key = await ward.key()
    kind = SqliteConnection if is_file(ward.url) else PostgresConnection
    original, revoked = kind.rows, False

    async def rows_of(self: Any, statement: object, values: object = None) -> object:
        nonlocal revoked
        found = await original(self, statement, values)
        if "FROM api_keys" in str(statement) and not revoked:
            revoked = True
            await ward.revoke()
            ward.later()
            assert await ward.access.principal(new_key().reveal()) is None
        return found

    monkeypatch.setattr(kind, "rows", rows_of)
    await ward.who(key)
    assert await ward.who(key) is None


@SQLITE_ALONE
async def test_another_database_has_other_keys(ward: Gate, tmp_path: Path) -> None:
    """After the database was replaced, its keys count, and those of the old one do not."""
    key = await ward.key()
    assert await ward.who(key) is not None
    async with gate(f"sqlite:///{tmp_path / 'other.db'}") as other:
        new = await other.key()
    (tmp_path / "other.db").replace(tmp_path / "icu.db")
    ward.later()
    assert (await ward.who(key), await ward.who(new)) == (None, Principal("wall", "key", Role.NURSE))


@SQLITE_ALONE
async def test_a_database_that_is_away(ward: Gate, tmp_path: Path) -> None:
    """Without the database nobody comes in: no key is known to be valid."""
    key = await ward.key()
    assert await ward.who(key) is not None
    remove(tmp_path)
    ward.later()
    with pytest.raises(SchemaError, match="no database"):
        await ward.who(key)


async def test_an_older_database(url: str) -> None:
    """Tables without keys are no database without keys: the error says to upgrade."""
    async with gate(url) as ward:
        execute(url, "UPDATE alembic_version SET version_num = '0007'")
        with pytest.raises(SchemaError, match="db upgrade"):
            await ward.access.existing()


async def test_a_database_stays_closed(ward: Gate) -> None:
    """A database is open until its first key or user; revoking the last one opens nothing."""
    assert await ward.access.existing() == Existing(0, 0, 0, None)
    assert not (await ward.access.existing()).closed
    await ward.key(expires=START + timedelta(hours=1))
    await ward.user()
    assert await ward.access.existing() == Existing(1, 1, 0, START)
    ward.later(3_600)
    assert (await ward.access.existing()).keys == 0
    await ward.revoke()
    await remove_user(ward.door, "anna", EVA)
    assert (await ward.access.existing()).closed
