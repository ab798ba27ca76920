"""Oracle of alarms: those that stored readings give, where each value beyond a limit is one."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from confluent_kafka.admin import AdminClient

from icu.alarms.limits import ConditionLimits, Limits
from icu.store.commands.door import Author, Desk, Door
from icu.store.decisions.audit import DONE
from icu.store.decisions.limits import insert_limits
from tests.chaos.evidence import values_of
from tests.chaos.invariants import Verdict

# Milliseconds inside until an alarm ends.
OFF_DELAY = 250
ALARMS = "icu.alarms"
# The alarms that are compared with their events, and the events that are not published yet.
SEEN = "SELECT id, ended FROM alarms WHERE seen > 0"
WAITING = "SELECT alarm, version, event FROM outbox"

# Milliseconds without a record, in which a sink takes a partition for one that cannot be read: it waits for 5 s.
UNREADABLE = 4_000

# Least share of the readings that is to be judged.
SHARE = 0.5


class Episode(NamedTuple):
    """An alarm as stored. Times in milliseconds."""

    identity: str
    onset: int
    raised: int
    ended: int | None


class Pulse(NamedTuple):
    """Pulse of a stored reading. Times in milliseconds."""

    at: int
    # In hundredths; None where it is absent, or flagged.
    value: int | None
    # Time at which the log held it, and at which a sink fetched it.
    appended: int
    arrived: int


class Judgement(NamedTuple):
    """Outcome for one patient since the limit was in force."""

    # Readings, those that were judged, and those of them that came late.
    readings: int
    judged: int
    late: int
    # Alarms, and those that were judged.
    alarms: int
    judged_alarms: int
    # All that is wrong.
    problems: list[str]


async def set_limits(url: str, limits: Mapping[str, float]) -> None:
    """Make each value beyond a limit an alarm: no delay, no hysteresis, an end within few readings."""

    async def work(desk: Desk) -> None:
        for patient, limit in limits.items():
            sharp = {
                "pulse.high": ConditionLimits({"medium": limit, "high": None}, {"medium": 0}, OFF_DELAY / 1000, 0),
                "pulse.low": ConditionLimits({"medium": None, "high": None}),
            }
            await insert_limits(desk.transaction, Limits(1, sharp), patient=UUID(patient), by="Ann", at=desk.now)
            await desk.note(DONE, patient=UUID(patient))

    await Door(url).carry_out("limits", Author("Ann", "test"), work)


def judge(alarms: Sequence[Episode], pulses: Sequence[Pulse], limit: float, *, since: int) -> Judgement:
    """Compare the alarms of a patient with what the stored readings give, however late these came.

    Args:
        alarms: Those of a high pulse, oldest first.
        pulses: Those of all readings, oldest first.
        limit: Highest pulse without an alarm.
        since: Time from which the limit was in force.
    """
    spans = list(_unforeseen(pulses))

    def is_clear(at: int) -> bool:
        return at >= since and not any(first <= at <= last for first, last in spans)

    beyond = {each.at for each in pulses if each.value is not None and each.value > limit * 100}
    # One that begins with the limits, by the last value, has no reading of its own.
    begun = [
        f"{each} began with no value beyond the limit"
        for each in alarms
        if is_clear(each.onset) and each.onset not in beyond
    ]
    early = [f"{each} was raised before its onset" for each in alarms if each.raised < each.onset]
    ended = [
        f"{each} ended while values were beyond"
        for each in alarms
        if each.ended is not None and any(each.ended - OFF_DELAY < at < each.ended and is_clear(at) for at in beyond)
    ]
    doubled = [
        f"{one} and {other} overlap"
        for one, other in pairwise(alarms)
        if is_clear(other.onset) and (one.ended is None or one.ended > other.onset)
    ]
    lost = [
        f"the value at {at} is in no alarm"
        for at in sorted(beyond)
        if is_clear(at) and not any(each.onset <= at <= (each.ended or at) for each in alarms)
    ]
    told = [each for each in pulses if is_clear(each.at)]
    return Judgement(
        readings=sum(each.at >= since for each in pulses),
        judged=len(told),
        late=sum(each.arrived - each.at > UNREADABLE for each in told),
        alarms=sum(each.onset >= since for each in alarms),
        judged_alarms=sum(is_clear(each.onset) for each in alarms),
        problems=[*begun, *early, *ended, *doubled, *lost],
    )


def verdict_of(found: Sequence[Judgement]) -> Verdict:
    """Sum the outcomes of all patients up: most readings have to be judged, or little was tried."""
    problems = [problem for each in found for problem in each.problems]
    sums = {name: sum(getattr(each, name) for each in found) for name in Judgement._fields[:-1]}
    enough = sums["judged"] >= SHARE * sums["readings"]
    figures = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in sums.items())
    return Verdict("Alarms", enough and not problems, f"{figures}; {len(problems)} wrong: {problems[:5]}")


def _unforeseen(pulses: Sequence[Pulse]) -> Iterator[tuple[int, int]]:
    """Find the times, first and last, in which the clock may have ended an alarm before a reading came to prevent it.

    The clock goes on from the reading before, by the age that it had when it was fetched. So it passes the time of a
    reading that the log does not hold by then, or that is in a partition that cannot be read. Else the reading comes
    first, and a timer that does not wait for it is wrong.
    """
    for before, each in pairwise(pulses):
        passed_at = before.arrived + each.at - before.at
        if each.appended >= passed_at or each.arrived >= passed_at + UNREADABLE:
            yield before.at, each.at + OFF_DELAY


def unpublished(bootstrap: str, stored: Sequence[tuple[str, Any]], waiting: Sequence[tuple[Any, ...]]) -> list[str]:
    """Find alarms whose events the topic does not have: one start, and an end of each that has ended.

    Args:
        bootstrap: Address of the broker.
        stored: Identities of all alarms that were seen, and the times of their ends.
        waiting: Alarm, version and event of each entry of the outbox, which the next sink publishes: an alarm may end
            by time after the outbox was seen empty, and before its sink stops.

    Returns:
        The things that are wrong.
    """
    topic = AdminClient({"bootstrap.servers": bootstrap}).list_topics(ALARMS, timeout=10).topics[ALARMS]
    events = values_of(bootstrap, ALARMS, len(topic.partitions))
    pairs = {(each["alarm"], each["version"]): each["event"] for each in events}
    pairs |= {(alarm, version): event for alarm, version, event in waiting}
    kinds = defaultdict[str, Counter[str]](Counter)
    for (alarm, _), event in sorted(pairs.items()):
        kinds[alarm][event] += 1
    known = {alarm for alarm, _ in stored}
    unknown = [f"{each} was never seen: {dict(found)}" for each, found in kinds.items() if each not in known]
    return unknown + [
        f"{alarm}, ended {ended}: {dict(kinds[alarm])}"
        for alarm, ended in stored
        if kinds[alarm]["start"] != 1 or kinds[alarm]["end"] != (ended is not None)
    ]
