"""`db`: the database and its upkeep by hand."""

from pathlib import Path

import rich_click as click

from icu.cli.options import config_option, help_without_command, prepare


@click.group(invoke_without_command=True)
@click.pass_context
def db(context: click.Context) -> None:
    """Look after the database."""
    help_without_command(context)


@db.command()
@config_option
def upgrade(config: Path | None) -> None:
    """Make the tables, or bring them to this version. The sink does the same when it starts."""
    settings = prepare(config, None)
    from icu.bootstrap.database import upgrade_database

    click.echo(upgrade_database(settings))
