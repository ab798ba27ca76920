"""Cases with their right answers, as a nurse would see them. Seconds count from noon, readings come each 5 s."""

import pytest

from icu.alarms.conditions import Priority
from icu.alarms.defaults import WARD
from icu.alarms.episodes import Episode
from icu.alarms.limits import NO_OVERRIDES, ConditionLimits, change
from tests.alarms import NOON, Bed


def at(seconds: float) -> int:
    """Return a time."""
    return NOON + round(seconds * 1000)


def low(bed: Bed, values: list[float], *, start: float = 0, every: float = 5) -> None:
    """Send saturations in turn."""
    for number, value in enumerate(values):
        bed.send(start + number * every, spo2=value)


@pytest.mark.parametrize("late", [0, 50])
def test_a_short_dip_is_no_alarm(late: float) -> None:
    """Two low values within the delay are one suppressed alarm, whether they come at once or 50 s late."""
    bed = Bed()
    for time, value in ((0, 89), (5, 89), (10, 96)):
        bed.send(time, arrives=time + late, spo2=value)
    assert bed.alarms() == []
    assert bed.suppressed == 1


def test_silence_is_stale_and_nothing_else() -> None:
    """After one low value and then silence, the data are stale: nobody knows whether it is low still."""
    bed = Bed()
    bed.send(0, spo2=89)
    bed.wait(200)
    assert bed.names() == ["data.stale"]
    stale = bed.one("data.stale")
    assert (stale.raised, stale.priority) == (at(15), "medium")
    assert [each.episode.priority for each in bed.outbox if each.event in {"start", "escalate"}] == ["low", "medium"]


def test_an_interval_of_an_hour_alarms_at_its_delay() -> None:
    """A timer raises the alarm 15 s after the value, and the next row ends it."""
    bed = Bed(interval=3600)
    bed.send(0, spo2=85)
    bed.wait(20)
    assert bed.one("spo2.low").raised == at(15)
    bed.send(3600, spo2=95)
    bed.wait(3700)
    assert bed.one("spo2.low").ended == at(3610)
    assert bed.one("spo2.low").end_reason == "itself"


def test_one_valid_reading_in_five_silences_nothing() -> None:
    """A desaturation that is seen once in 25 s is an alarm, and so is the blindness between."""
    bed = Bed()
    bed.send(-5)
    for number in range(720):
        valid = number % 5 == 0
        bed.send(number * 5, spo2=78 if valid else None, flags={} if valid else {"spo2": "probe-off"})
    [saturation] = bed.alarms("spo2.low")
    [blind] = bed.alarms("spo2.unavailable")
    assert saturation.is_open and saturation.priority == "high" and saturation.presence == "present"
    assert blind.is_open and blind.priority == "medium"


def test_values_at_the_limit_are_inside() -> None:
    """89 and 90 in turn never last 15 s below 90; once raised, 90 does not clear: it takes 91."""
    bed = Bed()
    low(bed, [89, 90] * 360)
    assert bed.alarms() == []
    bed = Bed()
    low(bed, [89] * 4 + [90, 89] * 360)
    assert bed.one("spo2.low").is_open
    assert bed.events("spo2.low") == ["start", "escalate"]  # nobody answered


def test_each_tier_has_its_own_onset() -> None:
    """79 once and 85 then is low at 15 s from the first value, and never very low."""
    bed = Bed()
    low(bed, [79, *[85] * 12])
    alarm = bed.one("spo2.low")
    assert (alarm.onset, alarm.raised, alarm.priority, alarm.worst) == (at(0), at(15), "medium", 7900)


def test_a_very_low_one_stays_high_until_it_clears() -> None:
    """78 and then 86 stays high until 91 has held for 10 s."""
    bed = Bed()
    low(bed, [78, 78, 78, 86, 86, 90, 91, 91])
    alarm = bed.one("spo2.low")
    assert (alarm.raised, alarm.priority, alarm.presence) == (at(10), "high", "clearing")
    bed.acknowledge(alarm)
    bed.send(40, spo2=91)
    assert bed.one("spo2.low").ended == at(40)


def test_a_slow_clock_alarms_as_any() -> None:
    """A sender whose clock is 2 min slow alarms as others do; its clock is wrong, which silences nothing."""
    bed = Bed(offset=120)
    low(bed, [97] * 15 + [85] * 10)
    assert bed.one("spo2.low").raised == at(75 + 15 - 120)
    assert not bed.one("spo2.low").late
    assert bed.one("clock.wrong").priority == "low"


