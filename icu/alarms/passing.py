"""Time that passes: deadlines on the sender's clock, and those of people and of silence on the server's."""

from collections.abc import Iterator

from icu.alarms.bands import INFINITE
from icu.alarms.conditions import BP_OLD, CONDITIONS, DATA_STALE, UNAVAILABLE
from icu.alarms.effects import Effects
from icu.alarms.episodes import Episode
from icu.alarms.inputs import Elapsed, Resumed
from icu.alarms.judging import judge_cuff, judge_sight, report
from icu.alarms.sample import NUMBER
from icu.alarms.watch import BACKLOG_END, STALE_MEDIUM, Due, Watch, bp_old_from, stale_tier


def tick(watch: Watch, now: int, effects: Effects) -> None:
    """Pass the deadlines up to a time of the server.

    Not beyond the time up to which the patient's partition is read: readings come first.

    Args:
        watch: The patient's, changed in place.
        now: Server's time.
        effects: Effects to add to.
    """
    if watch.silent and now < watch.arrived + BACKLOG_END:
        return
    watch.silent = False
    _end_silences(watch, now, effects)
    if not watch.bed.is_watched:
        return
    at = watch.event_time(now)
    if watch.event_at >= 0:
        advance(watch, at, now, effects)
        watch.looked_at = max(watch.looked_at, at)
    for name, episode in list(watch.episodes.items()):
        watch.apply(CONDITIONS[name], _elapsed(watch, episode, at, now), effects)
    tier = stale_tier(watch, now)
    if tier >= 0:
        report(watch, DATA_STALE, tier, now, effects, at)
        judge_sight(watch, watch.looked_at, now, effects)


def sound_unheard(watch: Watch, now: int, effects: Effects) -> None:
    """Sound alarms of a backlog that a live reading has not judged: those of a cuff, which measures once in a while."""
    for name, episode in list(watch.episodes.items()):
        if is_unheard(episode):
            watch.apply(CONDITIONS[name], _elapsed(watch, episode, watch.event_at, now), effects)


def is_unheard(episode: Episode) -> bool:
    """Tell if an alarm of a backlog is present, and must sound with the next reading."""
    return episode.presence == "present" and episode.signal == "off"


def advance(watch: Watch, until: int, now: int, effects: Effects) -> None:
    """Pass the deadlines on the sender's clock up to a time, each at its own, while the last values are fresh."""
    last = min(until, watch.fresh_until - 1)
    while (due := min(deadlines(watch), default=last + 1)) <= last:
        at = watch.looked_at = max(watch.looked_at, due)
        for name, episode in list(watch.episodes.items()):
            if any(each <= at for each in _own(episode)):
                watch.apply(CONDITIONS[name], _elapsed(watch, episode, at, now), effects)
        judge_sight(watch, at, now, effects)
        judge_cuff(watch, at, now, effects)


def deadlines(watch: Watch) -> Iterator[int]:
    """Return the times on the sender's clock at which something changes without a reading."""
    for episode in watch.episodes.values():
        yield from _own(episode)
    for condition in UNAVAILABLE:
        window = watch.windows.get(condition.name)
        if window is not None and (window.since is not None or condition.name in watch.episodes):
            change = window.next_change(watch.looked_at, watch.interval, len(condition.tiers))
            if change is not None:
                yield change
    old_from = bp_old_from(watch)
    if old_from is not None and BP_OLD.name not in watch.episodes:
        yield old_from


def due(watch: Watch) -> Due:
    """Return the next tick of a patient. All INFINITE: only a reading or a command changes anything."""
    bed = watch.bed
    if bed.standby is not None:
        return Due(bed.standby.until, INFINITE)
    if bed.admitted is None:
        return Due(INFINITE, INFINITE)
    if watch.silent:
        return Due(INFINITE, BACKLOG_END)
    stale = watch.episodes.get(DATA_STALE.name)
    fixed, own = min(_deadlines_of_server(watch), default=INFINITE), min(_ahead(watch), default=INFINITE)
    if stale is None:
        return Due(fixed, watch.stale_after, own)
    medium = watch.live_at + watch.stale_after + STALE_MEDIUM if stale.tier < 1 else INFINITE
    return Due(min(fixed, medium), INFINITE, own)


def _deadlines_of_server(watch: Watch) -> Iterator[int]:
    if watch.bed.paused is not None:
        yield watch.bed.paused.until
    yield from (shelf.until for shelf in watch.bed.shelves.values())
    for episode in watch.episodes.values():
        yield from _of_people(episode)


def _ahead(watch: Watch) -> Iterator[int]:
    """Return the deadlines on the sender's clock for which a tick is needed."""
    fresh_until, looked_at = watch.fresh_until, watch.looked_at
    for each in deadlines(watch):
        # One at which the values are too old is due once: readings until then may make them new enough.
        if each < fresh_until or each > looked_at:
            yield each


def _of_people(episode: Episode) -> Iterator[int]:
    if episode.inhibition == "shelved" and episode.shelved is not None:
        yield episode.shelved.until
    if episode.signal == "acknowledged" and episode.presence == "present" and episode.reminder_due is not None:
        yield episode.reminder_due
    if episode.signal == "on" and episode.unanswered_due is not None:
        yield episode.unanswered_due


def _own(episode: Episode) -> Iterator[int]:
    """Return the deadlines of an episode on the sender's clock. Blind time holds them up."""
    if episode.blind_since is None:
        yield from (each for each in episode.dues if each is not None)
        if episode.clearing_due is not None:
            yield episode.clearing_due


def _elapsed(watch: Watch, episode: Episode, at: int, now: int) -> Elapsed:
    condition = episode.definition
    value = None
    if condition.direction is not None and watch.sample is not None:
        value = watch.sample.valid[NUMBER[condition.sign.name]]
    return Elapsed(at, now, watch.fresh_until, value)


def _end_silences(watch: Watch, now: int, effects: Effects) -> None:
    """End the pause, the standby and the shelves of a bed whose time is over."""
    bed = watch.bed
    if bed.standby is not None and now >= bed.standby.until:
        watch.set_bed(effects, standby=None, watched_from=watch.event_at + 1, watched_since=now)
        watch.live_at = now
    if bed.paused is not None and now >= bed.paused.until:
        watch.set_bed(effects, paused=None)
        for name in list(watch.episodes):
            watch.apply(CONDITIONS[name], Resumed(now), effects)
    left = {name: shelf for name, shelf in watch.bed.shelves.items() if now < shelf.until}
    if len(left) < len(watch.bed.shelves):
        watch.set_bed(effects, shelves=left)
