"""Open episodes under other circumstances: changed limits, and a changed clock of the sender.

Changed limits judge the last value again, if it is valid and not stale. Now inside: the alarm ends; but one of high
priority that nobody acknowledged ends by limits of its own patient only, never by the ward's, and a latched one stays.
Now beyond: pending from now on. They raise nothing from a value that is too old for a timer.
"""

from icu.alarms.draft import Draft, no_tiers
from icu.alarms.inputs import LimitsChanged, Rebased
from icu.alarms.raising import begin, follow, note_worst, ripen


def relimit(draft: Draft, event: LimitsChanged) -> None:
    """Judge the last value by other limits."""
    episode = draft.episode
    if event.tier is None or (episode is not None and episode.blind_since is not None):
        return
    if event.tier < 0:
        _end_inside(draft, event)
        return
    if episode is None or episode.presence == "absent":
        begin(draft, event.at, event.now, event.tier)
    elif episode.presence == "clearing":
        draft.set("update", presence="present", clearing_since=None, clearing_due=None)
    _take_delays(draft)
    follow(draft, event.at, event.tier)
    note_worst(draft, event.value)
    if event.at < event.fresh_until:
        # Else a delay that was over meanwhile waits for the next value, as with a timer.
        ripen(draft, event.at, event.now, event.value)


def rebase(draft: Draft, event: Rebased) -> None:
    """Move the times of an episode to the sender's new clock. What is left of its deadlines stays."""
    episode = draft.episode
    if episode is None:
        return
    shift = event.shift
    draft.set(
        "update" if episode.seen else None,
        onsets=tuple(None if each is None else each + shift for each in episode.onsets),
        dues=tuple(None if each is None else each + shift for each in episode.dues),
        onset=episode.onset + shift,
        clearing_since=_moved(episode.clearing_since, shift),
        clearing_due=_moved(episode.clearing_due, shift),
        blind_since=_moved(episode.blind_since, shift),
        raised=_moved(episode.raised, shift),
        ceased=_moved(episode.ceased, shift),
        last_valid_at=_moved(episode.last_valid_at, shift),
    )


def _end_inside(draft: Draft, event: LimitsChanged) -> None:
    episode = draft.episode
    if episode is None or episode.presence == "absent":
        return
    if episode.presence == "pending":
        if episode.signal != "latched":
            draft.end(event.at, "limits changed", event.by)
        else:
            nothing = no_tiers(episode)
            draft.set(None, presence="absent", onsets=nothing, dues=nothing)
    elif event.own or episode.priority != "high" or episode.signal == "acknowledged":
        draft.end(event.at, "limits changed", event.by, ceased=event.at)


def _take_delays(draft: Draft) -> None:
    """Give pending tiers their new delays, from their own onsets on."""
    episode = draft.current
    dues = tuple(
        None if due is None or onset is None else onset + delay + episode.blind_total
        for onset, due, delay in zip(episode.onsets, episode.dues, draft.settings.rule.delays, strict=True)
    )
    if dues != episode.dues:
        draft.set(None, dues=dues)


def _moved(time: int | None, shift: int) -> int | None:
    return None if time is None else time + shift