def test_a_clock_set_back_is_watched_again() -> None:
    """A clock that is set back an hour is noticed after 10 s; what was pending goes on."""
    bed = Bed()
    low(bed, [97, 85])
    bed.offset = 3600
    low(bed, [85] * 6, start=10)
    assert bed.one("clock.wrong").is_open
    alarm = bed.one("spo2.low")
    assert alarm.onset == at(5 - 3600)
    assert alarm.raised == at(20 - 3600)
    assert bed.late == 1


def latched(bed: Bed) -> Episode:
    """Bring a very low saturation that nobody answers, and that ends."""
    low(bed, [78] * 3 + [95] * 3)
    alarm = bed.one("spo2.low")
    assert (alarm.presence, alarm.signal, alarm.is_active, alarm.is_audible) == ("absent", "latched", True, True)
    return alarm


def test_latched_until_acknowledged() -> None:
    """A very low one that has ended stays until somebody has seen it; a second answer is refused."""
    bed = Bed()
    alarm = latched(bed)
    assert bed.acknowledge(alarm).refused is None
    ended = bed.one("spo2.low")
    assert (ended.end_reason, ended.ended_by, ended.ceased) == ("acknowledged", "Ann", at(25))
    again = bed.acknowledge(alarm, by="Bob")
    assert again.refused == "ended" and again.changes == ()


def test_latched_whatever_the_ward_does() -> None:
    """Wider limits of ward or patient end no latched alarm."""
    bed = Bed()
    latched(bed)
    bed.limit(own=False, spo2_low={"medium": 70, "high": 60})
    bed.limit(spo2_low={"medium": 70, "high": 60})
    bed.send(30, spo2=95)
    assert bed.one("spo2.low").signal == "latched"


def test_a_latched_one_goes_on() -> None:
    """A latched alarm that comes again is the same episode; what is pending beside it has its own after an answer."""
    bed = Bed()
    latched(bed)
    low(bed, [78] * 3, start=30)
    alarm = bed.one("spo2.low")
    assert (alarm.presence, alarm.signal, alarm.repeats) == ("present", "on", 1)
    low(bed, [95] * 3 + [88], start=45)
    bed.acknowledge(bed.one("spo2.low"))
    low(bed, [88] * 3, start=65)
    first, second = bed.alarms("spo2.low")
    assert (first.end_reason, second.onset, second.priority) == ("acknowledged", at(60), "medium")


def test_a_probe_off_ends_no_alarm() -> None:
    """An alarm whose sign is lost stays, with the time of the last valid value, and the loss joins it."""
    bed = Bed()
    low(bed, [85] * 4)
    for number in range(60):
        bed.send(20 + number * 5, spo2=None, flags={"spo2": "probe-off"})
    alarm = bed.one("spo2.low")
    assert (alarm.presence, alarm.last_valid_at) == ("present", at(15))
    assert bed.one("spo2.unavailable").priority == "medium"
    bed.send(320, spo2=95)
    assert bed.one("spo2.low").last_valid_at is None
    bed.wait(324)
    bed.send(325, spo2=95)
    bed.send(330, spo2=95)
    assert bed.one("spo2.low").ended == at(330)


def test_standby_lasts_while_it_sends() -> None:
    """A bed in standby that goes on sending stays in standby; it ends when the patient returns after a silence."""
    bed = Bed()
    low(bed, [85] * 4)
    bed.standby()
    assert bed.one("spo2.low").end_reason == "standby"
    low(bed, [85] * 10, start=20)
    assert bed.bed.standby is not None
    bed.wait(200)
    low(bed, [85] * 4, start=200)
    assert bed.bed.standby is None
    assert [each.raised for each in bed.alarms("spo2.low")] == [at(15), at(215)]


def test_standby_ends_after_four_hours() -> None:
    """A standby that nobody ends ends, and silence is missed from then on."""
    bed = Bed()
    low(bed, [97] * 3)
    bed.standby()
    bed.wait(4 * 3600 + 9)
    assert bed.alarms() == []
    bed.wait(4 * 3600 + 60)
    assert bed.one("data.stale").raised is not None


