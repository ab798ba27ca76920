"""Tables of `db copy`: in the target, the copy and how far it has come. They are empty in any other database."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from icu.store.tables.base import Base


class DatabaseCopy(Base):
    """One row: the copy that this database is. As long as it is unfinished, programs refuse the database."""

    __tablename__ = "copies"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Name of the source in messages, and its generation.
    source: Mapped[str]
    generation: Mapped[int] = mapped_column(BigInteger)
    # icu.store.copying.state of the source when it began: it must not change until the end.
    state: Mapped[str]
    # Milliseconds since 1970 UTC.
    began: Mapped[int] = mapped_column(BigInteger)
    # NULL until it is complete.
    finished: Mapped[int | None] = mapped_column(BigInteger)


class CopyProgress(Base):
    """Table that is copied chunk by chunk. It moves in the transaction that stores the chunk, so it is the truth."""

    __tablename__ = "copy_progress"

    # Of the table.
    name: Mapped[str] = mapped_column(primary_key=True)
    # Primary key of the last copied row, as a JSON array; NULL before the first.
    after: Mapped[str | None]
    # Rows, and the sum of their checksums: icu.store.copying.shapes.digest.
    count: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[int] = mapped_column(BigInteger)
    # True once all rows are copied.
    complete: Mapped[bool]
