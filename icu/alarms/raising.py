"""Raising: onsets and delays of tiers, and the sound of an alarm."""

from typing import Any

from icu.alarms.conditions import URGENCY, Priority
from icu.alarms.defaults import LONGEST_FREEZE, UNANSWERED
from icu.alarms.draft import Draft
from icu.alarms.effects import EventKind
from icu.alarms.episodes import Inhibition, Shelf


def begin(draft: Draft, at: int, now: int, tier: int) -> None:
    """Start the delays of all tiers up to this one: in a new episode, or in the latched one, which goes on."""
    rule = draft.settings.rule
    onsets = [at if number <= tier and _is_on(draft, number) else None for number in range(len(rule.delays))]
    dues = [None if onset is None else onset + delay for onset, delay in zip(onsets, rule.delays, strict=True)]
    if draft.episode is None:
        draft.open(at, now, onsets, dues)
    else:
        draft.set(None, presence="pending", onsets=tuple(onsets), dues=tuple(dues), blind_since=None, blind_total=0)


def follow(draft: Draft, at: int, tier: int) -> None:
    """Start the delays of tiers up to this one, and clear those of worse tiers. Those that run go on."""
    episode, delays = draft.current, draft.settings.rule.delays
    raised = episode.tier if episode.presence != "pending" else -1
    onsets, dues = list(episode.onsets), list(episode.dues)
    for number in range(raised + 1, len(delays)):
        if number > tier or not _is_on(draft, number):
            onsets[number] = dues[number] = None
        elif onsets[number] is None:
            onsets[number], dues[number] = at, at + delays[number]
    if tuple(onsets) != episode.onsets or tuple(dues) != episode.dues:
        fresh = all(due is None for due in episode.dues)
        draft.set(None, onsets=tuple(onsets), dues=tuple(dues), blind_total=0 if fresh else episode.blind_total)


def drop_worse(draft: Draft, tier: int) -> None:
    """Clear the delays that run of all tiers worse than this one."""
    episode, kept = draft.current, tier + 1
    if any(due is not None for due in episode.dues[kept:]):
        none = (None,) * len(episode.dues[kept:])
        draft.set(None, onsets=episode.onsets[:kept] + none, dues=episode.dues[:kept] + none)


def ripen(draft: Draft, at: int, now: int, value: int | None) -> None:
    """Raise the worst tier whose delay is over at a time."""
    ripe = [number for number, due in enumerate(draft.current.dues) if due is not None and due <= at]
    if ripe:
        _raise(draft, ripe[-1], at, now, value)


def note_worst(draft: Draft, value: int | None) -> None:
    """Keep the value that is furthest beyond the limit."""
    if value is not None and draft.settings.rule.is_worse(value, draft.current.worst):
        draft.set(None, worst=value)


def see_again(draft: Draft, at: int) -> None:
    """End a blind time: what it held up goes on. A pending alarm is held up for LONGEST_FREEZE in all."""
    episode = draft.current
    if episode.blind_since is None:
        return
    blind = at - episode.blind_since
    shown = episode.presence != "pending" and episode.seen
    moved = min(blind, LONGEST_FREEZE - episode.blind_total)
    draft.set(
        "update" if shown else None,
        blind_since=None,
        last_valid_at=None,
        # Not before now: no deadline passes unseen.
        dues=tuple(None if due is None else max(at, due + moved) for due in episode.dues),
        blind_total=episode.blind_total + moved,
        # A monitor that sees nothing clears nothing, however long.
        clearing_due=None if episode.clearing_due is None else max(at, episode.clearing_due + blind),
    )


def surface(draft: Draft, now: int, at: int) -> None:
    """Sound what a backlog has raised in silence and is present still."""
    if draft.episode is None or draft.settings.silent:
        return
    if draft.episode.presence == "present" and draft.episode.signal == "off":
        event: EventKind = "continue" if draft.episode.seen else "start"
        raised = draft.episode.raised if draft.episode.seen else max(at, draft.episode.onset)
        draft.set(event, raised=raised, **sound(draft, now, draft.episode.tier))


def sound(draft: Draft, now: int, tier: int, *, inhibited: bool = True) -> dict[str, Any]:
    """Return the fields of an alarm that sounds from now on, at this tier.

    Args:
        draft: The alarm.
        now: Server's time.
        tier: The tier.
        inhibited: False if a silence has just ended: none counts.
    """
    priority = draft.settings.rule.condition.tiers[tier].priority
    unanswered = UNANSWERED.get(priority)
    episode, heard = draft.current, draft.current.sounded
    # A shelf is that of the priority that it was given to: a worse one ends it.
    shelf = episode.shelved if episode.shelved is not None and tier == episode.tier else draft.settings.shelf
    inhibition = _inhibition(draft, now, priority, shelf) if inhibited else "none"
    return {
        "signal": "on",
        "sounded": now if heard is None and inhibition == "none" else heard,
        "seen": episode.seen + 1,
        "inhibition": inhibition,
        "shelved": shelf if inhibition == "shelved" else None,
        "unanswered": False,
        # What nobody can hear, nobody can answer.
        "unanswered_due": None if unanswered is None or inhibition != "none" else now + unanswered,
        "reminder_due": None,
    }


def _raise(draft: Draft, tier: int, at: int, now: int, value: int | None) -> None:
    """Make the alarm present at a tier, or at the one that it has, if that is worse."""
    episode, settings = draft.current, draft.settings
    again: EventKind = "continue" if episode.seen else "start"
    event: EventKind | None = again if episode.presence == "pending" else "escalate"
    worst = max(tier, episode.tier)
    dues = tuple(None if number <= worst else due for number, due in enumerate(episode.dues))
    fields: dict[str, Any] = {
        "presence": "present",
        "tier": worst,
        "dues": dues,
        "raised": at if episode.raised is None else episode.raised,
        "repeats": episode.repeats + (episode.signal == "latched"),
        "ceased": None,
        "value": value,
        "limit": settings.rule.limit_of(tier),
        "ward_limits": settings.ward_limits,
        "patient_limits": settings.patient_limits,
    }
    if settings.silent:
        event = None
        # What sounds already goes on; all else waits for the end of the backlog.
        fields.update(late=True, signal="on" if episode.signal == "on" else "off")
    else:
        fields.update(sound(draft, now, worst))
    draft.set(event, **fields)


def _is_on(draft: Draft, tier: int) -> bool:
    bounds = draft.settings.rule.bounds
    return not bounds or bounds[tier] is not None


def _inhibition(draft: Draft, now: int, priority: Priority, shelf: Shelf | None) -> Inhibition:
    """Tell if an alarm that is raised now is silent. A high one never is."""
    if priority == "high":
        return "none"
    pause = draft.settings.pause
    if shelf is not None and now < shelf.until:
        return "shelved"
    if pause is None or now >= pause.until:
        return "none"
    higher = pause.highest is not None and URGENCY[priority] > URGENCY[pause.highest]
    return "none" if higher else "paused"