def test_asystole_is_first() -> None:
    """No pulse, no breaths, no perfusion, but a line pressure: asystole at once, and the saturation later."""
    bed = Bed()
    low(bed, [97] * 3)
    for number in range(20):
        bed.send(
            15 + number * 5,
            pulse=0,
            resp_rate=None,
            spo2=None,
            systolic=20,
            diastolic=8,
            map=12,
            flags={"spo2": "low-perfusion"},
        )
    asystole = bed.one("asystole")
    assert (asystole.raised, asystole.priority, asystole.signal) == (at(15), "high", "on")
    assert bed.one("spo2.unavailable").raised == at(45)
    assert not {"pulse.low", "disconnected"} & set(bed.names())
    low(bed, [97] * 3, start=115)
    assert bed.one("asystole").signal == "latched"


def test_asystole_beside_a_low_pulse() -> None:
    """A low pulse that is present already sounds on beside asystole; it is answered by itself."""
    bed = Bed()
    for number, pulse in enumerate((45, 45, 45, 0, 0, 0)):
        bed.send(number * 5, pulse=pulse)
    assert sorted(bed.names()) == ["asystole", "pulse.low"]
    assert bed.one("pulse.low").is_audible
    assert bed.one("asystole").is_audible


def test_asystole_with_a_line() -> None:
    """A pulse of 0 without breaths is asystole where a line shows a pressure, though nothing flags perfusion."""
    bed = Bed()
    low(bed, [97] * 3)
    bed.send(15, pulse=0, resp_rate=None)
    assert bed.names() == ["asystole"]


def test_asystole_without_perfusion() -> None:
    """A pulse of 0 without breaths is asystole where the oximeter finds no perfusion, without any line."""
    bed = Bed()
    for number in range(3):
        bed.send(number * 5, measured=-60)
    bed.send(15, pulse=0, resp_rate=None, spo2=None, measured=-60, flags={"spo2": "low-perfusion"})
    assert bed.names() == ["asystole"]


def test_an_alarm_by_ordinary_readings() -> None:
    """In a batch without ticks, readings that change nothing but the time bring the end of the delay all the same."""
    bed = Bed()
    bed.send(0)
    rows = [
        (
            *bed.rows[0][0][:1],
            NOON + number * 5_000,
            (8 - number) * 5_000,
            *bed.rows[0][0][3:7],
            8_500,
            *bed.rows[0][0][8:],
        )
        for number in range(1, 9)
    ]
    bed.now = NOON + 40_000
    bed.take(rows)
    assert bed.one("spo2.low").raised == at(20)


def test_leads_off_are_no_asystole() -> None:
    """A pulse of 0 without breaths, with good perfusion and no line: disconnected, and nothing else."""
    bed = Bed()
    for number in range(3):
        bed.send(number * 5, measured=-60)
    for number in range(3, 30):
        bed.send(number * 5, pulse=0, resp_rate=None, measured=-60)
    assert bed.names() == ["disconnected"]
    assert bed.one("disconnected").priority == "medium"


def test_motion_is_no_desaturation() -> None:
    """Flagged values start nothing; a valid one afterwards starts its own delay."""
    bed = Bed()
    bed.send(0)
    for number in range(12):
        bed.send(5 + number * 5, spo2=[82, 84, 81][number % 3], flags={"spo2": "motion"})
    assert bed.names() == ["spo2.unavailable"]
    assert bed.one("spo2.unavailable").raised == at(35)
    low(bed, [81] * 4, start=65)
    assert (bed.one("spo2.low").onset, bed.one("spo2.low").raised) == (at(65), at(80))


def test_a_cuff_counts_once() -> None:
    """A standing measurement is judged once, at once; the next measurement ends the alarm."""
    bed = Bed()
    first = {"systolic": 84, "diastolic": 50, "map": 70}
    second = {"systolic": 96, "diastolic": 60, "map": 75}
    bed.send(0, measured=-300)
    for number in range(1, 120):
        bed.send(number * 5, measured=2, **first)
    assert bed.one("systolic.low").raised == at(5)
    assert bed.events("systolic.low") == ["start", "escalate"]
    bed.send(605, measured=602, **second)
    assert bed.one("systolic.low").ended == at(605)
    bed.send(610, measured=2, **first)  # sent again
    bed.wait(614)
    assert len(bed.alarms("systolic.low")) == 1


