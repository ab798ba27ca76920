"""Oracle of alarms: those that stored readings give, where each value beyond a limit is one."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from confluent_kafka.admin import AdminClient

from icu.alarms.limits import ConditionLimits, Limits
from icu.store.commands.door import Author, Desk, Door
from icu.store.decisions.audit import DONE
from icu.store.decisions.limits import insert_limits
from tests.chaos.evidence import values_of

# Seconds inside until an alarm ends.
OFF_DELAY = 0.25
ALARMS = "icu.alarms"

# Milliseconds. Once a partition could not be read for 5 s, deadlines pass without its readings: of times around
# readings that came later than this the oracle says nothing.
LATE, AROUND = 4_000, 1_000


class Episode(NamedTuple):
    """An alarm as stored. Times in milliseconds."""

    identity: str
    onset: int
    raised: int
    ended: int | None


async def set_limits(url: str, limits: Mapping[str, float]) -> None:
    """Make each value beyond a limit an alarm: no delay, no hysteresis, an end within few readings."""

    async def work(desk: Desk) -> None:
        for patient, limit in limits.items():
            sharp = {
                "pulse.high": ConditionLimits({"medium": limit, "high": None}, {"medium": 0}, OFF_DELAY, 0),
                "pulse.low": ConditionLimits({"medium": None, "high": None}),
            }
            await insert_limits(desk.transaction, Limits(1, sharp), patient=UUID(patient), by="Ann", at=desk.now)
            await desk.note(DONE, patient=UUID(patient))

    await Door(url).carry_out("limits", Author("Ann", "test"), work)


def judge(alarms: Sequence[Episode], pulses: Sequence[tuple[int, int, int]], limit: float, *, since: int) -> list[str]:
    """Compare the alarms of a patient with what the stored readings give.

    Args:
        alarms: Those of a high pulse, oldest first.
        pulses: Times, values in hundredths, and ages at the arrival, in milliseconds.
        limit: Highest pulse without an alarm.
        since: Time from which the limit was in force.

    Returns:
        The things that are wrong.
    """
    late = sorted(at for at, _, age in pulses if age > LATE)

    def is_clear(at: int) -> bool:
        return at >= since and bisect_left(late, at - AROUND) == bisect_right(late, at + AROUND)

    beyond = {at for at, pulse, _ in pulses if pulse > limit * 100}
    counts = f"{len(beyond)} of {len(pulses)} readings are beyond it, {len(late)} came late"
    print(f"limit {limit:g}: {counts}, {len(alarms)} alarms")
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
        if each.ended is not None
        and any(each.ended - OFF_DELAY * 1000 < at < each.ended and is_clear(at) for at in beyond)
    ]
    doubled = [
        f"{one} and {other} overlap" for one, other in pairwise(alarms) if one.ended is None or one.ended > other.onset
    ]
    lost = [
        f"the value at {at} is in no alarm"
        for at in beyond
        if is_clear(at) and not any(each.onset <= at <= (each.ended or at) for each in alarms)
    ]
    return [*begun, *early, *ended, *doubled, *lost]


def unpublished(bootstrap: str, stored: Sequence[tuple[str, Any]]) -> list[str]:
    """Find alarms whose events the topic does not have: one start, and an end of each that has ended.

    Args:
        bootstrap: Address of the broker.
        stored: Identities of all alarms that were seen, and the times of their ends.

    Returns:
        The things that are wrong.
    """
    topic = AdminClient({"bootstrap.servers": bootstrap}).list_topics(ALARMS, timeout=10).topics[ALARMS]
    events = values_of(bootstrap, ALARMS, len(topic.partitions))
    pairs = {(each["alarm"], each["version"]): each["event"] for each in events}
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
