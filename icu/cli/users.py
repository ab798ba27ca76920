"""`users`: people who log in with a password."""

from pathlib import Path

import rich_click as click

from icu.access.roles import Role
from icu.cli.clinical.options import author
from icu.cli.listing import aligned
from icu.cli.options import ROLE, config_option, help_without_command, prepare
from icu.cli.passwords import read_password


@click.group(invoke_without_command=True)
@click.pass_context
def users(context: click.Context) -> None:
    """Add, list and remove the people who log in with a password."""
    help_without_command(context)


@users.command()
@click.argument("name")
@click.option("--role", type=ROLE, required=True, help="What they may do: viewer, nurse or admin.")
@config_option
def add(name: str, role: str, config: Path | None) -> None:
    """Add the user NAME. The password is asked for, or is the first line of standard input."""
    settings = prepare(config, None)
    from icu.bootstrap import access
    from icu.bootstrap.database import database_location

    access.add_user(settings, name, Role(role), author(None), password=read_password())
    click.echo(f"the user {name} ({role}) is in {database_location(settings)}")


@users.command("list")
@config_option
def list_users(config: Path | None) -> None:
    """All users."""
    settings = prepare(config, None)
    from icu.bootstrap import access

    rows = [
        (each.name, each.role.value, f"added {each.created.astimezone():%Y-%m-%d %H:%M} by {each.by}")
        for each in access.list_users(settings)
    ]
    for line in aligned(rows):
        click.echo(line)


@users.command()
@click.argument("name")
@config_option
def remove(name: str, config: Path | None) -> None:
    """Remove the user NAME, and end all their sessions."""
    settings = prepare(config, None)
    from icu.bootstrap import access

    access.remove_user(settings, name, author(None))
    click.echo(f"the user {name} is removed")


@users.command()
@click.argument("name")
@config_option
def password(name: str, config: Path | None) -> None:
    """Set another password for the user NAME, and end all their sessions."""
    settings = prepare(config, None)
    from icu.bootstrap import access

    access.set_password(settings, name, author(None), password=read_password())
    click.echo(f"the user {name} has another password, and has to log in again")