def test_a_cuff_that_states_its_time_later() -> None:
    """The reading at an inflation states no time of its own: it is the measurement, and is judged once."""
    bed = Bed()
    bed.send(0, measured=-300)
    bed.send(5, systolic=84)
    assert bed.one("systolic.low").raised == at(5)
    for number in range(2, 10):
        bed.send(number * 5, systolic=84, measured=5)
    assert bed.one("systolic.low").is_open
    assert len(bed.alarms("systolic.low")) == 1


def test_a_flushed_line_is_no_alarm() -> None:
    """A line that is flushed for 5 s raises nothing."""
    bed = Bed()
    bed.send(0)
    bed.send(5, systolic=270, diastolic=250, map=260)
    bed.send(10)
    bed.wait(14)
    assert bed.alarms() == []
    assert bed.suppressed == 2


def test_an_old_cuff_is_told() -> None:
    """A measurement of half an hour ago is old, until the next."""
    bed = Bed(interval=60)
    for minute in range(40):
        bed.send(minute * 60, measured=-60)
    assert bed.one("bp.old").raised == at(1740)
    bed.send(2400, measured=2395)
    assert bed.one("bp.old").ended == at(2400)


def test_a_late_reading_changes_nothing() -> None:
    """A reading before the newest one is counted, and moves nothing."""
    bed = Bed(interval=10)
    bed.send(10)
    bed.send(20)
    before = dict(bed.table)
    bed.send(15, arrives=21, spo2=60)
    bed.send(20, arrives=22)
    assert bed.table == before and bed.late == 2


def test_a_pause_ends() -> None:
    """A pause silences what sounds, for two minutes at most; then it sounds again, unacknowledged."""
    bed = Bed()
    low(bed, [85] * 5)
    bed.pause(3600)
    alarm = bed.one("spo2.low")
    assert (alarm.inhibition, alarm.is_audible, alarm.is_active) == ("paused", False, True)
    low(bed, [85] * 30, start=25)
    alarm = bed.one("spo2.low")
    assert bed.bed.paused is None
    assert (alarm.inhibition, alarm.signal, alarm.is_audible) == ("none", "on", True)
    assert "continue" in bed.events("spo2.low")


def test_a_paused_bed_lets_worse_through() -> None:
    """A new high alarm sounds in a pause, and a higher one than those paused; another is shown in silence."""
    bed = Bed()
    low(bed, [85] * 5)
    bed.pause()
    for number in range(5, 10):
        bed.send(number * 5, spo2=85, resp_rate=40)
    assert not bed.one("resp_rate.high").is_audible and bed.one("resp_rate.high").is_active
    bed.send(50, pulse=0, spo2=85)
    assert bed.one("asystole").is_audible
    assert not bed.one("spo2.low").is_audible


def test_a_new_high_alarm_sounds_beside_a_paused_one() -> None:
    """A pause that silenced a high alarm does not silence the next one."""
    bed = Bed()
    low(bed, [75] * 3)
    bed.pause()
    assert not bed.one("spo2.low").is_audible
    bed.send(15, spo2=75, pulse=0)
    assert bed.one("asystole").is_audible


def test_a_restart_lengthens_no_pause() -> None:
    """A pause with 90 s left has at most those after a restart; with the clock set back an hour, two minutes."""
    bed = Bed()
    low(bed, [85] * 5)
    bed.pause()
    bed.now += 30_000
    bed.restart()
    paused = bed.ward.watches[1].bed.paused
    assert paused is not None and paused.until - bed.now == 90_000
    bed.now -= 3_600_000
    bed.restart()
    paused = bed.ward.watches[1].bed.paused
    assert paused is not None and paused.until - bed.now == 120_000


@pytest.mark.parametrize(
    ("pulse", "limits", "priority"),
    [
        # Nothing was wrong; an alarm of medium priority stands; one is pending, and is none any more.
        (110, {"medium": 105, "high": None}, "medium"),
        (125, {"medium": 115, "high": 120}, "high"),
        (125, {"medium": 130, "high": None}, None),
    ],
)
def test_limits_that_change_while_the_program_is_down(
    pulse: float, limits: dict[Priority, float | None], priority: Priority | None
) -> None:
    """The next values are judged by them, though they are as the one before, which was judged by others."""
    bed = Bed()
    for seconds in range(0, 10 if priority == "high" else 5, 5):
        bed.send(seconds, pulse=pulse)
    bed.limits = (change(WARD, {"pulse.high": ConditionLimits(limits)}), NO_OVERRIDES)
    bed.restart()
    for seconds in range(10, 30, 5):
        bed.send(seconds, pulse=pulse)
    assert [each.priority for each in bed.open] == ([] if priority is None else [priority])


