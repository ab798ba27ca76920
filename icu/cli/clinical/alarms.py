"""`alarms`: alarms of a ward."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import rich_click as click
from click.core import ParameterSource

from icu.cli.clinical.answers import ack, pause, shelve, silence
from icu.cli.clinical.burden import burden
from icu.cli.clinical.choosing import choose_patient
from icu.cli.clinical.monitor import find_monitor, monitor_options
from icu.cli.clinical.statistics import statistics
from icu.cli.clinical.ward import View, Ward
from icu.errors import UsageError


@click.group(invoke_without_command=True)
@click.option("--patient", metavar="WHO", help="Only this patient's: bed, name or uuid.")
@click.option("--watch", is_flag=True, help="Look again every second, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array a line, as GET /alarms has it.")
@monitor_options
@click.pass_context
def alarms(
    context: click.Context, patient: str | None, url: str | None, config: Path | None, *, watch: bool, as_json: bool
) -> None:
    """Show the alarms of now, the most urgent first, and answer them.

    Ends with 0 whether there are alarms or not, 4 where there is no such patient, 75 where no monitor answers.
    """
    if context.invoked_subcommand is not None:
        _check_no_options(context)
        return
    ward = Ward(find_monitor(url, config))
    who = None if patient is None else choose_patient(ward.patients(), patient).uuid
    if as_json:
        _repeat(lambda: click.echo(ward.alarms_as_json(who)), watch=watch)
    else:
        _show(lambda: ward.look(patient=who), watch=watch)


for _command in (ack, shelve, pause, silence, statistics, burden):
    alarms.add_command(_command)


def _check_no_options(context: click.Context) -> None:
    """Refuse options before the name of a command, which would take no part in it."""
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            command = context.invoked_subcommand
            option = name.removeprefix("as_")
            raise UsageError(f"--{option} stands before {command}: write it behind, if {command} has it")


def _show(look: Callable[[], View], *, watch: bool) -> None:
    from rich.console import Console

    from icu.cli.clinical.table import footer, lines, table
    from icu.cli.clinical.watching import watch as watch_screen
    from icu.cli.screen import is_screen

    if not is_screen(sys.stdout):
        _repeat(lambda: click.echo("\n".join(lines(look()))), watch=watch)
    elif watch:
        watch_screen(Console(), look)
    else:
        console, view = Console(), look()
        console.print(table(view, console.width), footer(view), sep="\n")


def _repeat(act: Callable[[], None], *, watch: bool) -> None:
    from icu.cli.clinical.watching import REFRESH

    act()
    while watch:
        time.sleep(REFRESH)
        act()
