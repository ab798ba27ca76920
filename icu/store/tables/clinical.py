"""Tables of the clinical engine: beds, alarms, limits, what people commanded, and the sink's heartbeat.

Times are milliseconds since 1970 UTC. Texts of structured values are JSON.
"""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from icu.store.tables.base import Base

# Numbers that the database gives. SQLite numbers a key by itself only if its type is INTEGER.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


class BedState(Base):
    """Bed of a patient, and what people decided about it: icu.alarms.episodes.BedState."""

    __tablename__ = "bed_states"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    # Raised by each change.
    version: Mapped[int]
    # NULL after the discharge.
    admitted: Mapped[int | None] = mapped_column(BigInteger)
    # Newest reading when the patient was discharged, in the sender's time.
    discharged_at: Mapped[int | None] = mapped_column(BigInteger)
    # NULL after the discharge. NULLs are distinct, so labels are unique among the admitted.
    bed: Mapped[str | None] = mapped_column(String(16), unique=True)
    # NULL unless the alarms are paused. A pause that is over may still stand here.
    paused_until: Mapped[int | None] = mapped_column(BigInteger)
    paused_by: Mapped[str | None]
    # Milliseconds that were granted.
    paused_length: Mapped[int | None] = mapped_column(BigInteger)
    # Highest priority that sounded when it began; NULL if nothing did.
    paused_highest: Mapped[str | None]
    # NULL unless the bed is in standby.
    standby_since: Mapped[int | None] = mapped_column(BigInteger)
    standby_until: Mapped[int | None] = mapped_column(BigInteger)
    standby_by: Mapped[str | None]
    standby_length: Mapped[int | None] = mapped_column(BigInteger)
    # Server's time at which the sender's clock was last set back; NULL if it never was.
    clock_set_at: Mapped[int | None] = mapped_column(BigInteger)
    # Sender's time from which it is watched again, after a standby or a discharge.
    watched_from: Mapped[int | None] = mapped_column(BigInteger)
    # Server's time of that, where no reading was the reason.
    watched_since: Mapped[int | None] = mapped_column(BigInteger)
    # Names of the signs that the patient had, as a JSON array.
    had: Mapped[str]
    # Shelves by the name of a condition whose episode has ended, as JSON.
    shelves: Mapped[str]


