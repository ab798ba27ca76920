"""`alarms`: alarms of a ward, and answers to them."""

from pathlib import Path
from typing import Final

import rich_click as click
from click.core import ParameterSource

from icu.cli.clinical.burden import burden
from icu.cli.clinical.options import author, by_option, monitor_options, patient_option
from icu.cli.clinical.statistics import statistics
from icu.cli.options import SPAN
from icu.errors import UsageError

_alarm_argument: Final = click.argument("words", nargs=-1, required=True, metavar="WHO [CONDITION]")
_pause_option: Final = click.option("--for", "span", type=SPAN, help="How long: 2min when not given, and at most.")


@click.group(invoke_without_command=True)
@patient_option
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
    from icu.cli.clinical.ward import find_ward
    from icu.cli.clinical.watching import show, show_json

    ward = find_ward(url, config)
    who = None if patient is None else ward.patient(patient).uuid
    (show_json if as_json else show)(ward, who, watch=watch)


def _check_no_options(context: click.Context) -> None:
    """Refuse options before the name of a command, which would take no part in it."""
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            command = context.invoked_subcommand
            option = name.removeprefix("as_")
            raise UsageError(f"--{option} stands before {command}: write it behind, if {command} has it")


@alarms.command()
@_alarm_argument
@click.option("--why", metavar="TEXT", help="Reason, if there is one to know.")
@by_option
@monitor_options
def ack(words: tuple[str, ...], why: str | None, by: str | None, url: str | None, config: Path | None) -> None:
    """Acknowledge an alarm: it is silent, and sounds again if it is still present after 3 minutes.

    WHO is a bed, a patient's name or uuid, or the alarm's id; CONDITION, such as spo2.low or spo2, is needed where the
    patient has several alarms. The alarm is shown first: if it has sounded again since, nothing is acknowledged.
    """
    from icu.cli.clinical import answers
    from icu.cli.clinical.ward import find_ward

    answers.acknowledge(find_ward(url, config), words, by=author(by), why=why)


@alarms.command()
@_alarm_argument
@click.option("--why", required=True, metavar="TEXT", help="Reason.")
@click.option("--for", "span", type=SPAN, help="How long: 10min when not given, 60min at most.")
@by_option
@monitor_options
def shelve(
    words: tuple[str, ...], why: str, span: float | None, by: str | None, url: str | None, config: Path | None
) -> None:
    """Silence an alarm that is known, for some minutes. One that gets worse sounds. Not for alarms of high priority.

    WHO and CONDITION are as for `ack`.
    """
    from icu.cli.clinical import answers
    from icu.cli.clinical.ward import find_ward

    answers.shelve(find_ward(url, config), words, by=author(by), why=why, seconds=span)


@alarms.command()
@click.argument("who", metavar="WHO")
@_pause_option
@by_option
@monitor_options
def pause(who: str, span: float | None, by: str | None, url: str | None, config: Path | None) -> None:
    """Silence a bed for up to two minutes. A new high alarm sounds, and one above those that are paused.

    WHO is a bed, a patient's name or uuid.
    """
    from icu.cli.clinical import answers
    from icu.cli.clinical.ward import find_ward

    answers.pause(find_ward(url, config), who, by=author(by), seconds=span)


@alarms.command()
@_pause_option
@by_option
@monitor_options
def silence(span: float | None, by: str | None, url: str | None, config: Path | None) -> None:
    """Silence all beds that sound now, each as by a pause of its own."""
    from icu.cli.clinical import answers
    from icu.cli.clinical.ward import find_ward

    answers.silence(find_ward(url, config), by=author(by), seconds=span)


alarms.add_command(statistics)
alarms.add_command(burden)
