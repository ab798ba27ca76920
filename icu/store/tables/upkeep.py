"""Tables of the upkeep: roll-ups of the readings, hours to roll up anew, and how far all that has come.

Times are milliseconds since 1970 UTC. A roll-up holds, for each sign, statistics of the values that nothing is said
of, in hundredths of the sign's unit, and the number of the doubtful ones: those of icu.store.history.buckets, with
sums in place of means, so that roll-ups can be rolled up.
"""

from typing import Final

from sqlalchemy import BigInteger, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from icu.store.tables.base import Base
from icu.vitals.catalogue import SIGNS

# Of the values that nothing is said of: number, sum, least and greatest; and the number of those that are doubtful.
SUMS: Final = ("count", "sum", "min", "max", "flagged")


class MinuteRollUp(Base):
    """Readings of a patient in one minute."""

    __tablename__ = "minute_rollups"
    __table_args__ = ({"sqlite_with_rowid": False},)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    # Its beginning.
    bucket: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class HourRollUp(Base):
    """Readings of a patient in one hour."""

    __tablename__ = "hour_rollups"
    __table_args__ = ({"sqlite_with_rowid": False},)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    # Its beginning.
    bucket: Mapped[int] = mapped_column(BigInteger, primary_key=True)


# Numbers are 0 and the rest NULL where a sign has no value. A sum of an hour may need more than 32 bits.
for _table in (MinuteRollUp, HourRollUp):
    for _sign in SIGNS:
        setattr(_table, f"{_sign.name}_count", mapped_column(Integer, nullable=False))
        setattr(_table, f"{_sign.name}_sum", mapped_column(BigInteger))
        setattr(_table, f"{_sign.name}_min", mapped_column(Integer))
        setattr(_table, f"{_sign.name}_max", mapped_column(Integer))
        setattr(_table, f"{_sign.name}_flagged", mapped_column(Integer, nullable=False))

ROLLUP_COLUMNS: Final = ("patient_id", "bucket", *(f"{each.name}_{part}" for each in SIGNS for part in SUMS))


class LateHour(Base):
    """Hour of a patient that has readings which its roll-ups lack. The transaction that stores them marks it."""

    __tablename__ = "late_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    # Its beginning.
    hour: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class UpkeepState(Base):
    """One row: how far the upkeep has come. Its times are NULL before the first of each."""

    __tablename__ = "upkeep_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Number of transactions of the upkeep. The sink tells its commits by it from those of unknown programs.
    commits: Mapped[int] = mapped_column(BigInteger)
    # Readings before it are marked as late from now on: they are being rolled up, or are so already.
    marked_until: Mapped[int | None] = mapped_column(BigInteger)
    # Readings before it are rolled up, but for the late hours; whole hours in the roll-ups of hours too.
    rolled_until: Mapped[int | None] = mapped_column(BigInteger)
    # Horizons: what lies before them is deleted, or about to be, and is neither served nor stored any more.
    raw_horizon: Mapped[int | None] = mapped_column(BigInteger)
    minute_horizon: Mapped[int | None] = mapped_column(BigInteger)
    hour_horizon: Mapped[int | None] = mapped_column(BigInteger)
    # Last sign of life.
    looked: Mapped[int | None] = mapped_column(BigInteger)
    # Begin of the last backup that was completed.
    backed_up: Mapped[int | None] = mapped_column(BigInteger)
    # Readings before it are not stored any more: the raw horizon moves here once all of them are rolled up.
    refused_until: Mapped[int | None] = mapped_column(BigInteger)
