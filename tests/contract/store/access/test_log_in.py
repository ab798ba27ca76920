"""Log-ins: right and wrong ones look alike from outside, cost the same, and leave a line in the audit."""

import threading

import pytest
from anyio import create_task_group
from pwdlib.hashers.argon2 import Argon2Hasher

from icu.config.settings import Secret
from icu.store.access import attempts
from icu.store.access.attempts import delay_after
from icu.store.access.errors import LogInRefusedError
from icu.store.access.passwords import verify_password
from icu.store.access.tokens import new_key
from icu.store.access.users import set_password
from tests.access import ADDRESS, EVA, HOUR, PASSWORD, WRONG, Gate
from tests.stores import execute, rows


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that log-ins wait, which pass at once."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("anyio.sleep", sleep)
    return waited


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hashes that passwords were compared with."""
    hashes: list[str] = []
    original = Argon2Hasher.verify

    def verify(self: Argon2Hasher, password: bytes, hashed: str) -> bool:
        hashes.append(hashed)
        return original(self, password, hashed)

    monkeypatch.setattr(Argon2Hasher, "verify", verify)
    return hashes


async def refused(ward: Gate, name: str = "anna", password: Secret = WRONG, source: str = ADDRESS) -> str:
    """Fail to log in, and return the message."""
    with pytest.raises(LogInRefusedError) as caught:
        await ward.log_in(name, password, source)
    return str(caught.value)


@pytest.mark.usefixtures("full_cost")
async def test_no_answer_tells_who_exists(ward: Gate, verified: list[str]) -> None:
    """A name that nobody has costs one verification of the same cost, as a wrong password does, and the same answer."""
    await ward.user()
    answers, statements = [], []
    for name in ("anna", "boris", "", "a b", "\ud800"):
        verified.clear()
        answers.append(await refused(ward, name))
        statements.append([each.rsplit("$", 2)[0] for each in verified])
    assert set(answers) == {"name or password is wrong"}
    assert statements == [["$argon2id$v=19$m=65536,t=3,p=4"]] * 5


async def test_nobodys_password_is_never_right() -> None:
    """Where there is no user, no password is right."""
    assert not await verify_password(PASSWORD, None)


@pytest.mark.usefixtures("full_cost")
async def test_two_hashes_at_once(ward: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many log in, two passwords are hashed at once, so that the machine's memory and processors suffice."""
    lock, now, most = threading.Lock(), 0, 0
    original = Argon2Hasher.verify

    def verify(self: Argon2Hasher, password: bytes, hashed: str) -> bool:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        try:
            return original(self, password, hashed)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(Argon2Hasher, "verify", verify)
    async with create_task_group() as group:
        for _ in range(8):
            group.start_soon(verify_password, PASSWORD, None)
    assert most == 2


def test_delays() -> None:
    """Some mistakes cost no time; then each doubles the wait, up to 8 seconds, for ever."""
    assert [delay_after(each) for each in range(12)] == [0, 0, 0, 0, 0, 0.25, 0.5, 1, 2, 4, 8, 8]
    assert delay_after(10**9) == 8


async def test_failures_slow_down(ward: Gate, slept: list[float]) -> None:
    """From the sixth on a log-in waits: for the name from any address, for the address with any name."""
    await ward.user()
    for _ in range(6):
        await refused(ward)
    await refused(ward, source="198.51.100.1")
    await refused(ward, "boris")
    await refused(ward, "boris", source="203.0.113.5")
    assert slept == [0, 0, 0, 0, 0, 0.25, 0.5, 0.5, 0]


async def test_nobody_is_locked_out(ward: Gate, slept: list[float]) -> None:
    """With the right password people come in after any number of failures, and the next log-in waits for nothing."""
    await ward.user()
    await refused(ward)
    execute(ward.url, "UPDATE login_attempts SET failures = 1000")
    session = await ward.log_in()
    await refused(ward)
    assert session.principal.name == "anna"
    assert slept == [0, 8, 0]


async def test_failures_are_forgotten(ward: Gate, slept: list[float]) -> None:
    """After an hour without failures nothing is left of them."""
    await refused(ward)
    execute(ward.url, "UPDATE login_attempts SET failures = 1000")
    ward.later(HOUR)
    await refused(ward, "boris", source="198.51.100.1")
    assert rows(ward.url, "SELECT failures FROM login_attempts") == [(1,), (1,)]
    await refused(ward)
    assert slept == [0, 0, 0]


async def test_attempts_at_once_count_each_other(ward: Gate, slept: list[float]) -> None:
    """Twenty passwords at once have to wait as those that are tried one after the other."""
    async with create_task_group() as group:
        for _ in range(20):
            group.start_soon(refused, ward)
    assert sorted(slept) == [delay_after(each) for each in range(20)]


async def test_the_memory_of_failures_is_bounded(
    ward: Gate, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names and addresses without end take no more room than the latest ones."""
    monkeypatch.setattr(attempts, "MOST", 4)
    for number in range(5):
        ward.later(1)
        await refused(ward, f"name-{number}", source=f"192.0.2.{number}")
    assert len(rows(ward.url, "SELECT * FROM login_attempts")) == 4


async def test_the_audit_of_log_ins(ward: Gate, slept: list[float]) -> None:
    """A line for each log-in and failure; what was typed as the name of nobody, a password perhaps, is in none."""
    await ward.user()
    await ward.log_in()
    await refused(ward)
    await refused(ward, PASSWORD.reveal())
    with pytest.raises(LogInRefusedError):
        await ward.log_in_with(new_key())
    until = "2026-01-31T20:00:00Z"
    assert ward.audit()[1:] == [
        ("anna", ADDRESS, "login", None, {"role": "nurse", "role_until": until}, "done"),
        ("anna", ADDRESS, "login.failed", None, {"failures": 1}, "refused"),
        ("unknown", ADDRESS, "login.failed", None, {"failures": 2}, "refused"),
        ("unknown", ADDRESS, "login.failed", None, {"failures": 3}, "refused"),
    ]


async def test_failures_fill_no_disk(ward: Gate, slept: list[float]) -> None:
    """After a hundred failures in a row, each hundredth has a line, with their number."""
    await refused(ward)
    for before in (99, 100, 198, 199):
        execute(ward.url, f"UPDATE login_attempts SET failures = {before}")
        await refused(ward)
    assert [line[4] for line in ward.audit()] == [{"failures": 1}, {"failures": 100}, {"failures": 200}]


async def test_a_password_that_changes_meanwhile(ward: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log-in with the old password ends in nothing where another one is set before its session begins."""
    await ward.user()

    async def sleep(_seconds: float) -> None:
        await set_password(ward.door, "anna", EVA, password=WRONG)

    monkeypatch.setattr("anyio.sleep", sleep)
    await refused(ward, password=PASSWORD)
    assert rows(ward.url, "SELECT * FROM sessions") == []


async def test_a_wall_of_screens(ward: Gate, slept: list[float]) -> None:
    """Twenty screens of one address begin their sessions with a key at once, and none of them waits."""
    key = await ward.key()
    async with create_task_group() as group:
        for _ in range(20):
            group.start_soon(ward.log_in_with, key)
    assert slept == []
    assert rows(ward.url, "SELECT count(*) FROM sessions") == [(20,)]


async def test_a_session_is_no_key(ward: Gate, slept: list[float]) -> None:
    """A session's token begins no other session, which would outlive the log-out."""
    session = await ward.log_in_with(await ward.key())
    with pytest.raises(LogInRefusedError, match="the key is not valid"):
        await ward.log_in_with(session.token)
