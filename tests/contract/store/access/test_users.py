"""Users: who may log in, and what the database and the audit hold of them."""

import pytest

from icu.access.roles import Role
from icu.config.settings import Secret
from icu.store.access.errors import LogInRefusedError, UnknownPrincipalError
from icu.store.access.users import add_user, list_users, remove_user, set_password
from icu.store.commands.errors import CommandConflictError, SenselessCommandError
from tests.access import EVA, PASSWORD, WRONG, Gate
from tests.stores import rows


@pytest.mark.usefixtures("full_cost")
async def test_the_database_holds_a_hash(ward: Gate) -> None:
    """A password is stored by argon2id, with its cost, and with a salt of its own."""
    await ward.user()
    await ward.user("boris")
    hashes = [each for (each,) in rows(ward.url, "SELECT hash FROM users")]
    assert all(each.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for each in hashes)
    assert hashes[0] != hashes[1]


async def test_a_name_is_one_user(ward: Gate) -> None:
    """A second user of a name is refused, and the first one keeps password and role."""
    await ward.user()
    with pytest.raises(CommandConflictError, match="anna exists"):
        await add_user(ward.door, "anna", Role.ADMIN, EVA, password=WRONG)
    assert (await ward.log_in()).principal.role is Role.NURSE


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("anna", "eleven char", "has 11 characters, and needs at least 12"),
        ("anna", "x" * 1_001, "over 1000"),
        ("a b", "four random words", "a name has 1 to 64"),
    ],
)
async def test_what_cannot_be(ward: Gate, name: str, password: str, why: str) -> None:
    """A short password and a wrong name are refused, with what to do, and without showing the password."""
    with pytest.raises(SenselessCommandError, match=why) as caught:
        await add_user(ward.door, name, Role.NURSE, EVA, password=Secret(password))
    assert password not in str(caught.value)
    assert rows(ward.url, "SELECT * FROM users") == []


async def test_a_password_has_one_form(ward: Gate) -> None:
    """A keyboard that types accents by themselves types the same password; so does one that types the name so."""
    await add_user(ward.door, "Ren\u00e9", Role.NURSE, EVA, password=Secret("caf\u00e9 caf\u00e9 caf\u00e9"))
    session = await ward.log_in("Rene\u0301", Secret("cafe\u0301 cafe\u0301 cafe\u0301"))
    assert session.principal.name == "Ren\u00e9"
    await set_password(ward.door, "Rene\u0301", EVA, password=WRONG)
    await remove_user(ward.door, "Rene\u0301", EVA)


async def test_a_long_password_counts_to_its_end(ward: Gate) -> None:
    """Nobody comes in with the beginning of a password, or with more than it."""
    long = "x" * 1_000
    await add_user(ward.door, "anna", Role.NURSE, EVA, password=Secret(long))
    for wrong in (long[:-1], long + "x", long + "xx"):
        with pytest.raises(LogInRefusedError):
            await ward.log_in(password=Secret(wrong))
    assert await ward.log_in(password=Secret(long))


async def test_a_removed_user(ward: Gate) -> None:
    """The sessions of a removed user end at the next look, those of others go on, and the name may come again."""
    await ward.user()
    await ward.user("boris")
    anna, boris = await ward.log_in(), await ward.log_in("boris")
    assert await ward.who(anna.token)
    await remove_user(ward.door, "anna", EVA)
    ward.later()
    assert await ward.who(anna.token) is None
    assert await ward.who(boris.token) is not None
    with pytest.raises(LogInRefusedError):
        await ward.log_in()
    await ward.user()
    assert await ward.who(anna.token) is None


async def test_another_password(ward: Gate) -> None:
    """With another password all sessions end, the new one is right, and the old one is wrong."""
    await ward.user()
    before = await ward.log_in()
    assert await ward.who(before.token)
    await set_password(ward.door, "anna", EVA, password=WRONG)
    ward.later()
    assert await ward.who(before.token) is None
    with pytest.raises(LogInRefusedError):
        await ward.log_in()
    assert await ward.log_in(password=WRONG)


async def test_nobody(ward: Gate) -> None:
    """A user that there is not can be neither removed nor given a password."""
    with pytest.raises(UnknownPrincipalError, match="users list"):
        await remove_user(ward.door, "anna", EVA)
    with pytest.raises(UnknownPrincipalError, match="users list"):
        await set_password(ward.door, "anna", EVA, password=PASSWORD)


async def test_the_audit_of_users(ward: Gate) -> None:
    """Each change has a line, and none of the whole database holds the password."""
    await ward.user()
    ward.later(1)
    await set_password(ward.door, "anna", EVA, password=WRONG)
    await remove_user(ward.door, "anna", EVA)
    state = {"name": "anna", "role": "nurse", "created": "2026-01-31T12:00:00Z", "by": "Eva"}
    first = {**state, "changed": "2026-01-31T12:00:00Z"}
    second = {**state, "changed": "2026-01-31T12:00:01Z"}
    assert ward.audit() == [
        ("Eva", "command line", "user.add", None, first, "done"),
        ("Eva", "command line", "user.password", first, second, "done"),
        ("Eva", "command line", "user.remove", second, None, "done"),
    ]


async def test_the_list_of_users(ward: Gate) -> None:
    """The oldest user comes first."""
    await ward.user("b", Role.ADMIN)
    ward.later(1)
    await ward.user("a")
    assert [(each.name, each.role) for each in await ward.access.ask(list_users)] == [
        ("b", Role.ADMIN),
        ("a", Role.NURSE),
    ]
