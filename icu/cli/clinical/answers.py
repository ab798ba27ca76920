"""Answers of people to alarms, and what they print."""

from collections.abc import Sequence
from typing import Final

import rich_click as click

from icu.alarms.defaults import LONGEST_PAUSE, REMINDER, USUAL_SHELF
from icu.cli.clinical.choosing import Patient, choose_alarm
from icu.cli.clinical.states import Alarm, Bed, Beds
from icu.cli.clinical.ward import Ward, time_of_day
from icu.cli.clinical.words import alarm_in_words, describe, unverified
from icu.cli.listing import escape_control
from icu.errors import UsageError

# Seconds.
_PAUSE: Final = LONGEST_PAUSE / 1_000
_SHELF: Final = USUAL_SHELF / 1_000


def acknowledge(ward: Ward, words: Sequence[str], *, by: str, why: str | None) -> None:
    """Show the alarm that words name, and acknowledge it as it was shown.

    Raises:
        UnknownAlarmError: There is no such alarm.
        UnknownBedError: There is no such patient.
        UsageError: Several are meant.
        NoMonitorError: Nothing answers.
        OrderRefusedError: It was refused; it has sounded again, for instance.
    """
    answer = _answer(ward, _shown(ward, words), "acknowledge", by=by, why=why)
    given = answer.acknowledged
    if given is not None and given.by != by.strip():
        click.echo(f"acknowledged already, by {escape_control(given.by)}: that name stays")
    elif answer.signal == "acknowledged":
        click.echo(f"acknowledged by {unverified(by)}: silent, for {REMINDER // 60_000} min if it stays present")
    else:
        click.echo(f"acknowledged by {unverified(by)}: it was over, and has ended")


def shelve(ward: Ward, words: Sequence[str], *, by: str, why: str, seconds: float | None) -> None:
    """Show the alarm that words name, and silence it for some time. Errors as of `acknowledge`."""
    minutes = (seconds or _SHELF) / 60
    answer = _answer(ward, _shown(ward, words), "shelve", by=by, why=why, minutes=minutes)
    if answer.shelved is not None:
        click.echo(f"shelved until {time_of_day(answer.shelved.until)} by {unverified(by)}: shown, but silent")


def pause(ward: Ward, who: str, *, by: str, seconds: float | None) -> None:
    """Silence a bed for some time. Errors as of `acknowledge`."""
    patient = ward.patient(who)
    bed = ward.monitor.command(f"/patient/{patient.uuid}/pause", Bed, {"by": by, "seconds": seconds or _PAUSE})
    click.echo(_paused(patient, bed))


def silence(ward: Ward, *, by: str, seconds: float | None) -> None:
    """Silence all beds that sound. Errors as of `acknowledge`."""
    beds = ward.monitor.command("/ward/silence", Beds, {"by": by, "seconds": seconds or _PAUSE}).beds
    patients = {each.uuid: each for each in ward.patients()}
    for bed in beds:
        click.echo(_paused(patients[bed.patient_uuid], bed))
    if not beds:
        click.echo("no bed sounds: nothing was silenced")


def _shown(ward: Ward, words: Sequence[str]) -> Alarm:
    """Show the alarm that words name, and return it."""
    if len(words) > 2:
        raise UsageError("say which bed or patient, and which condition: alarms ack 7 spo2.low; quote names")
    view = ward.look()
    alarm = choose_alarm(view.alarms, view.patients, words)
    click.echo(describe(alarm, view.patient(alarm.patient_uuid), view.state.time))
    return alarm


def _answer(ward: Ward, alarm: Alarm, verb: str, **fields: object) -> Alarm:
    """Send an answer to an alarm as it was shown."""
    path = f"/alarms/{alarm.id}/{verb}"
    return ward.monitor.command(path, Alarm, {"seen": alarm.seen, **fields}, in_words=alarm_in_words)


def _paused(patient: Patient, bed: Bed) -> str:
    if bed.paused is None:
        return f"{patient}: not paused"
    return f"{patient}: silent until {time_of_day(bed.paused.until)} by {unverified(bed.paused.by)}"
