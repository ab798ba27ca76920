"""`db`: size and state of the database, backup, check, restoration, copy and upgrade."""

import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import rich_click as click

from icu.cli.options import config_option, help_without_command, prepare
from icu.cli.progress import StoppedError, share_of, stoppable
from icu.errors import IcuError


@click.group(invoke_without_command=True)
@click.pass_context
def db(context: click.Context) -> None:
    """Look after the database: its size and state, backups, and its tables."""
    help_without_command(context)


@db.command()
@config_option
def upgrade(config: Path | None) -> None:
    """Make the tables, or bring them to this version. The sink does the same when it starts."""
    settings = prepare(config, None)
    from icu.bootstrap.database import upgrade_database

    click.echo(upgrade_database(settings))


@db.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object; sizes in bytes.")
@config_option
def info(config: Path | None, *, as_json: bool) -> None:
    """Show size, growth and content of the database, the last backup, and how far its upkeep has come.

    The readings of a large database are estimated, from some hours of some patients.
    """
    settings = prepare(config, None)
    from icu.bootstrap.database import describe_database
    from icu.cli.database import lines_of

    found = describe_database(settings)
    for line in [msgspec.json.encode(found).decode()] if as_json else lines_of(found, datetime.now(UTC)):
        click.echo(line)


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@config_option
def backup(file: Path, config: Path | None, *, force: bool) -> None:
    """Copy the database, as it is now, into FILE. The ward may run.

    FILE appears once the copy is complete, checked and on the disk. It holds patients' data: only you can read it.
    """
    settings = prepare(config, None)
    from icu.bootstrap.database import back_up_database
    from icu.cli.database import size_of

    began = time.monotonic()
    with share_of("backup") as report:
        done = back_up_database(settings, file, overwrite=force, report=report)
    click.echo(f"{done.location} was copied to {file}: {size_of(done.size)} in {time.monotonic() - began:.1f} s")


@db.command()
@click.option("--full", is_flag=True, help="Check indexes and references too, and all roll-ups, not a sample of them.")
@config_option
def check(config: Path | None, *, full: bool) -> None:
    """Check that the database is undamaged, complete, and of this version. The ward may run.

    Ends with 0 if all is well, and with 70 if not: the lines say what is wrong.
    """
    settings = prepare(config, None)
    from icu.bootstrap.database import check_database

    with share_of("comparing roll-ups") as report:
        found = check_database(settings, full=full, report=report)
    for each in found:
        click.echo(each)
    if found:
        raise IcuError("the database is not as it should be: the lines above say why")
    click.echo("the database is well")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
def restore(file: Path, config: Path | None) -> None:
    """Put the backup FILE into the place of the database. Sink and upkeep must not run; the monitor may.

    The database that was there is kept beside it, under the name that is printed. Open pages read all anew.
    """
    settings = prepare(config, None)
    from icu.bootstrap.database import restore_database
    from icu.cli.database import sentence_about

    with share_of("restore") as report:
        done = restore_database(settings, file, report=report)
    click.echo(sentence_about(file, done))


@db.command()
@click.argument("source")
@click.argument("target")
@config_option
def copy(source: str, target: str, config: Path | None) -> None:
    """Copy the database SOURCE into the new one TARGET: URLs, of SQLite or PostgreSQL.

    Sink and upkeep of SOURCE must not run; its monitor may, but takes no commands. The same command goes on with a copy
    that was interrupted. Until it is complete, no program uses TARGET.
    """
    prepare(config, None)
    from icu.bootstrap.database import copy_database

    try:
        with share_of("copy") as shown, stoppable(shown) as report:
            done = copy_database(source, target, report=report)
    except StoppedError:
        click.echo("interrupted in order: the same command goes on with the copy", err=True)
        raise KeyboardInterrupt from None
    click.echo(done)