def test_the_first_of_two_acknowledges() -> None:
    """The second answer changes nothing, whatever its author saw, and finds the first's name."""
    bed = Bed()
    low(bed, [85] * 4)
    alarm = bed.one("spo2.low")
    assert bed.acknowledge(alarm).refused is None
    outcome = bed.acknowledge(alarm, by="Bob", seen=99)
    assert outcome.refused is None and outcome.changes == ()
    given = bed.one("spo2.low").acknowledged
    assert given is not None and given.by == "Ann"


def test_an_answer_to_another_alarm_is_refused() -> None:
    """An answer to what has escalated meanwhile is refused: its author has not seen that."""
    bed = Bed()
    low(bed, [85] * 4)
    seen = bed.one("spo2.low").seen
    low(bed, [78] * 3, start=20)
    assert bed.acknowledge(bed.one("spo2.low"), seen=seen).refused == "seen before"
    assert bed.one("spo2.low").signal == "on"


def test_an_acknowledged_alarm_reminds_and_escalates() -> None:
    """It sounds again after three minutes, and at once when it becomes worse; a technical one of low priority never."""
    bed = Bed()
    low(bed, [85] * 5)
    bed.acknowledge(bed.one("spo2.low"))
    low(bed, [85] * 33, start=25)
    assert bed.one("spo2.low").signal == "acknowledged"
    low(bed, [85] * 5, start=190)
    assert bed.one("spo2.low").signal == "on"
    bed.acknowledge(bed.one("spo2.low"))
    low(bed, [75] * 3, start=215)
    assert (bed.one("spo2.low").signal, bed.one("spo2.low").priority) == ("on", "high")


def test_a_shelf_ends() -> None:
    """A shelf that ends while the value is low: on and unacknowledged. One that ends in normal: nothing."""
    bed = Bed()
    low(bed, [85] * 5)
    assert bed.shelve(bed.one("spo2.low")).refused is None
    low(bed, [85] * 119, start=25)
    assert not bed.one("spo2.low").is_audible
    low(bed, [85] * 3, start=620)
    alarm = bed.one("spo2.low")
    assert (alarm.signal, alarm.inhibition, alarm.shelved, alarm.is_audible) == ("on", "none", None, True)
    bed = Bed()
    low(bed, [85] * 5)
    bed.shelve(bed.one("spo2.low"))
    low(bed, [97] * 150, start=25)
    assert bed.one("spo2.low").ended == at(35)
    assert bed.bed.shelves == {}


def test_a_shelf_outlives_the_episode() -> None:
    """A condition that ends and comes again within its shelf stays silent, but not when it is worse."""
    bed = Bed()
    low(bed, [85] * 5)
    bed.shelve(bed.one("spo2.low"))
    low(bed, [97] * 5 + [85] * 5, start=25)
    second = bed.alarms("spo2.low")[1]
    assert not second.is_audible and second.is_active and second.inhibition == "shelved"
    low(bed, [75] * 3, start=75)
    assert bed.alarms("spo2.low")[1].is_audible


def test_high_alarms_and_lost_patients_are_not_shelved() -> None:
    """A high alarm cannot be shelved, nor can one that says that nobody is watched."""
    bed = Bed()
    low(bed, [75] * 3)
    assert bed.shelve(bed.one("spo2.low")).refused == "not to be shelved"
    bed.wait(60)
    assert bed.shelve(bed.one("data.stale")).refused == "not to be shelved"


def test_a_patient_without_a_temperature() -> None:
    """A patient who never had a temperature misses none; one who lost it does."""
    bed = Bed()
    for number in range(20):
        bed.send(number * 5, temperature=None)
    assert bed.alarms() == []
    bed.send(100)
    for number in range(21, 40):
        bed.send(number * 5, temperature=None)
    assert bed.names() == ["temperature.unavailable"]


