"""The state machine of one condition of one patient: `step(episode, event, settings) -> outcome`. Pure.

Three regions, orthogonal to each other:

    presence    absent -> pending -> present(tier) -> clearing -> absent
    signal      off -> on -> acknowledged | latched -> off
    inhibition  none | shelved | paused

| from | event [guard] | to |
|---|---|---|
| absent | Judged [beyond a tier] | pending, each tier with its own onset; present at once if a delay is 0 |
| pending | Judged [inside all tiers] | absent, counted as suppressed |
| pending | Judged [better tier, still beyond] | pending: the better tier's onset stays, the worse one's is cleared |
| pending | Blind | pending, held up: dues move by the blind time, 30 s in all at most |
| pending | Judged, Elapsed [a delay is over] | present, signal on; a latched episode goes on, repeats + 1 |
| present | Judged, Elapsed [a worse tier's delay is over] | present(tier up), on, also if acknowledged or shelved |
| present | Judged [better tier, still beyond] | present: the priority stays |
| present | Judged [inside by the hysteresis] | clearing |
| clearing | Judged [not inside by the hysteresis] | present |
| clearing | Judged, Elapsed [off-delay over] | absent: ended; latched if the tier latches and nobody acknowledged it |
| present, clearing | Blind | the same, with the time of the last valid value; the off-delay stands still |
| pending | Held | absent: a worse condition stands in for it |
| clearing | Held | present |
| on | Acknowledge | acknowledged, with a reminder |
| latched | Acknowledge | ended; what is pending beside it stays, in an episode of its own |
| acknowledged | Elapsed [reminder due, present] | on; not for a technical one of low priority |
| on | Elapsed [unanswered for too long] | on, unanswered: an escalation event |
| any but high | Shelve | shelved: evaluated in silence; a worse tier ends it |
| on, latched | Paused | paused |
| paused, shelved | Resumed, Elapsed [over] | none; what is still present: on, unacknowledged |
| any | LimitsChanged | judged again: see `icu.alarms.relimiting` |
| any | Rebased | the same, its times moved to the sender's new clock |
| any | Stopped | ended |

A timer raises or ends nothing once the last value is too old (`Elapsed.fresh_until`), nor while the sign is blind. In a
backlog (`Settings.silent`) alarms are raised with signal off; the first event after it makes what is present sound.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from icu.alarms.answering import acknowledge, look_at_people, pause, resume, shelve
from icu.alarms.draft import Draft, no_tiers
from icu.alarms.effects import Outcome
from icu.alarms.episodes import Episode
from icu.alarms.inputs import (
    Acknowledge,
    Blind,
    Elapsed,
    Held,
    Input,
    Judged,
    LimitsChanged,
    Paused,
    Rebased,
    Resumed,
    Settings,
    Shelve,
    Stopped,
)
from icu.alarms.raising import begin, drop_worse, follow, note_worst, ripen, see_again, surface
from icu.alarms.relimiting import rebase, relimit


def step(episode: Episode | None, event: Input, settings: Settings) -> Outcome:
    """Apply an event to the open episode of a condition.

    Args:
        episode: Open episode. None: there is none.
        event: Reading, time or command.
        settings: Limits of the condition, and what is silenced.
    """
    draft = Draft(episode, settings)
    _STEPS[type(event)](draft, event)
    return draft.outcome


def _judge(draft: Draft, event: Judged) -> None:
    episode = draft.episode
    if episode is None or episode.presence == "absent":
        if event.tier >= 0:
            begin(draft, event.at, event.now, event.tier)
            note_worst(draft, event.value)
            ripen(draft, event.at, event.now, event.value)
        return
    see_again(draft, event.at)
    if episode.presence == "pending":
        _judge_pending(draft, event)
    else:
        _judge_raised(draft, event)
        surface(draft, event.now, event.at)


def _judge_pending(draft: Draft, event: Judged) -> None:
    if event.tier < 0:
        draft.suppressed += 1
        _forget(draft, event.at)
        return
    follow(draft, event.at, event.tier)
    note_worst(draft, event.value)
    ripen(draft, event.at, event.now, event.value)


def _judge_raised(draft: Draft, event: Judged) -> None:
    if event.inside:
        _judge_inside(draft, event.at)
        return
    if draft.current.presence == "clearing":
        _stay(draft)
    follow(draft, event.at, event.tier)
    note_worst(draft, event.value)
    ripen(draft, event.at, event.now, event.value)


def _stay(draft: Draft) -> None:
    """Make what was about to end present again."""
    draft.set("update" if draft.current.seen else None, presence="present", clearing_since=None, clearing_due=None)


def _judge_inside(draft: Draft, at: int) -> None:
    episode = draft.current
    if episode.presence == "present":
        due = at + draft.settings.rule.off_delay
        nothing = no_tiers(episode)
        draft.set(
            "update" if episode.seen else None,
            presence="clearing",
            clearing_since=at,
            clearing_due=due,
            onsets=nothing,
            dues=nothing,
        )
    _end_cleared(draft, at)


def _end_cleared(draft: Draft, at: int) -> None:
    """End what has been inside for the off-delay, or keep it latched."""
    episode = draft.current
    due = episode.clearing_due
    if due is None or due > at:
        return
    if not episode.definition.tiers[episode.tier].latching or episode.signal == "acknowledged":
        draft.end(due, "itself", ceased=due)
        return
    draft.set(
        "update" if episode.seen else "start",
        presence="absent",
        signal="latched",
        # What a backlog has raised and ended was seen by nobody: from now on it is shown.
        seen=episode.seen or 1,
        ceased=due,
        clearing_since=None,
        clearing_due=None,
        unanswered_due=None,
    )


def _forget(draft: Draft, at: int) -> None:
    """End what is pending. A latched alarm beside it stays."""
    if draft.current.signal != "latched":
        draft.end(at, "suppressed")
        return
    nothing = no_tiers(draft.current)
    draft.set(None, presence="absent", onsets=nothing, dues=nothing)


def _lose_sight(draft: Draft, event: Blind) -> None:
    episode = draft.episode
    if episode is None or episode.presence == "absent" or episode.blind_since is not None:
        return
    shown = episode.presence != "pending" and episode.seen
    draft.set("update" if shown else None, blind_since=event.at, last_valid_at=event.last_valid_at)


def _hold(draft: Draft, event: Held) -> None:
    episode = draft.episode
    if episode is not None and episode.presence == "pending":
        _forget(draft, event.at)
    elif episode is not None and episode.presence == "clearing":
        _stay(draft)


def _elapse(draft: Draft, event: Elapsed) -> None:
    episode = draft.episode
    if episode is None:
        return
    if episode.blind_since is None:
        _pass_deadlines(draft, event)
    if draft.episode is not None:
        surface(draft, event.now, event.at)
        look_at_people(draft, event.now)


def _pass_deadlines(draft: Draft, event: Elapsed) -> None:
    """Pass each deadline at its own time, the earliest first, so that a late tick changes nothing."""
    last = min(event.at, event.fresh_until - 1)
    rule = draft.settings.rule
    while (due := _first_due(draft, last)) is not None:
        if rule.bounds and event.value is not None:
            # Limits that were changed when no value could be judged: those it is inside of wait for the next value.
            drop_worse(draft, rule.tier_of(event.value))
        ripen(draft, due, event.now, event.value)
    if draft.episode is not None and draft.episode.presence == "clearing":
        _end_cleared(draft, last)


def _first_due(draft: Draft, last: int) -> int | None:
    """Return the first deadline of a tier up to a time. None: there is none."""
    if draft.episode is None:
        return None
    return min((due for due in draft.episode.dues if due is not None and due <= last), default=None)


def _stop(draft: Draft, event: Stopped) -> None:
    if draft.episode is not None:
        draft.end(event.at, event.reason, event.by)


_STEPS: Final[Mapping[type, Callable[[Draft, Any], None]]] = {
    Judged: _judge,
    Blind: _lose_sight,
    Held: _hold,
    Elapsed: _elapse,
    Acknowledge: acknowledge,
    Shelve: shelve,
    Paused: pause,
    Resumed: resume,
    LimitsChanged: relimit,
    Rebased: rebase,
    Stopped: _stop,
}
