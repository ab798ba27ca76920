"""Keys: what they allow, for how long, and what the database and the audit hold of them."""

from datetime import timedelta
from hashlib import sha256

import pytest

from icu.access.principals import Principal
from icu.access.roles import Role
from icu.config.settings import Secret
from icu.store.access.errors import UnknownPrincipalError
from icu.store.access.keys import list_keys
from icu.store.commands.errors import CommandConflictError, SenselessCommandError
from tests.access import DAY, Gate
from tests.samples import START
from tests.stores import rows

STATE = {
    "name": "wall",
    "role": "nurse",
    "created": START.isoformat().replace("+00:00", "Z"),
    "by": "Eva",
    "expires": None,
    "revoked": None,
}


async def test_a_key_has_its_role(ward: Gate) -> None:
    """A key is a principal of its name and role, and any other text is none."""
    key = await ward.key()
    assert await ward.who(key) == Principal("wall", "key", Role.NURSE)
    assert key.reveal().startswith("icu_")
    assert len(key.reveal()) == 47
    wrong = [key.reveal()[:-1] + ("a" if key.reveal()[-1] != "a" else "b"), key.reveal()[:-1], "", "é" * 47]
    assert [await ward.who(Secret(each)) for each in wrong] == [None] * 4


async def test_the_hash_of_a_key_is_no_key(ward: Gate) -> None:
    """A reader of the database cannot come in with what stands there, which is the hash alone."""
    key = await ward.key()
    [(stored,)] = rows(ward.url, "SELECT sha256 FROM api_keys")
    assert stored == sha256(key.reveal().encode()).hexdigest()
    assert await ward.who(Secret(stored)) is None


async def test_a_key_expires(ward: Gate) -> None:
    """A key with an end is valid until then, also where a monitor knows it already, and tells its end."""
    end = START + timedelta(days=90)
    key = await ward.key(expires=end)
    ward.later(90 * DAY - 1)
    assert await ward.who(key) == Principal("wall", "key", Role.NURSE, expires=end)
    ward.later(1)
    assert await ward.who(key) is None


async def test_a_key_that_would_never_be_valid(ward: Gate) -> None:
    """A key is not made with an end in the past."""
    with pytest.raises(SenselessCommandError, match="later time"):
        await ward.key(expires=START)
    assert rows(ward.url, "SELECT * FROM api_keys") == []


async def test_a_revoked_key(ward: Gate) -> None:
    """Each monitor refuses a revoked key at its next look, half a second later at most; others stay valid."""
    monitors = [ward.access, ward.monitor()]
    key, other = await ward.key(), await ward.key("other")
    for each in monitors:
        assert await each.principal(key.reveal()) is not None
    await ward.revoke()
    ward.later()
    assert [await each.principal(key.reveal()) for each in monitors] == [None, None]
    assert await ward.who(other) == Principal("other", "key", Role.NURSE)


async def test_a_name_means_one_key(ward: Gate) -> None:
    """The name of a key, a revoked one too, is not given again."""
    key = await ward.key()
    with pytest.raises(CommandConflictError, match="wall exists"):
        await ward.key()
    assert await ward.who(key) is not None
    await ward.revoke()
    with pytest.raises(CommandConflictError, match="wall was revoked"):
        await ward.key()


async def test_the_audit_of_keys(ward: Gate) -> None:
    """Each change has a line with author, source, and the states before and after; a repetition changes nothing."""
    await ward.key()
    await ward.revoke()
    await ward.revoke()
    revoked = {**STATE, "revoked": STATE["created"]}
    assert ward.audit() == [
        ("Eva", "command line", "key.add", None, STATE, "done"),
        ("Eva", "command line", "key.revoke", STATE, revoked, "done"),
        ("Eva", "command line", "key.revoke", revoked, None, "unchanged"),
    ]


async def test_names_that_cannot_be(ward: Gate) -> None:
    """A wrong name is refused, and not quoted: it may be a key."""
    with pytest.raises(SenselessCommandError, match="a name has 1 to 64"):
        await ward.key("a b")
    key = await ward.key()
    with pytest.raises(SenselessCommandError) as caught:
        await ward.revoke(key.reveal())
    assert key.reveal() not in str(caught.value)


async def test_an_unknown_key(ward: Gate) -> None:
    """A key that there is not cannot be revoked: the message says where all of them are."""
    with pytest.raises(UnknownPrincipalError, match="keys list"):
        await ward.revoke()


async def test_a_name_has_one_form(ward: Gate) -> None:
    """A key is revoked by its name from any keyboard, also from one that types accents by themselves."""
    key = await ward.key("caf\u00e9")
    await ward.revoke("cafe\u0301")
    assert await ward.who(key) is None


async def test_the_list_of_keys(ward: Gate) -> None:
    """The oldest key comes first, and revoked ones stay."""
    await ward.key("b")
    ward.later(1)
    await ward.key("a", Role.VIEWER)
    await ward.revoke("b")
    found = [(each.name, each.role, each.revoked is not None) for each in await ward.access.ask(list_keys)]
    assert found == [("b", Role.NURSE, True), ("a", Role.VIEWER, False)]