def test_apnoea_has_its_own_timer() -> None:
    """Breaths of 0 for 20 s are apnoea, and no low rate beside it."""
    bed = Bed()
    bed.send(0)
    for number in range(1, 10):
        bed.send(number * 5, resp_rate=0)
    assert bed.names() == ["apnoea"]
    assert bed.one("apnoea").raised == at(25)


def test_a_saturation_of_0_is_none() -> None:
    """A saturation of 0 is a lost sensor, always."""
    bed = Bed()
    bed.send(0)
    for number in range(1, 12):
        bed.send(number * 5, spo2=0)
    assert bed.names() == ["spo2.unavailable"]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("sign", "name"), [("pulse", "asystole"), ("resp_rate", "apnoea")])
def test_a_sign_at_0_is_judged_after_a_standby(sign: str, name: str, *, late: bool) -> None:
    """A heart that stands still when a patient is watched again is an alarm again, though nothing has changed."""
    bed = Bed(interval=1.0)
    for time in range(60):
        bed.send(time, **{sign: 0 if time > 5 else 80})
    bed.standby()
    bed.send(60, **{sign: 0})
    bed.admit()
    if late:  # which judges nothing
        bed.send(58, arrives=60, backlog=True, **{sign: 0})
    for time in range(61, 100):
        bed.send(time, **{sign: 0})
    assert [each.presence for each in bed.alarms(name)] == ["absent", "present"]


def test_a_sign_at_0_is_judged_when_a_standby_is_over() -> None:
    """A heart that stands still when the four hours are over is an alarm from then on."""
    bed = Bed(interval=60.0)
    for minute in range(250):
        bed.send(minute * 60, pulse=0 if minute > 2 else 80)
        if minute == 5:
            bed.standby()
    assert [each.presence for each in bed.alarms("asystole")] == ["absent", "present"]


@pytest.mark.parametrize("restart", [False, True])
def test_limits_switched_on_judge_a_sign_at_0(*, restart: bool) -> None:
    """Limits that come back while the heart stands still raise asystole with the next reading, after a restart too."""
    bed = Bed(interval=1.0)
    bed.limit(asystole={"high": None}, pulse_low={"medium": None, "high": None})
    for time in range(10):
        bed.send(time, pulse=0 if time > 5 else 80)
    assert bed.alarms() == []
    bed.limit(asystole={"high": 0}, pulse_low={"medium": 50, "high": 40})
    if restart:
        bed.restart()
    for time in range(10, 30):
        bed.send(time, pulse=0)
    assert bed.one("asystole").presence == "present"


def test_limits_switched_off_end_a_high_alarm() -> None:
    """The ward turns a condition off: its alarm is latched once its off-delay is over, whatever the values are."""
    bed = Bed(interval=1.0)
    for time in range(60):
        if time == 20:
            bed.limit(own=False, spo2_low={"medium": None, "high": None})
        bed.send(time, spo2=75)
    assert (bed.one("spo2.low").presence, bed.one("spo2.low").signal) == ("absent", "latched")


def test_one_good_value_ends_nothing() -> None:
    """Off-delays are times inside: one good value, and then a heart that stands still, ends no low pulse."""
    bed = Bed(interval=1.0)
    for time in range(50):
        bed.send(time, pulse=80 if time < 20 or time == 30 else 45 if time < 30 else 0)
    assert bed.one("pulse.low").presence == "present"


@pytest.mark.parametrize("presses", [1, 2])
def test_a_second_pause_silences_no_more(presses: int) -> None:
    """A low alarm is paused: one of medium priority sounds, however often somebody pressed."""
    bed = Bed(interval=1.0)
    for time in range(90):
        if time == 70:
            for _ in range(presses):
                bed.pause(120)
        bed.send(time, temperature=39.5, spo2=85 if time > 70 else 97)
    assert (bed.one("temperature.high").inhibition, bed.one("spo2.low").inhibition) == ("paused", "none")


def test_a_shelf_has_one_successor() -> None:
    """A shelf that was replaced, or that a worse alarm has ended, does not come back with a later alarm."""
    for replaced in (True, False):
        bed = Bed(interval=1.0)
        for time in range(260):
            low = 10 < time < 40 or 80 < time < 130 or time > 220
            bed.send(time, spo2=97 if not low else 75 if not replaced and 100 < time < 130 else 85)
            last = (bed.alarms("spo2.low") or [None])[-1]
            if time == 35 or (time == 99 and replaced):
                assert last is not None and last.inhibition == ("none" if time == 35 else "shelved")
                bed.shelve(last, 60 if time == 35 else 0.05)
            if time == 129:
                assert last is not None and last.inhibition == "none"
            if time == 150 and not replaced:
                assert last is not None
                bed.acknowledge(last)
        assert len(bed.alarms("spo2.low")) == 3
        assert [each.inhibition for each in bed.alarms("spo2.low")][-1] == "none"


