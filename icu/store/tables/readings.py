"""Tables of patients and readings, offsets, dead letters and the journal.

Values are integers: a reading takes 40 to 50 bytes, and hundredths are returned exactly as they were sent.

Times are milliseconds since 1970 UTC, signs are hundredths of their unit. `patient_metrics` is clustered by patient
and time (WITHOUT ROWID), so that a day of one patient is one range read; with a rowid a reading took half as much
again. It takes 40 bytes as the brief has it, 44 with a mean pressure, 49 with the time of that too.
"""

from typing import Final

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from icu.store.tables.base import Base
from icu.vitals.catalogue import SIGNS


class Patient(Base):
    """Patient of at least one record on the topic."""

    __tablename__ = "patients"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str | None]
    # Seconds between two observations, as stated by the sender.
    interval: Mapped[float | None]
    metrics: Mapped[list["PatientMetric"]] = relationship(back_populates="patient")


class PatientMetric(Base):
    """Reading: one stored set of vital signs. The name is the brief's."""

    __tablename__ = "patient_metrics"
    __table_args__ = ({"sqlite_with_rowid": False},)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    # Milliseconds since 1970.
    timestamp: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # Arrival at the sink minus timestamp, milliseconds: negative where the sender's clock is ahead.
    lag: Mapped[int] = mapped_column(BigInteger)
    # Milliseconds since 1970; NULL if it is the timestamp.
    bp_measured_at: Mapped[int | None] = mapped_column(BigInteger)
    # icu.messages.Quality as JSON; NULL if no sign is doubtful.
    quality: Mapped[str | None]
    patient: Mapped[Patient] = relationship(back_populates="metrics")


# Hundredths of the sign's unit. From the catalogue, so that a new sign is a column without a line here.
for _sign in SIGNS:
    setattr(PatientMetric, _sign.name, mapped_column(Integer))

# Columns of a reading, in the order of icu.store.readings.ReadingRow: signs as in the catalogue, and at the end the
# columns that are mostly NULL. Statements name them: a database has another order, and a newer one has more columns.
COLUMNS: Final = ("patient_id", "timestamp", "lag", *(each.name for each in SIGNS), "bp_measured_at", "quality")


class ConsumerOffset(Base):
    """Stored position of each partition. It moves in the transaction that stores the readings, so it is the truth."""

    __tablename__ = "consumer_offsets"

    topic: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True)
    # Number of logs that this partition has had: a broker may lose its disk, and each in-memory run has a new log.
    log: Mapped[int]
    # Offset of the next record.
    next: Mapped[int] = mapped_column(BigInteger)
    # Identity of the log: see icu.messages.Position.
    mark: Mapped[str]


class DeadLetter(Base):
    """Record that could not be stored, with its bytes and the reason."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        # The order of lists, the newest first, and its end; with `replayed`, which lists may ask for.
        Index("dead_letters_by_arrival", "arrived", "topic", "log", "partition", "offset", "replayed"),
        Index("dead_letters_by_reason", "reason", "arrived", "topic", "log", "partition", "offset", "replayed"),
        # Those that the sink is to replay: few, and looked for after each command of people.
        Index("dead_letters_to_replay", "asked", sqlite_where=text("asked IS NOT NULL AND replayed IS NULL")),
    )

    topic: Mapped[str] = mapped_column(primary_key=True)
    log: Mapped[int] = mapped_column(primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reason: Mapped[str]
    detail: Mapped[str]
    key: Mapped[bytes | None] = mapped_column(LargeBinary)
    # At most its first 64 KiB.
    value: Mapped[bytes | None] = mapped_column(LargeBinary)
    # Bytes of the whole value.
    size: Mapped[int]
    # MessagePack list of [name, value].
    headers: Mapped[bytes | None] = mapped_column(LargeBinary)
    # Milliseconds since 1970.
    arrived: Mapped[int] = mapped_column(BigInteger)
    # When a person asked for a replay, and the name as typed; NULL if nobody did.
    asked: Mapped[int | None] = mapped_column(BigInteger)
    asked_by: Mapped[str | None]
    # When the sink replayed it; NULL before.
    replayed: Mapped[int | None] = mapped_column(BigInteger)
    # stored, duplicate, or the reason of the new refusal; and the explanation of that.
    outcome: Mapped[str | None]
    outcome_detail: Mapped[str | None]


class JournalEntry(Base):
    """Readings of one transaction, for live streams to follow and resume; the oldest are dropped."""

    __tablename__ = "journal"

    batch: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)


class JournalEnd(Base):
    """One row: number of the journal's newest batch, NULL before the first.

    The last statements of a transaction raise it. Parallel writers take turns from there to the commit, so numbers
    appear in their order, and followers of the journal miss none.
    """

    __tablename__ = "journal_end"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch: Mapped[int | None] = mapped_column(BigInteger)


class Readers(Base):
    """One row: the oldest version of the tables whose programs may read the present ones."""

    __tablename__ = "readers"

    id: Mapped[int] = mapped_column(primary_key=True)
    readable_from: Mapped[str]
