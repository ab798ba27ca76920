"""The ward's tables in the naive services: mapped by the ORM, with values as they are stored."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Metadata of the tables."""


class Patient(Base):
    """A patient."""

    __tablename__ = "patients"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None]
    interval: Mapped[float | None]


class PatientMetric(Base):
    """A reading: values in hundredths, times in milliseconds."""

    __tablename__ = "patient_metrics"
    __table_args__ = ({"sqlite_with_rowid": False},)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    timestamp: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    pulse: Mapped[int | None]
    resp_rate: Mapped[int | None]
    systolic: Mapped[int | None]
    diastolic: Mapped[int | None]
    spo2: Mapped[int | None]
    temperature: Mapped[int | None]
    lag: Mapped[int]
    map: Mapped[int | None]
    bp_measured_at: Mapped[int | None] = mapped_column(BigInteger)
    quality: Mapped[str | None]