@pytest.mark.parametrize("shelf_first", [True, False])
def test_a_reminder_ends_no_shelf(*, shelf_first: bool) -> None:
    """An alarm that is shelved and acknowledged stays shelved when its reminder is due."""
    bed = Bed(interval=1.0)
    for time in range(300):
        bed.send(time, spo2=85)
        if time == 20:
            bed.shelve(bed.one("spo2.low"), 60) if shelf_first else bed.acknowledge(bed.one("spo2.low"))
            bed.acknowledge(bed.one("spo2.low")) if shelf_first else bed.shelve(bed.one("spo2.low"), 60)
    assert (bed.one("spo2.low").signal, bed.one("spo2.low").inhibition) == ("on", "shelved")


def test_nobody_leaves_a_silent_alarm_unanswered() -> None:
    """An alarm that takes over the shelf of the one before was never heard: it does not escalate."""
    bed = Bed(interval=1.0)
    for time in range(400):
        bed.send(time, spo2=85 if 10 < time < 40 or time > 80 else 97)
        if time == 35:
            bed.shelve(bed.one("spo2.low"), 60)
    last = bed.alarms("spo2.low")[-1]
    assert (last.inhibition, last.unanswered, last.sounded) == ("shelved", False, None)


def test_unanswered_alarms_escalate() -> None:
    """A high alarm that nobody answers for a minute is unanswered; its priority stays."""
    bed = Bed()
    low(bed, [75] * 20)
    alarm = bed.one("spo2.low")
    assert (alarm.unanswered, alarm.priority) == (True, "high")
    assert bed.events("spo2.low") == ["start", "escalate"]


def test_limits_judge_again() -> None:
    """Limits that now hold the value end the alarm; those that do not start a delay from now on."""
    bed = Bed()
    low(bed, [87] * 5)
    bed.limit(spo2_low={"medium": 85})
    alarm = bed.one("spo2.low")
    assert (alarm.end_reason, alarm.ended_by) == ("limits changed", "Ann")
    bed.limit(spo2_low={"medium": 90})
    low(bed, [87] * 2, start=25)
    assert len(bed.alarms("spo2.low")) == 1
    low(bed, [87], start=35)
    second = bed.alarms("spo2.low")[1]
    assert (second.onset, second.raised, second.patient_limits) == (at(20), at(35), 2)


def test_an_unacknowledged_high_alarm_is_no_affair_of_the_ward() -> None:
    """Wider limits of the ward do not end it; those of the patient do."""
    bed = Bed()
    low(bed, [78] * 3)
    bed.limit(own=False, spo2_low={"medium": 75, "high": 70})
    assert bed.one("spo2.low").presence == "present"
    bed.limit(spo2_low={"medium": 75, "high": 70})
    assert bed.one("spo2.low").end_reason == "limits changed"


def test_a_backlog_is_silent_and_then_told_once() -> None:
    """After an outage, what is present when the backlog is empty is raised once, with its true onset."""
    bed = Bed()
    low(bed, [97] * 5)
    bed.now += 600_000
    times = [25 + number * 5 for number in range(100)]
    for time in times:
        bed.send(time, arrives=625, backlog=True, spo2=85)
    assert bed.events("spo2.low") == [] and bed.one("spo2.low").late
    bed.wait(640)
    alarm = bed.one("spo2.low")
    assert bed.events("spo2.low") == ["start"]
    assert (alarm.onset, alarm.signal, alarm.late) == (at(25), "on", True)


def test_a_cuff_of_a_backlog_sounds_with_the_first_live_reading() -> None:
    """It does not wait for the cuff's next measurement, which may be an hour away."""
    bed = Bed()
    for number in range(5):
        bed.send(number * 5, measured=-300)
    for number in range(5, 80):
        bed.send(number * 5, arrives=400, backlog=True, measured=25, systolic=84)
    assert bed.one("systolic.low").presence == "present" and bed.events("systolic.low") == []
    bed.send(400, measured=25, systolic=84)
    alarm = bed.one("systolic.low")
    assert bed.events("systolic.low") == ["start"]
    assert (alarm.onset, alarm.signal, alarm.late) == (at(25), "on", True)


