"""Alarm limits of the ward and of patients: shown, and changed."""

import sys
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import rich_click as click
from rich.console import Console

from icu.alarms.limits import ConditionLimits, Limits, change
from icu.cli.clinical.choosing import Patient
from icu.cli.clinical.limit_table import HEADINGS, LEGEND, rows, table, version_of
from icu.cli.clinical.limit_words import changes_between
from icu.cli.clinical.monitor import Monitor
from icu.cli.clinical.preview import preview
from icu.cli.clinical.states import LimitsState
from icu.cli.listing import aligned, escape_control
from icu.cli.screen import is_screen
from icu.errors import UsageError

_WARD: Final = "/limits"


class WardLimits:
    """Limits of the ward. All methods raise NoMonitorError and OrderRefusedError.

    Args:
        monitor: The monitor.
        name: Name in the output.
        path: Path of the limits in the API.
    """

    def __init__(self, monitor: Monitor, name: str = "the ward", path: str = _WARD) -> None:
        self._monitor = monitor
        self._name = name
        self._path = path

    def as_json(self) -> str:
        """Return the limits as the API has them."""
        return self._monitor.get(self._path).body.decode()

    def show(self) -> None:
        """Print the limits in force, with the source of each."""
        ward = self._fetch()
        click.echo(f"{self._name}: {version_of(ward)}")
        self._show(ward, None)

    def change(self, changes: Mapping[str, ConditionLimits], *, by: str) -> None:
        """Change limits, and print what has changed."""
        self._put(self._fetch(), changes, by)

    def _fetch(self) -> LimitsState:
        return self._monitor.fetch(self._path, LimitsState)

    def _put(self, before: LimitsState, conditions: Mapping[str, ConditionLimits], by: str) -> None:
        self._command(before, "PUT", self._path, by=by, conditions=conditions)

    def _command(self, before: LimitsState, method: str, path: str, **fields: object) -> None:
        """Send a change of these limits, and print what has changed."""
        fields["version"] = before.version
        after = self._monitor.command(path, LimitsState, fields, method=method, in_words=_in_words)
        click.echo(f"{self._name}: {version_of(after)}")
        if after.version == before.version:
            click.echo("  nothing was changed: these are the limits already")
        for line in changes_between(before.in_force, after.in_force):
            click.echo(f"  {line}")
        for reason in after.refused:
            click.echo(f"  unchanged: {escape_control(reason)}")

    @staticmethod
    def _show(ward: LimitsState, own: LimitsState | None) -> None:
        if is_screen(sys.stdout):
            Console().print(table(ward, own))
        else:
            click.echo("\n".join(aligned([HEADINGS, *rows(ward, own)])))
        click.echo(LEGEND)


class PatientLimits(WardLimits):
    """Limits of a patient, above the ward's."""

    def __init__(self, monitor: Monitor, patient: Patient) -> None:
        super().__init__(monitor, str(patient), f"/patient/{patient.uuid}/limits")
        self._patient = patient

    def show(self) -> None:
        """Print the limits in force, with the source of each."""
        ward, own = self._monitor.fetch(_WARD, LimitsState), self._fetch()
        click.echo(f"the ward: {version_of(ward)}")
        click.echo(f"{self._name}: {version_of(own)}, {len(own.conditions)} own")
        self._show(ward, own)

    def change(self, changes: Mapping[str, ConditionLimits], *, by: str) -> None:
        """Change limits, and print what has changed. All other own ones stay."""
        before = self._fetch()
        # They are sent whole, in the place of all own ones.
        self._put(before, change(Limits(before.version, before.conditions), changes).conditions, by)

    def clear(self, conditions: Sequence[str], *, by: str) -> None:
        """Remove own limits of these conditions; of all without any.

        Raises:
            UsageError: There are none of such a condition.
        """
        before = self._fetch()
        if not before.conditions and not conditions:
            click.echo(f"{self._name} has no limits of its own: nothing was changed")
            return
        strange = [each for each in conditions if each not in before.conditions]
        if strange:
            own = ", ".join(before.conditions) or "none"
            raise UsageError(f"{self._name} has no own limits of {escape_control(strange[0])}: there are {own}")
        kept = {each: limits for each, limits in before.conditions.items() if conditions and each not in conditions}
        self._put(before, kept, by)

    def set_auto(self, *, by: str, yes: bool) -> None:
        """Set limits around the present values.

        Args:
            by: Name of the person.
            yes: True to ask nothing. Otherwise the changes are shown first.

        Raises:
            UsageError: Nobody can be asked.
        """
        before = self._fetch()
        if yes or self._agreed(before):
            self._command(before, "POST", f"{self._path}/auto", by=by)
        else:
            click.echo("nothing was changed")

    def _agreed(self, before: LimitsState) -> bool:
        """Show the changes to be made, and ask for them; not where the monitor will say why there are none."""
        if not sys.stdin.isatty():
            raise UsageError("nobody can be asked here: write --yes")
        changes = list(changes_between(before.in_force, preview(self._monitor, self._patient, before)))
        if not changes:
            return True
        click.echo(f"{self._name}, by the values of now:")
        for line in changes:
            click.echo(f"  {line}")
        return click.confirm("Set limits around the present values?")


def _in_words(state: bytes) -> str:
    return version_of(msgspec.json.decode(state, type=LimitsState))
