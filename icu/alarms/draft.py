"""Draft of one step: the episode as it stands, and the changes that led to it."""

from collections.abc import Sequence

from msgspec.structs import replace

from icu.alarms.effects import Change, EventKind, Outcome, Refusal
from icu.alarms.episodes import EndReason, Episode, episode_id
from icu.alarms.inputs import Settings


class Draft:
    """Episode of a condition during a step. Nothing leaves it but its outcome."""

    __slots__ = ("changes", "episode", "refused", "settings", "suppressed")

    def __init__(self, episode: Episode | None, settings: Settings) -> None:
        self.episode = episode
        self.settings = settings
        self.changes: list[Change] = []
        self.suppressed = 0
        self.refused: Refusal | None = None

    @property
    def outcome(self) -> Outcome:
        """Outcome so far."""
        return Outcome(self.episode, tuple(self.changes), self.suppressed, self.refused)

    @property
    def current(self) -> Episode:
        """Open episode. There must be one."""
        assert self.episode is not None  # noqa: S101 - tells mypy, and a reader
        return self.episode

    def open(self, at: int, now: int, onsets: Sequence[int | None], dues: Sequence[int | None]) -> None:
        """Begin an episode, pending from its oldest onset on."""
        settings, name = self.settings, self.settings.rule.condition.name
        onset = min(each for each in onsets if each is not None)
        self.episode = Episode(
            id=episode_id(
                settings.patient, name, at, now, settings.reading, settings.ward_limits, settings.patient_limits
            ),
            patient=settings.patient,
            condition=name,
            onsets=tuple(onsets),
            dues=tuple(dues),
            onset=onset,
            ward_limits=settings.ward_limits,
            patient_limits=settings.patient_limits,
        )
        self.changes.append(Change(self.episode, 0, None))

    def set(self, event: EventKind | None, **fields: object) -> None:
        """Change fields of the open episode."""
        old = self.current
        self.episode = replace(old, version=old.version + 1, **fields)
        self.changes.append(Change(self.episode, old.version, event))

    def end(self, at: int, reason: EndReason, by: str | None = None, *, ceased: int | None = None) -> None:
        """End the open episode, for good. One that never sounded ends without an event."""
        sounded = self.current.seen > 0
        self.set(
            "end" if sounded else None,
            presence="absent",
            signal="off",
            ended=at,
            end_reason=reason,
            ended_by=by,
            ceased=ceased,
            seen=self.current.seen + sounded,
            dues=no_tiers(self.current),
            clearing_due=None,
            reminder_due=None,
            unanswered_due=None,
        )
        self.episode = None


def no_tiers(episode: Episode) -> tuple[None, ...]:
    """Return the onsets or dues of an episode in which no tier is pending."""
    return (None,) * len(episode.onsets)
