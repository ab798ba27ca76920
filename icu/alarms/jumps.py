"""Jumps of the server's clock: what runs in its time keeps the length that is left."""

from typing import Any, TypeVar

from msgspec.structs import replace

from icu.alarms.ages import Ages
from icu.alarms.effects import Change, Effects
from icu.alarms.episodes import Episode, Pause, Shelf, Standby
from icu.alarms.watch import Watch

_Silence = TypeVar("_Silence", Pause, Standby, Shelf)

# Fields of an episode in the server's time.
_DUES = ("reminder_due", "unanswered_due")


def shift(watch: Watch, by: int, now: int, effects: Effects) -> None:
    """Move a patient's times of the server: nothing ends because of the jump, and nothing lasts longer.

    Args:
        watch: The patient's, changed in place.
        by: Milliseconds by which the clock was set forward; negative if it was set back.
        now: Server's time after it.
        effects: Effects to add to.
    """
    watch.live_at += by
    if watch.arrived >= 0:
        watch.arrived += by
    watch.ages = None if watch.ages is None else _shifted_ages(watch.ages, by)
    bed = watch.bed
    if bed.paused is not None or bed.standby is not None or bed.shelves:
        watch.set_bed(
            effects,
            paused=bed.paused and _moved(bed.paused, by, now),
            standby=bed.standby and _moved(bed.standby, by, now),
            shelves={name: _moved(shelf, by, now) for name, shelf in bed.shelves.items()},
        )
    for name, episode in list(watch.episodes.items()):
        fields = _fields(episode, by, now)
        if fields:
            changed = replace(episode, version=episode.version + 1, **fields)
            effects.changes.append(Change(changed, episode.version, None))
            watch.episodes[name] = changed


def _fields(episode: Episode, by: int, now: int) -> dict[str, Any]:
    dues: dict[str, Any] = {name: getattr(episode, name) for name in _DUES}
    fields = {name: due + by for name, due in dues.items() if due is not None}
    return fields if episode.shelved is None else {**fields, "shelved": _moved(episode.shelved, by, now)}


def _moved(silence: _Silence, by: int, now: int) -> _Silence:
    # One that was granted after the jump is not to be longer.
    return replace(silence, until=min(silence.until + by, now + silence.length))


def _shifted_ages(ages: Ages, by: int) -> Ages:
    before = None if ages.before is None else ages.before + by
    return Ages(ages.since + by, ages.until + by, ages.running + by, before)
