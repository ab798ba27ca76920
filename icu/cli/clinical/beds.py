"""Commands of people about a patient's bed and NEWS2, and what they print."""

from collections.abc import Mapping

import msgspec
import rich_click as click

from icu.cli.clinical.choosing import Patient
from icu.cli.clinical.options import author
from icu.cli.clinical.states import Bed, Entered, News2
from icu.cli.clinical.ward import Ward, time_of_day
from icu.cli.clinical.words import unverified


def admit(ward: Ward, who: str, *, by: str, bed: str | None) -> None:
    """Watch a patient, in a bed of this label, in the present one, or in the lowest free number.

    Raises:
        UnknownBedError: There is no such patient.
        UsageError: Several are meant.
        NoMonitorError: Nothing answers.
        OrderRefusedError: It was refused; another patient has the bed, for instance.
    """
    patient = ward.patient(who)
    admitted = _command(ward, patient, "admit", by=by, bed=bed)
    click.echo(f"{patient._replace(bed=admitted.bed)}: watched")


def standby(ward: Ward, who: str, *, by: str) -> None:
    """Stop watching a bed for a while. Errors as of `admit`."""
    patient = ward.patient(who)
    silence = _command(ward, patient, "standby", by=by).standby
    if silence is not None:
        until, name = time_of_day(silence.until), unverified(silence.by)
        click.echo(f"{patient}: not watched until {until}, or until the patient returns, by {name}")


def discharge(ward: Ward, who: str, *, by: str) -> None:
    """Watch a patient no more. Errors as of `admit`."""
    patient = ward.patient(who)
    _command(ward, patient, "discharge", by=by)
    already = " already" if patient.bed is None else ""
    click.echo(f"{patient}: discharged{already}; a newer reading brings the patient back")


def news2(ward: Ward, who: str, changes: Mapping[str, object], *, by: str | None) -> None:
    """Enter inputs of NEWS2, and print the score. Inputs without a change stay. Errors as of `admit`."""
    patient = ward.patient(who)
    path = f"/patient/{patient.uuid}/news2"
    found = ward.monitor.fetch(path, News2)
    if changes:
        inputs = {**msgspec.structs.asdict(found.entered), **changes, "by": author(by)}
        ward.monitor.command(path, Entered, inputs, method="PUT")
        found = ward.monitor.fetch(path, News2)
    for line in _lines(patient, found):
        click.echo(line)


def _lines(patient: Patient, found: News2) -> list[str]:
    score = f"NEWS2 {found.total}, {found.category}"
    if found.total is None:
        score = f"no NEWS2: {found.partial} points without {', '.join(found.missing)}"
    entered = found.entered
    source = "assumed" if entered.by is None else f"entered by {unverified(entered.by)}"
    breathes = "oxygen" if entered.oxygen else "air"
    return [f"{patient}: {score}", f"  {breathes}, {entered.consciousness}, scale {entered.scale}: {source}"]


def _command(ward: Ward, patient: Patient, verb: str, **fields: object) -> Bed:
    def in_words(state: bytes) -> str:
        bed = msgspec.json.decode(state, type=Bed)
        return str(next(each for each in ward.patients() if each.uuid == bed.patient_uuid))

    return ward.monitor.command(f"/patient/{patient.uuid}/{verb}", Bed, fields, in_words=in_words)
