"""`patients`: admission, standby and discharge, and what people enter for NEWS2."""

from pathlib import Path
from typing import get_args

import rich_click as click

from icu.cli.clinical.options import author, by_option, monitor_options
from icu.cli.options import help_without_command
from icu.vitals.news2.chart import Consciousness


@click.group(invoke_without_command=True)
@click.pass_context
def patients(context: click.Context) -> None:
    """Admit patients and discharge them, stop watching a bed for a while, and enter what NEWS2 needs.

    WHO is a bed, a patient's name or uuid.
    """
    help_without_command(context)


@patients.command()
@click.argument("who", metavar="WHO")
@click.option("--bed", metavar="LABEL", help="Of up to 16 characters; the present one, or the lowest free number else.")
@by_option
@monitor_options
def admit(who: str, bed: str | None, by: str | None, url: str | None, config: Path | None) -> None:
    """Watch a patient, in this bed. Ends a standby, and gives another bed to a patient who has one."""
    from icu.cli.clinical import beds
    from icu.cli.clinical.ward import find_ward

    beds.admit(find_ward(url, config), who, by=author(by), bed=bed)


@patients.command()
@click.argument("who", metavar="WHO")
@by_option
@monitor_options
def standby(who: str, by: str | None, url: str | None, config: Path | None) -> None:
    """Stop watching a bed until the patient returns, or is admitted again; for 4 hours at most. Its alarms end."""
    from icu.cli.clinical import beds
    from icu.cli.clinical.ward import find_ward

    beds.standby(find_ward(url, config), who, by=author(by))


@patients.command()
@click.argument("who", metavar="WHO")
@by_option
@monitor_options
def discharge(who: str, by: str | None, url: str | None, config: Path | None) -> None:
    """Watch a patient no more. The bed is free, and a newer reading brings the patient back."""
    from icu.cli.clinical import beds
    from icu.cli.clinical.ward import find_ward

    beds.discharge(find_ward(url, config), who, by=author(by))


@patients.command()
@click.argument("who", metavar="WHO")
@click.option("--oxygen/--air", "oxygen", default=None, help="If the patient is given oxygen.")
@click.option("--consciousness", type=click.Choice(get_args(Consciousness)), help="ACVPU.")
@click.option("--scale", type=click.IntRange(1, 2), help="Of the saturation: 2 in hypercapnic failure.")
@by_option
@monitor_options
def news2(
    who: str,
    consciousness: str | None,
    scale: int | None,
    by: str | None,
    url: str | None,
    config: Path | None,
    *,
    oxygen: bool | None,
) -> None:
    """Show a patient's NEWS2, after entering what is given: all else stays."""
    from icu.cli.clinical import beds
    from icu.cli.clinical.ward import find_ward

    given = {"oxygen": oxygen, "consciousness": consciousness, "scale": scale}
    changes = {name: value for name, value in given.items() if value is not None}
    beds.news2(find_ward(url, config), who, changes, by=by)
