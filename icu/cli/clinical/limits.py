"""`limits`: alarm limits of the ward, and of its patients."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from icu.cli.clinical.options import author, by_option, monitor_options
from icu.cli.options import help_without_command

if TYPE_CHECKING:
    from icu.cli.clinical.limit_changes import PatientLimits, WardLimits
    from icu.cli.clinical.ward import Ward


@click.group(invoke_without_command=True)
@click.pass_context
def limits(context: click.Context) -> None:
    """Show and change the limits beyond which alarms are raised."""
    help_without_command(context)


@limits.command()
@click.argument("who", required=False, metavar="[WHO]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, as GET /limits has it.")
@monitor_options
def show(who: str | None, url: str | None, config: Path | None, *, as_json: bool) -> None:
    """Show the limits in force: the ward's, or those of a patient, and the source of each.

    WHO is a bed, a patient's name or uuid.
    """
    from icu.cli.clinical.ward import find_ward

    found = _limits(find_ward(url, config), who)
    if as_json:
        click.echo(found.as_json())
    else:
        found.show()


@limits.command("set")
@click.argument("words", nargs=-1, required=True, metavar="CONDITION KEY=VALUE...")
@click.option("--patient", metavar="WHO", help="Of this patient alone: bed, name or uuid; of the ward when not given.")
@by_option
@monitor_options
def set_limits(
    words: tuple[str, ...], patient: str | None, by: str | None, url: str | None, config: Path | None
) -> None:
    """Change limits: limits set spo2.low medium=88 delay=20 pulse.high high=off.

    KEY is a priority (high, medium, low), whose value is a number in the sign's unit or off; delay, in seconds, of the
    priorities that are named beside it, or else of all; PRIORITY.delay; off_delay or hysteresis. All else stays. Ends
    with 64 where the limits make no sense, or somebody has changed them meanwhile.
    """
    from icu.cli.clinical.limit_words import parse_limits
    from icu.cli.clinical.ward import find_ward

    changes = parse_limits(words)
    _limits(find_ward(url, config), patient).change(changes, by=author(by))


@limits.command()
@click.argument("who", metavar="WHO")
@click.argument("conditions", nargs=-1, metavar="[CONDITION...]")
@by_option
@monitor_options
def clear(who: str, conditions: tuple[str, ...], by: str | None, url: str | None, config: Path | None) -> None:
    """Give a patient the ward's limits again: of these conditions, or of all."""
    from icu.cli.clinical.ward import find_ward

    _limits_of_patient(find_ward(url, config), who).clear(conditions, by=author(by))


@limits.command()
@click.argument("who", metavar="WHO")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@by_option
@monitor_options
def auto(who: str, by: str | None, url: str | None, config: Path | None, *, yes: bool) -> None:
    """Set a patient's limits around the present values, after a look at them.

    A sign whose value is missing, doubtful, old or beyond the ward's limits keeps its limits.
    """
    from icu.cli.clinical.ward import find_ward

    _limits_of_patient(find_ward(url, config), who).set_auto(by=author(by), yes=yes)


def _limits(ward: "Ward", who: str | None) -> "WardLimits":
    """Return the limits of the ward, or of the patient whom a word names."""
    from icu.cli.clinical.limit_changes import WardLimits

    return WardLimits(ward.monitor) if who is None else _limits_of_patient(ward, who)


def _limits_of_patient(ward: "Ward", who: str) -> "PatientLimits":
    from icu.cli.clinical.limit_changes import PatientLimits

    return PatientLimits(ward.monitor, ward.patient(who))
