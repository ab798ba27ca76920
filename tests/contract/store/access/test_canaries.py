"""Keys, passwords and tokens of sessions in no file, log, error or text of an object."""

import traceback
from pathlib import Path

from anyio import to_thread
from loguru import logger

from icu.access.roles import Role
from icu.config.settings import Secret
from icu.errors import IcuError
from icu.store.access.log_in import log_in_with_key
from icu.store.access.sessions import log_out
from icu.store.access.users import add_user, set_password
from icu.store.commands.door import Author
from tests.access import ADDRESS, DAY, EVA, Gate
from tests.stores import execute, refuse_updates

# Passwords by what they are typed as; all of them would be found.
CANARIES = {each: f"canary of the {each}" for each in ("password", "wrong one", "second one", "name")}


def written(folder: Path) -> str:
    """Return all bytes of a folder's files."""
    return "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir())


async def test_secrets_are_nowhere(ward: Gate, tmp_path: Path) -> None:
    """Through the life of keys, users and sessions, with all their failures, no secret is written anywhere."""
    said: list[str] = []
    logger.add(said.append, level=0, backtrace=True, diagnose=False)
    errors: list[BaseException] = []

    async def fail(attempt: object) -> None:
        try:
            await attempt
        except IcuError as exc:
            errors.append(exc)
            logger.opt(exception=exc).error("refused")

    key = await ward.key()
    password = Secret(CANARIES["password"])
    await add_user(ward.door, "anna", Role.VIEWER, EVA, password=password)
    sessions = [await ward.log_in("anna", password), await ward.log_in_with(key)]
    await ward.who(key)
    await fail(ward.log_in("anna", Secret(CANARIES["wrong one"])))
    await fail(ward.log_in(CANARIES["name"], password))
    await fail(ward.log_in(key.reveal(), password))
    await fail(ward.revoke(key.reveal()))
    await fail(ward.user(key.reveal()))
    await fail(add_user(ward.door, "anna", Role.VIEWER, EVA, password=password))
    await set_password(ward.door, "anna", EVA, password=Secret(CANARIES["second one"]))
    sessions.append(await ward.log_in("anna", Secret(CANARIES["second one"])))
    ward.later(2 * DAY)
    await ward.access.existing()
    refuse_updates(ward.url, "sessions")
    await ward.access.principal(sessions[-1].token.reveal())
    await log_out(ward.door, sessions[-1].token.reveal(), Author("anna", ADDRESS))
    execute(ward.url, "DROP TABLE sessions")
    await fail(ward.log_in("anna", Secret(CANARIES["second one"])))
    await fail(log_in_with_key(ward.door, ward.access, key, ADDRESS))
    await fail(ward.who(sessions[0].token))
    assert len(errors) == 9
    texts = [*said, *("".join(traceback.format_exception(each)) + repr(each) for each in errors), repr(sessions)]
    texts += [repr(vars(ward.access)), repr(vars(ward.door)), await to_thread.run_sync(written, tmp_path)]
    secrets = [*CANARIES.values(), key.reveal(), *(each.token.reveal() for each in sessions)]
    assert [each for each in secrets for text in texts if each in text] == []
    assert any("anna" in each for each in texts)