class Alarm(Base):
    """Episode of a condition: icu.alarms.episodes.Episode."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index(
            "alarms_open",
            "patient_id",
            "condition",
            unique=True,
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
        Index("alarms_by_patient", "patient_id", "onset"),
        Index("alarms_by_time", "onset"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    # NULL for the ward's own alarm, `ward.blind`.
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.id"))
    condition: Mapped[str]
    # Of the condition and its raised tier, so that statistics need no catalogue.
    kind: Mapped[str]
    priority: Mapped[str]
    version: Mapped[int]
    presence: Mapped[str]
    signal: Mapped[str]
    inhibition: Mapped[str]
    tier: Mapped[int]
    # JSON arrays, by tier.
    onsets: Mapped[str]
    dues: Mapped[str]
    clearing_since: Mapped[int | None] = mapped_column(BigInteger)
    clearing_due: Mapped[int | None] = mapped_column(BigInteger)
    blind_since: Mapped[int | None] = mapped_column(BigInteger)
    blind_total: Mapped[int] = mapped_column(BigInteger)
    onset: Mapped[int] = mapped_column(BigInteger)
    # NULL until it was an alarm.
    raised: Mapped[int | None] = mapped_column(BigInteger)
    # End of the condition itself. A latched alarm is open beyond it.
    ceased: Mapped[int | None] = mapped_column(BigInteger)
    # NULL while it is open.
    ended: Mapped[int | None] = mapped_column(BigInteger)
    end_reason: Mapped[str | None]
    ended_by: Mapped[str | None]
    # Hundredths of the sign's unit.
    value: Mapped[int | None]
    limit_value: Mapped[int | None]
    worst: Mapped[int | None]
    # Versions of the limits that it was compared with.
    ward_limits: Mapped[int]
    patient_limits: Mapped[int]
    last_valid_at: Mapped[int | None] = mapped_column(BigInteger)
    late: Mapped[bool]
    repeats: Mapped[int]
    # First heard, in the server's time; NULL before.
    sounded: Mapped[int | None] = mapped_column(BigInteger)
    seen: Mapped[int]
    acknowledged_at: Mapped[int | None] = mapped_column(BigInteger)
    acknowledged_by: Mapped[str | None]
    acknowledged_why: Mapped[str | None]
    reminder_due: Mapped[int | None] = mapped_column(BigInteger)
    unanswered_due: Mapped[int | None] = mapped_column(BigInteger)
    unanswered: Mapped[bool]
    shelved_until: Mapped[int | None] = mapped_column(BigInteger)
    shelved_by: Mapped[str | None]
    shelved_why: Mapped[str | None]
    # Milliseconds that were granted.
    shelved_length: Mapped[int | None] = mapped_column(BigInteger)


class LimitVersion(Base):
    """Limits of the ward, or a patient's. The newest version of a scope holds; older ones are kept."""

    __tablename__ = "limits"

    # `ward`, or the patient's uuid.
    scope: Mapped[str] = mapped_column(String(36), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    # icu.alarms.limits.Limits.conditions, as JSON.
    conditions: Mapped[str]
    by: Mapped[str]
    at: Mapped[int] = mapped_column(BigInteger)


class News2Input(Base):
    """Inputs of NEWS2 that no monitor measures. The newest of a patient hold; older ones are kept for trends."""

    __tablename__ = "news2_inputs"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # True on supplemental oxygen.
    oxygen: Mapped[bool]
    # ACVPU: alert, confusion, voice, pain or unresponsive.
    consciousness: Mapped[str]
    # Scale of SpO2: 1 or 2.
    scale: Mapped[int]
    by: Mapped[str]


class AlarmCount(Base):
    """Sums of one patient and hour that episodes do not show."""

    __tablename__ = "alarm_counts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    # Its beginning.
    hour: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    # suppressed_by_delay, monitored or flagged; or, in the hour 0, counted: the sender's time up to which monitored and
    # flagged are, and counted_from: the time from which they are, of a patient who was heard before.
    kind: Mapped[str] = mapped_column(primary_key=True)
    # Condition of suppressed_by_delay, field of flagged; empty otherwise.
    subject: Mapped[str] = mapped_column(primary_key=True)
    # A number; of monitored and flagged, milliseconds.
    amount: Mapped[int] = mapped_column(BigInteger)


class OutboxEntry(Base):
    """Event of an alarm to be published, written in the transaction that changed the alarm."""

    __tablename__ = "outbox"
    # Numbers of published entries, which are deleted, are not given again.
    __table_args__ = ({"sqlite_autoincrement": True},)

    sequence: Mapped[int] = mapped_column(_NUMBER, primary_key=True)
    # Id of the alarm.
    alarm: Mapped[str] = mapped_column(String(36))
    # Of the alarm: consumers drop pairs of alarm and version that they have seen.
    version: Mapped[int]
    # start, continue, update, escalate or end.
    event: Mapped[str]
    # The alarm as JSON.
    payload: Mapped[str]
    # Milliseconds since 1970; NULL for events that an older program wrote.
    written: Mapped[int | None] = mapped_column(BigInteger)


class AuditEntry(Base):
    """Command of a person, and its result. Rows are only ever added."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_by_patient", "patient_uuid", "id"),)

    id: Mapped[int] = mapped_column(_NUMBER, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    # Name as typed: nobody has checked it.
    by: Mapped[str]
    # Address of the client.
    source: Mapped[str]
    command: Mapped[str]
    # NULL if the command is about the ward.
    patient_uuid: Mapped[str | None] = mapped_column(String(36))
    # Id of the alarm; NULL if the command is about none.
    alarm: Mapped[str | None] = mapped_column(String(36))
    # Parts of the state that the command is about, as JSON; NULL where there was none.
    before: Mapped[str | None]
    after: Mapped[str | None]
    # done, unchanged, or the reason of the refusal.
    result: Mapped[str]


class CommandCount(Base):
    """One row: number of commands that were carried out. The sink reads it, and all else only after it has risen."""

    __tablename__ = "command_count"

    id: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class Heartbeat(Base):
    """Last sign of life of a topic's sink."""

    __tablename__ = "heartbeats"

    topic: Mapped[str] = mapped_column(primary_key=True)
    # Name of the sink among those of the topic; empty where there is one.
    member: Mapped[str] = mapped_column(primary_key=True)
    # Number of its process: a later one under the same name has another.
    run: Mapped[int] = mapped_column(BigInteger)
    # Partitions that it reads, as a JSON array; NULL where it shares them with nobody.
    partitions: Mapped[str | None]
    # Number of times that others took patients from it.
    taken: Mapped[int] = mapped_column(BigInteger)
    # 0 before the first one.
    at: Mapped[int] = mapped_column(BigInteger)
    # Records of its partitions that are not fetched yet.
    lag: Mapped[int] = mapped_column(BigInteger)
    # Why no record can be read; NULL while some can.
    away: Mapped[str | None]
    # NULL while some can.
    away_since: Mapped[int | None] = mapped_column(BigInteger)
    # Why some records cannot be read or sent; NULL while all can.
    degraded: Mapped[str | None]
    # Arrival of the last records whose offsets were moved; NULL before the first.
    committed: Mapped[int | None] = mapped_column(BigInteger)
    # Arrival of the last stored readings; NULL before the first.
    stored: Mapped[int | None] = mapped_column(BigInteger)


class AlarmOwner(Base):
    """Sink that evaluates the alarms of a patient, where several share the database: see icu.store.alarms.owners."""

    __tablename__ = "alarm_owners"
    __table_args__ = (Index("alarm_owners_by_partition", "partition"),)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    # Of the sink's heartbeat.
    run: Mapped[int] = mapped_column(BigInteger)
    # Partition from which the sink got the patient, or 0. Whoever reads it next takes the patient over.
    partition: Mapped[int]
