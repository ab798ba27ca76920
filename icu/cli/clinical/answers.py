"""`alarms ack`, `shelve`, `pause` and `silence`: answers of people to alarms."""

from pathlib import Path
from typing import Any, Final

import rich_click as click

from icu.alarms.defaults import LONGEST_PAUSE, REMINDER, USUAL_SHELF
from icu.cli.clinical.choosing import Patient, choose_alarm, choose_patient
from icu.cli.clinical.monitor import author, by_option, find_monitor, monitor_options
from icu.cli.clinical.states import Alarm, Bed, Beds
from icu.cli.clinical.ward import Ward, time_of_day
from icu.cli.listing import escape_control
from icu.cli.options import SPAN
from icu.errors import UsageError

_PAUSE: Final = LONGEST_PAUSE / 1_000
_SHELF: Final = USUAL_SHELF / 1_000
_REMINDER: Final = REMINDER // 60_000

alarm_argument: Final = click.argument("words", nargs=-1, required=True, metavar="WHO [CONDITION]")


@click.command()
@alarm_argument
@click.option("--why", metavar="TEXT", help="Reason, if there is one to know.")
@by_option
@monitor_options
def ack(words: tuple[str, ...], why: str | None, by: str | None, url: str | None, config: Path | None) -> None:
    """Acknowledge an alarm: it is silent, and sounds again if it is still present after 3 minutes.

    WHO is a bed, a patient's name or uuid, or the alarm's id; CONDITION, such as spo2.low or spo2, is needed where the
    patient has several alarms. The alarm is shown first: if it has sounded again since, nothing is acknowledged.
    """
    ward = Ward(find_monitor(url, config))
    name = author(by)
    alarm = _shown(ward, words)
    answer = _answer(ward, alarm, "acknowledge", by=name, why=why)
    given = answer.acknowledged
    if given is not None and given.by != name.strip():
        click.echo(f"acknowledged already, by {escape_control(given.by)}: that name stays")
    elif answer.signal == "acknowledged":
        click.echo(f"acknowledged by {_unverified(name)}: silent, for {_REMINDER} min if it stays present")
    else:
        click.echo(f"acknowledged by {_unverified(name)}: it was over, and has ended")


@click.command()
@alarm_argument
@click.option("--why", required=True, metavar="TEXT", help="Reason.")
@click.option("--for", "span", type=SPAN, default=_SHELF, help="How long: 10min when not given, 60min at most.")
@by_option
@monitor_options
def shelve(words: tuple[str, ...], why: str, span: float, by: str | None, url: str | None, config: Path | None) -> None:
    """Silence an alarm that is known, for some minutes. One that gets worse sounds. Not for alarms of high priority.

    WHO and CONDITION are as for `ack`.
    """
    ward = Ward(find_monitor(url, config))
    name = author(by)
    alarm = _shown(ward, words)
    answer = _answer(ward, alarm, "shelve", by=name, why=why, minutes=span / 60)
    if answer.shelved is not None:
        click.echo(f"shelved until {time_of_day(answer.shelved.until)} by {_unverified(name)}: shown, but silent")


@click.command()
@click.argument("who", metavar="WHO")
@click.option("--for", "span", type=SPAN, default=_PAUSE, help="How long: 2min when not given, and at most.")
@by_option
@monitor_options
def pause(who: str, span: float, by: str | None, url: str | None, config: Path | None) -> None:
    """Silence a bed for up to two minutes. A new high alarm sounds, and one above those that are paused.

    WHO is a bed, a patient's name or uuid.
    """
    ward = Ward(find_monitor(url, config))
    patient = choose_patient(ward.patients(), who)
    bed = ward.monitor.command(f"/patient/{patient.uuid}/pause", Bed, by=author(by), seconds=span)
    click.echo(_paused(patient, bed))


@click.command()
@click.option("--for", "span", type=SPAN, default=_PAUSE, help="How long: 2min when not given, and at most.")
@by_option
@monitor_options
def silence(span: float, by: str | None, url: str | None, config: Path | None) -> None:
    """Silence all beds that sound now, each as by a pause of its own."""
    ward = Ward(find_monitor(url, config))
    beds = ward.monitor.command("/ward/silence", Beds, by=author(by), seconds=span).beds
    patients = {each.uuid: each for each in ward.patients()}
    for bed in beds:
        click.echo(_paused(patients[bed.patient_uuid], bed))
    if not beds:
        click.echo("no bed sounds: nothing was silenced")


def _shown(ward: Ward, words: tuple[str, ...]) -> Alarm:
    """Show the alarm that words name, and return it."""
    from icu.cli.clinical.words import describe

    if len(words) > 2:
        raise UsageError("say which bed or patient, and which condition: alarms ack 7 spo2.low; quote names")
    view = ward.look()
    alarm = choose_alarm(view.alarms, view.patients, words)
    click.echo(describe(alarm, view.patient(alarm.patient_uuid), view.state.time))
    return alarm


def _answer(ward: Ward, alarm: Alarm, verb: str, **fields: Any) -> Alarm:  # noqa: ANN401 - fields of the command
    """Send an answer to an alarm as it was shown."""
    from icu.cli.clinical.words import alarm_in_words

    path = f"/alarms/{alarm.id}/{verb}"
    return ward.monitor.command(path, Alarm, in_words=alarm_in_words, seen=alarm.seen, **fields)


def _paused(patient: Patient, bed: Bed) -> str:
    if bed.paused is None:
        return f"{patient}: not paused"
    return f"{patient}: silent until {time_of_day(bed.paused.until)} by {_unverified(bed.paused.by)}"


def _unverified(name: str) -> str:
    return f"{escape_control(name)} (unverified)"
