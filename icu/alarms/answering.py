"""Answers of people to an alarm, and the ends of their silences."""

from icu.alarms.defaults import REMINDER
from icu.alarms.draft import Draft
from icu.alarms.effects import Refusal
from icu.alarms.episodes import Acknowledgement, Episode, Shelf
from icu.alarms.inputs import Acknowledge, Paused, Resumed, Shelve
from icu.alarms.raising import sound


def acknowledge(draft: Draft, command: Acknowledge) -> None:
    """Acknowledge an alarm: it is silent, and sounds again as a reminder. A latched one ends.

    One that is acknowledged already stays as it is, with the name of the first, whatever the author saw.
    """
    episode = draft.episode
    if episode is not None and episode.signal == "acknowledged":
        return
    draft.refused = _refusal(episode, command.seen)
    if draft.refused is None:
        given = Acknowledgement(command.by, command.now, command.why)
        if draft.current.signal == "latched":
            _end_latched(draft, given)
        else:
            draft.set(
                "update",
                signal="acknowledged",
                acknowledged=given,
                reminder_due=command.now + REMINDER if _reminds(draft.current) else None,
                unanswered_due=None,
            )


def shelve(draft: Draft, command: Shelve) -> None:
    """Silence an alarm for a while. High ones, and those that say that nobody is watched, cannot be shelved."""
    episode = draft.episode
    draft.refused = _refusal(episode, command.seen)
    if draft.refused is None and (draft.current.priority == "high" or not draft.current.definition.shelvable):
        draft.refused = "not to be shelved"
    if draft.refused is None:
        shelf = Shelf(command.now + command.length, command.by, command.why, command.length)
        draft.set("update", inhibition="shelved", shelved=shelf, unanswered_due=None)


def pause(draft: Draft, _: Paused) -> None:
    """Silence an alarm that sounds until the pause of its bed is over."""
    if draft.episode is not None and draft.episode.is_audible:
        draft.set("update", inhibition="paused", unanswered_due=None)


def resume(draft: Draft, event: Resumed) -> None:
    """End the silence of a pause."""
    if draft.episode is not None and draft.episode.inhibition == "paused":
        _sound_again(draft, event.now)


def look_at_people(draft: Draft, now: int) -> None:
    """Pass the deadlines of people, in the server's time: shelf, reminder, unanswered."""
    episode = draft.current
    if episode.shelved is not None and episode.inhibition == "shelved" and now >= episode.shelved.until:
        _sound_again(draft, now)
    elif episode.signal == "acknowledged" and episode.presence == "present" and _is_due(episode.reminder_due, now):
        draft.set("continue", **sound(draft, now, episode.tier))
    elif episode.signal == "on" and _is_due(episode.unanswered_due, now):
        draft.set("escalate", unanswered=True, unanswered_due=None)


def _sound_again(draft: Draft, now: int) -> None:
    """Make what is present sound, unacknowledged; a latched high alarm sounds as before."""
    episode = draft.current
    if episode.presence in {"present", "clearing"} and episode.signal != "off":
        draft.set("continue", **sound(draft, now, episode.tier, inhibited=False))
    else:
        draft.set("update", inhibition="none", shelved=None)


def _end_latched(draft: Draft, given: Acknowledgement) -> None:
    latched = draft.current
    draft.set(None, acknowledged=given)
    draft.end(given.at, "acknowledged", given.by, ceased=latched.ceased)
    if latched.presence == "pending":
        # Its identity is its own: another alarm, if its delay ends.
        draft.open(min(each for each in latched.onsets if each is not None), given.at, latched.onsets, latched.dues)
        draft.set(None, blind_since=latched.blind_since, blind_total=latched.blind_total)


def _refusal(episode: Episode | None, seen: int) -> Refusal | None:
    if episode is None or not episode.is_open:
        return "ended"
    if episode.signal == "off":
        return "not raised"
    return None if episode.seen == seen else "seen before"


def _reminds(episode: Episode) -> bool:
    """Technical alarms of low priority do not remind."""
    return not (episode.definition.kind == "technical" and episode.priority == "low")


def _is_due(due: int | None, now: int) -> bool:
    return due is not None and due <= now
