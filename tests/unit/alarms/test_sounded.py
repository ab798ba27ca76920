"""First sound of an alarm, in the server's time: when people could hear it, whatever the sender's clock says."""

from tests.alarms import NOON, Bed


def test_an_alarm_that_sounds_when_it_is_raised() -> None:
    """At the server's time of its raise; a tier that is worse sounds again, and changes nothing about the first."""
    bed = Bed(offset=3_600)
    bed.send(0)
    bed.send(5, pulse=45)
    bed.wait(12)
    raised = bed.one("pulse.low")
    assert (raised.sounded, raised.raised) == (NOON + 9_000, NOON + 9_000 - 3_600_000)
    bed.send(15, pulse=35)
    bed.wait(22)
    assert (bed.one("pulse.low").priority, bed.one("pulse.low").sounded) == ("high", NOON + 9_000)


def test_an_alarm_of_a_paused_bed() -> None:
    """It is not heard until the pause is over; one that has ended before never was."""
    for still in (True, False):
        bed = Bed()
        bed.send(0, pulse=45)
        bed.wait(5)
        bed.pause(120)
        for second in range(10, 125, 5):
            bed.send(second, pulse=45, systolic=85 if still or second < 60 else 120)
        assert bed.one("systolic.low").sounded is None
        bed.wait(126)
        assert bed.one("systolic.low").sounded == (NOON + 125_000 if still else None)


def test_an_alarm_of_a_backlog() -> None:
    """An alarm that is present at the end of a backlog is heard then."""
    bed = Bed()
    bed.send(0)
    bed.send(5, pulse=45, arrives=600, backlog=True)
    bed.send(20, pulse=45, arrives=600, backlog=True)
    assert bed.one("pulse.low").sounded is None
    bed.send(600, pulse=45)
    assert bed.one("pulse.low").sounded == NOON + 600_000
