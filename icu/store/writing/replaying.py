"""Replays of dead letters: their bytes are read again, after a fix, and stored as if they had been read at once.

A replayed reading keeps its own timestamp, and arrived when its record did. It is history: it raises, changes and ends
no alarm, admits nobody to a bed, and renames nobody. For most of them the alarms would decide the same, for they come
after newer readings of their patients.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct
from sqlalchemy import text

from icu.messages import Delivery, Refusal
from icu.store.dead_letters.ids import LetterKey
from icu.store.dead_letters.inserting import MAX_DETAIL
from icu.store.dead_letters.pages import decode_headers
from icu.store.engines.base import Transaction, Values
from icu.store.journal.entries import PatientNews
from icu.store.readings import PATIENT, ObservedRow, ReadingRow, to_rows
from icu.store.rollups.marks import mark_late
from icu.store.upkeep_state import UpkeepState
from icu.store.writing.expired import EXPIRED, places_of_expired
from icu.store.writing.inserting import insert_new
from icu.store.writing.introducing import KnownPatients, introduce

# Outcomes, beside the reasons of refusals.
STORED: Final = "stored"
DUPLICATE: Final = "duplicate"

_ANY: Final = text("SELECT 1 FROM dead_letters WHERE asked IS NOT NULL AND replayed IS NULL LIMIT 1")
_TO_REPLAY: Final = text(
    'SELECT topic, log, partition, "offset", key, value, headers, arrived FROM dead_letters'
    " WHERE asked IS NOT NULL AND replayed IS NULL ORDER BY asked LIMIT :most"
)
_MARK: Final = text(
    "UPDATE dead_letters SET replayed = :replayed, outcome = :outcome, outcome_detail = :detail"
    ' WHERE topic = :topic AND log = :log AND partition = :partition AND "offset" = :offset'
)

# Decodes a delivery into observed values, or the reason why they are none. Never raises for its bytes.
Decode: TypeAlias = Callable[[Delivery], ObservedRow | Refusal]


class Outcome(Struct, frozen=True, gc=False):
    """Outcome of one replay: STORED, DUPLICATE, or the reason of a refusal with its explanation."""

    key: LetterKey
    outcome: str
    detail: str | None = None


class Replayed(Struct, frozen=True):
    """Replays of one transaction, possibly none."""

    outcomes: Sequence[Outcome]
    # All patients, those of the replays among them; and the new ones.
    patients: KnownPatients
    news: Sequence[PatientNews] = ()
    # New readings.
    rows: Sequence[ReadingRow] = ()

    @property
    def counts(self) -> Counter[str]:
        """Number of letters by outcome."""
        return Counter(each.outcome for each in self.outcomes)


class _Letter(Struct, frozen=True, gc=False):
    """Letter that a person wants to be replayed."""

    key: LetterKey
    delivery: Delivery
    # Of the record, in milliseconds since 1970 UTC.
    arrived: int


async def any_to_replay(transaction: Transaction) -> bool:
    """Tell if there are letters that a person wants to be replayed."""
    return bool(await transaction.rows(_ANY))


async def replay_letters(
    transaction: Transaction, decode: Decode, known: KnownPatients, upkeep: UpkeepState, *, most: int, now: int
) -> Replayed:
    """Replay the letters that people asked for first, and mark each with its outcome. No offset moves.

    Args:
        transaction: Open transaction.
        decode: The sink's, as for a delivery.
        known: Patients as they are in the table.
        upkeep: As of this transaction.
        most: The most letters to replay.
        now: Time of the replay, in milliseconds since 1970 UTC.
    """
    letters = [_letter(row) for row in await transaction.rows(_TO_REPLAY, {"most": most})]
    if not letters:
        return Replayed((), known)
    decoded = [(letter, _kept(letter.delivery, decode(letter.delivery), upkeep.refused_until)) for letter in letters]
    refusals = [each for _, each in decoded if isinstance(each, Refusal)]
    readable = [(letter, each) for letter, each in decoded if not isinstance(each, Refusal)]
    strangers = [each for _, each in readable if each[PATIENT] not in known.details]
    patients, news = await introduce(transaction, strangers, known, now, admits=False)
    rows = [row for letter, each in readable for row in to_rows([each], patients.ids, letter.arrived)]
    deliveries = [letter.delivery for letter, _ in readable]
    inserted = await insert_new(transaction, rows, deliveries)
    await mark_late(transaction, inserted.rows, upkeep.marked_until)
    outcomes = _outcomes(letters, [*refusals, *inserted.conflicts], inserted.of_new(deliveries))
    await transaction.execute(_MARK, [_marked(each, now) for each in outcomes])
    return Replayed(outcomes, patients, news, inserted.rows)


def _letter(row: Sequence[Any]) -> _Letter:
    topic, log, partition, offset, key, value, headers, arrived = row
    delivery = Delivery(partition, offset, key, value, decode_headers(headers))
    return _Letter(LetterKey(topic, log, partition, offset), delivery, arrived)


def _kept(delivery: Delivery, decoded: ObservedRow | Refusal, border: int | None) -> ObservedRow | Refusal:
    """Refuse a reading that is older than what is kept: it would be the only one of its time."""
    if isinstance(decoded, Refusal) or not places_of_expired([decoded], border):
        return decoded
    return Refusal(delivery, EXPIRED, "older than the readings that are kept")


def _outcomes(letters: Sequence[_Letter], refusals: Sequence[Refusal], new: Sequence[Delivery]) -> list[Outcome]:
    # By object: records of two logs may have the same place.
    refused = {id(each.delivery): each for each in refusals}
    stored = {id(each) for each in new}
    outcomes = []
    for letter in letters:
        refusal = refused.get(id(letter.delivery))
        if refusal is not None:
            outcomes.append(Outcome(letter.key, refusal.reason, refusal.detail[:MAX_DETAIL]))
        else:
            outcomes.append(Outcome(letter.key, STORED if id(letter.delivery) in stored else DUPLICATE))
    return outcomes


def _marked(outcome: Outcome, now: int) -> Values:
    return {**outcome.key.values, "replayed": now, "outcome": outcome.outcome, "detail": outcome.detail}
