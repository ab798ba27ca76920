"""Sessions: how long they have a role, how long they last, and what ends them."""

from datetime import timedelta

import pytest
from loguru import logger

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.store.access import sessions
from icu.store.access.sessions import log_out
from icu.store.commands.door import Author
from tests.access import ADDRESS, DAY, HOUR, Gate
from tests.samples import START
from tests.stores import execute, refuse_updates, rows


async def test_a_nurse_falls_back_to_viewing(ward: Gate) -> None:
    """After 8 hours a nurse's session has the role of a viewer, and knows which it had; the screen goes on."""
    await ward.user()
    session = await ward.log_in()
    end = START + timedelta(hours=8)
    assert session.principal == Principal("anna", "user", Role.NURSE, expires=end)
    ward.later(8 * HOUR - 1)
    assert await ward.who(session.token) == session.principal
    ward.later(1)
    fallen = Principal("anna", "user", Role.VIEWER, lapsed=Role.NURSE)
    assert await ward.who(session.token) == fallen
    ward.later(20 * DAY)
    assert await ward.who(session.token) == fallen


async def test_a_viewers_session_goes_on_with_use(ward: Gate) -> None:
    """A session that is used has no end, on each monitor, and one that is not used ends after 30 days."""
    await ward.user(role=Role.VIEWER)
    used, unused = await ward.log_in(), await ward.log_in()
    assert used.principal == Principal("anna", "user", Role.VIEWER)
    other = ward.monitor()
    await other.principal(used.token.reveal())
    for _ in range(5):
        ward.later(29 * DAY)
        assert await ward.who(used.token) == used.principal
    assert await other.principal(used.token.reveal()) == used.principal
    assert await ward.who(unused.token) is None
    ward.later(30 * DAY)
    assert await ward.who(used.token) is None


async def test_a_session_is_renewed_once_a_day(ward: Gate) -> None:
    """A session in use costs a write a day, and no line in the audit."""
    await ward.user(role=Role.VIEWER)
    session = await ward.log_in()
    commits = "SELECT count FROM command_count"
    before, lines = rows(ward.url, commits), ward.audit()
    for _ in range(23):
        ward.later(HOUR)
        await ward.who(session.token)
    assert rows(ward.url, commits) == before
    ward.later(HOUR)
    for _ in range(3):
        await ward.who(session.token)
    assert rows(ward.url, commits) == [(before[0][0] + 1,)]
    assert ward.audit() == lines


async def test_a_monitor_that_cannot_write(ward: Gate) -> None:
    """Where a session cannot be renewed, it is valid all the same, and the log says why, once."""
    said: list[str] = []
    logger.add(said.append, format="{message}")
    await ward.user(role=Role.VIEWER)
    session = await ward.log_in()
    ward.later(2 * DAY)
    await ward.access.existing()
    refuse_updates(ward.url, "sessions")
    for _ in range(3):
        assert await ward.who(session.token) == session.principal
    assert [each.startswith("a session was not renewed") for each in said] == [True]


async def test_a_session_ends_with_its_key(ward: Gate) -> None:
    """A session that began with a key ends when that is revoked, or expires, however much it is used."""
    revoked = await ward.log_in_with(await ward.key())
    expiring = await ward.key("short", Role.VIEWER, START + timedelta(days=40))
    session = await ward.log_in_with(expiring)
    assert revoked.principal == Principal("wall", "key", Role.NURSE, expires=START + timedelta(hours=8))
    assert session.principal == Principal("short", "key", Role.VIEWER, expires=START + timedelta(days=40))
    assert await ward.who(revoked.token) == revoked.principal
    await ward.revoke()
    ward.later()
    assert await ward.who(revoked.token) is None
    ward.later(20 * DAY)
    assert await ward.who(session.token) == session.principal
    ward.later(20 * DAY)
    assert await ward.who(session.token) is None


async def test_a_revocation_while_somebody_logs_in(ward: Gate) -> None:
    """A session that a revoked key began a moment after is not valid."""
    session = await ward.log_in_with(await ward.key())
    execute(ward.url, f"UPDATE api_keys SET revoked = {round(ward.now * 1000)}")
    assert await ward.who(session.token) is None


async def test_a_log_out(ward: Gate) -> None:
    """A session that was logged out has ended on each monitor; another one of the same user goes on."""
    await ward.user()
    session, other = await ward.log_in(), await ward.log_in()
    monitor = ward.monitor()
    assert await monitor.principal(session.token.reveal())
    author = Author(session.principal.by, ADDRESS)
    for _ in range(2):
        await log_out(ward.door, session.token.reveal(), author)
    ward.later()
    assert await monitor.principal(session.token.reveal()) is None
    assert await monitor.principal(other.token.reveal()) is not None
    assert ward.audit()[-1] == ("anna", ADDRESS, "logout", None, None, "done")
    assert ward.commands().count("logout") == 1


async def test_sessions_that_are_over_are_deleted(ward: Gate) -> None:
    """A log-in deletes what has ended."""
    await ward.user()
    await ward.log_in()
    ward.later(30 * DAY)
    await ward.log_in()
    assert rows(ward.url, "SELECT count(*) FROM sessions") == [(1,)]


async def test_a_key_begins_so_many_sessions(ward: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that everybody knows fills no disk: its oldest sessions end, and those of others stay."""
    monkeypatch.setattr(sessions, "MOST", 3)
    other = await ward.log_in_with(await ward.key("other"))
    key, begun = await ward.key(), []
    for _ in range(4):
        ward.later(1)
        begun.append(await ward.log_in_with(key))
        await ward.who(begun[0].token)
    ward.later()
    assert [await ward.who(each.token) is not None for each in begun] == [False, True, True, True]
    assert await ward.who(other.token) is not None


async def test_the_token_is_stored_nowhere(ward: Gate) -> None:
    """The database holds hashes of tokens, and a session shows none of them where it is printed."""
    await ward.user()
    session = await ward.log_in()
    assert session.token.reveal() not in repr(session)
    dump = rows(ward.url, "SELECT * FROM sessions")
    assert dump
    assert session.token.reveal() not in str(dump)
