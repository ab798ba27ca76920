"""`limits`: alarm limits of the ward, and of its patients."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import rich_click as click

from icu.alarms.limits import ConditionLimits, Limits, change
from icu.cli.clinical.choosing import Patient, choose_patient
from icu.cli.clinical.limit_words import changes_between, parse_limits
from icu.cli.clinical.monitor import Monitor, author, by_option, find_monitor, monitor_options
from icu.cli.clinical.states import LimitsState
from icu.cli.clinical.ward import Ward
from icu.cli.listing import escape_control
from icu.cli.options import help_without_command
from icu.errors import UsageError

_WARD: Final = "/limits"


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
    monitor = find_monitor(url, config)
    patient = None if who is None else choose_patient(Ward(monitor).patients(), who)
    if as_json:
        click.echo(monitor.get(_path(patient)).body.decode())
        return
    own = None if patient is None else monitor.fetch(_path(patient), LimitsState)
    _print(monitor.fetch(_WARD, LimitsState), patient, own)


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
    changes = parse_limits(words)
    monitor, name = find_monitor(url, config), author(by)
    who = None if patient is None else choose_patient(Ward(monitor).patients(), patient)
    before = monitor.fetch(_path(who), LimitsState)
    # A patient's are sent whole: they take the place of all own ones.
    whole = changes if who is None else change(Limits(before.version, before.conditions), changes).conditions
    _put(monitor, who, before, whole, name)


@limits.command()
@click.argument("who", metavar="WHO")
@click.argument("conditions", nargs=-1, metavar="[CONDITION...]")
@by_option
@monitor_options
def clear(who: str, conditions: tuple[str, ...], by: str | None, url: str | None, config: Path | None) -> None:
    """Give a patient the ward's limits again: of these conditions, or of all."""
    monitor, name = find_monitor(url, config), author(by)
    patient = choose_patient(Ward(monitor).patients(), who)
    before = monitor.fetch(_path(patient), LimitsState)
    strange = [each for each in conditions if each not in before.conditions]
    if strange:
        own = ", ".join(before.conditions) or "none"
        raise UsageError(f"{patient} has no own limits of {escape_control(strange[0])}: there are {own}")
    kept = {each: limits for each, limits in before.conditions.items() if conditions and each not in conditions}
    _put(monitor, patient, before, kept, name)


@limits.command()
@click.argument("who", metavar="WHO")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@by_option
@monitor_options
def auto(who: str, by: str | None, url: str | None, config: Path | None, *, yes: bool) -> None:
    """Set a patient's limits around the present values, after a look at them.

    A sign whose value is missing, doubtful, old or beyond the ward's limits keeps its limits.
    """
    from icu.cli.clinical.preview import preview

    monitor, name = find_monitor(url, config), author(by)
    patient = choose_patient(Ward(monitor).patients(), who)
    before = monitor.fetch(_path(patient), LimitsState)
    if not yes and not _agreed(patient, list(changes_between(before.in_force, preview(monitor, patient, before)))):
        click.echo("nothing was changed")
        return
    after = monitor.command(f"{_path(patient)}/auto", LimitsState, in_words=_in_words, by=name, version=before.version)
    _print_changes(patient, before, after)


def _path(patient: Patient | None) -> str:
    return _WARD if patient is None else f"/patient/{patient.uuid}/limits"


def _put(
    monitor: Monitor,
    patient: Patient | None,
    before: LimitsState,
    conditions: Mapping[str, ConditionLimits],
    by: str,
) -> None:
    after = monitor.command(
        _path(patient),
        LimitsState,
        method="PUT",
        in_words=_in_words,
        by=by,
        version=before.version,
        conditions=conditions,
    )
    _print_changes(patient, before, after)


def _agreed(patient: Patient, changes: Sequence[str]) -> bool:
    """Show the changes to be made, and ask for them; not where the monitor will say why there are none.

    Raises:
        UsageError: Nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here: write --yes")
    if not changes:
        return True
    click.echo(f"{patient}, by the values of now:")
    for line in changes:
        click.echo(f"  {line}")
    return click.confirm("Set limits around the present values?")


def _in_words(state: bytes) -> str:
    from icu.cli.clinical.limit_table import version_of

    return version_of(msgspec.json.decode(state, type=LimitsState))


def _print_changes(patient: Patient | None, before: LimitsState, after: LimitsState) -> None:
    from icu.cli.clinical.limit_table import version_of

    click.echo(f"{patient or 'the ward'}: {version_of(after)}")
    for line in changes_between(before.in_force, after.in_force):
        click.echo(f"  {line}")
    for reason in after.refused:
        click.echo(f"  unchanged: {escape_control(reason)}")


def _print(ward: LimitsState, patient: Patient | None, own: LimitsState | None) -> None:
    from rich.console import Console

    from icu.cli.clinical.limit_table import HEADINGS, LEGEND, rows, table, version_of
    from icu.cli.listing import aligned
    from icu.cli.screen import is_screen

    click.echo(f"the ward: {version_of(ward)}")
    if own is not None:
        click.echo(f"{patient}: {version_of(own)}, {len(own.conditions)} own")
    if is_screen(sys.stdout):
        Console().print(table(ward, own))
    else:
        click.echo("\n".join(aligned([HEADINGS, *rows(ward, own)])))
    click.echo(LEGEND)
