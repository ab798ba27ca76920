"""`keys`: keys of programs and wall screens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from icu.access.roles import Role
from icu.cli.clinical.options import author
from icu.cli.listing import aligned
from icu.cli.options import ROLE, SPAN, config_option, help_without_command, prepare

if TYPE_CHECKING:
    from icu.store.access.keys import KeyState


@click.group(invoke_without_command=True)
@click.pass_context
def keys(context: click.Context) -> None:
    """Add, list and revoke the keys that programs and wall screens ask with."""
    help_without_command(context)


@keys.command()
@click.argument("name")
@click.option("--role", type=ROLE, required=True, help="What it may do: viewer, nurse or admin.")
@click.option("--expires", type=SPAN, help="Valid for so long, for instance 90d; for ever when not given.")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="Append its line to this file of keys (ICU_KEYS_FILE), in place of the database.",
)
@config_option
def add(name: str, role: str, expires: float | None, file: Path | None, config: Path | None) -> None:
    """Make the key NAME, and print it: this once. Only its hash is stored."""
    settings = prepare(config, None)
    until = None if expires is None else datetime.now(UTC) + timedelta(seconds=expires)
    if file is not None:
        from icu.bootstrap.keys_file import add_file_key

        key, place = add_file_key(file, name, Role(role), expires=until), str(file)
    else:
        from icu.bootstrap import access
        from icu.bootstrap.database import database_location

        key = access.add_key(settings, name, Role(role), author(None), expires=until)
        place = database_location(settings)
    click.echo(key.reveal())
    click.echo(f"this is the key {name} ({role}), which is shown this once; {place} holds its hash", err=True)


@keys.command("list")
@config_option
def list_keys(config: Path | None) -> None:
    """All keys of the database, the revoked among them."""
    settings = prepare(config, None)
    from icu.bootstrap import access

    now = datetime.now(UTC)
    for line in aligned([_row(each, now) for each in access.list_keys(settings)]):
        click.echo(line)


@keys.command()
@click.argument("name")
@config_option
def revoke(name: str, config: Path | None) -> None:
    """Make the key NAME invalid, within a second and for ever, with all sessions that began with it."""
    settings = prepare(config, None)
    from icu.bootstrap import access

    access.revoke_key(settings, name, author(None))
    click.echo(f"the key {name} is revoked")


def _row(key: "KeyState", now: datetime) -> tuple[str, ...]:
    return key.name, key.role.value, _validity(key, now), f"added {_minute(key.created)} by {key.by}"


def _validity(key: "KeyState", now: datetime) -> str:
    if key.revoked is not None:
        return f"revoked {_minute(key.revoked)}"
    if key.expires is None:
        return "valid"
    return f"{'expired' if key.expires <= now else 'expires'} {_minute(key.expires)}"


def _minute(moment: datetime) -> str:
    """Format a time of this machine's zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