def test_what_a_backlog_has_ended_is_not_raised() -> None:
    """A dip that began and ended in a backlog sounds never; but a latching one is shown."""
    bed = Bed()
    low(bed, [97] * 5)
    for number in range(20):
        bed.send(25 + number * 5, arrives=400, backlog=True, spo2=85 if number < 10 else 97)
    bed.wait(420)
    assert bed.events("spo2.low") == [] and bed.one("spo2.low").ended is not None
    for number in range(20):
        bed.send(125 + number * 5, arrives=500, backlog=True, pulse=0 if number < 2 else 80)
    bed.wait(520)
    assert bed.one("asystole").signal == "latched" and bed.events("asystole") == ["start"]


@pytest.mark.parametrize("between", [97, None])
def test_what_a_backlog_raises_has_no_event_before_its_start(between: int | None) -> None:
    """An alarm that is inside for a moment, or blind, and goes on in the backlog is told of when it begins to sound."""
    bed = Bed()
    low(bed, [97] * 5)
    for number, value in enumerate([85] * 10 + [between] + [85] * 5):
        bed.send(25 + number * 5, arrives=400, backlog=True, spo2=value)
    assert bed.one("spo2.low").presence == "present" and bed.events("spo2.low") == []
    bed.wait(420)
    assert bed.events("spo2.low") == ["start"]


def test_a_reading_ahead_is_judged_at_its_arrival() -> None:
    """A reading of the day after tomorrow is judged, and does not hide those that follow."""
    bed = Bed()
    low(bed, [97] * 3)
    bed.send(172_800, arrives=15, pulse=0)
    assert bed.one("asystole").raised == at(15)
    low(bed, [85] * 4, start=20)
    assert bed.one("spo2.low").raised == at(35)
    assert bed.one("clock.wrong").is_open


def test_a_discharged_patient_comes_back() -> None:
    """A discharge ends all alarms; a reading on its way does not undo it, a newer one does."""
    bed = Bed()
    low(bed, [75] * 3)
    bed.discharge()
    assert bed.open == [] and bed.one("spo2.low").end_reason == "discharged"
    bed.wait(100)
    bed.send(8, arrives=100, spo2=75)
    assert bed.bed.admitted is None
    bed.send(105, spo2=97)
    assert bed.bed.admitted is not None


def test_forgotten_patients_are_discharged_in_silence() -> None:
    """A patient who was not heard for a day when the engine starts is discharged without an alarm."""
    bed = Bed()
    low(bed, [85] * 4)
    bed.now += 25 * 3_600_000
    bed.restart()
    bed.wait(26 * 3600)
    assert bed.bed.admitted is None and bed.open == []
    assert "data.stale" not in bed.names()


def test_a_restart_while_nothing_is_heard_leaves_delays_alone() -> None:
    """Delays that wait for a value, under limits that were switched off and on meanwhile, outlast a restart."""
    beds = [Bed(), Bed()]
    for bed in beds:
        bed.limit(own=False, spo2_low={"medium": None, "high": None})
        low(bed, [75] * 5)
        bed.limit(own=False, spo2_low={"medium": 90, "high": 80})
        bed.wait(220)
        bed.limit(own=False, spo2_low={"medium": None, "high": None})
    beds[1].restart()
    for bed in beds:
        bed.wait(230)
        bed.limit(own=False, spo2_low={"medium": 90, "high": 80})
        bed.send(235, spo2=75)
        bed.send(240, spo2=75)
    assert beds[0].table == beds[1].table


def test_the_band_takes_no_reading_from_before_the_last_look() -> None:
    """A reading that was under way during a tick has the outcome that it has without the band."""
    beds = [Bed(), Bed(steady=False)]
    for bed in beds:
        for seconds in range(0, 95, 5):
            bed.send(seconds, temperature=None if 5 <= seconds < 65 else 37)
        # At 95.001 s the sign was lost for less than 30 s of the last 60.
        bed.send(95, arrives=96)
        bed.send(100)
    assert beds[0].table == beds[1].table
