"""Holding a file: against sinks and upkeeps, which remember how far they have come, and against all that write."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from icu.store.engines.sqlite import files
from icu.store.engines.sqlite.connections import BUSY_TIMEOUT_MS
from icu.store.engines.sqlite.translation import translated
from icu.store.errors import StoreInUseError, StoreUnavailableError


@contextmanager
def locked(path: Path, doing: str) -> Iterator[None]:
    """Keep sinks and upkeeps away from the database.

    Args:
        path: The file.
        doing: What is to be done meanwhile, as a verb.

    Raises:
        StoreInUseError: One of them has it.
    """
    with ExitStack() as locks:
        try:
            locks.enter_context(closing(files.lock(path)))
            locks.enter_context(closing(files.lock_for_upkeep(path)))
        except (StoreInUseError, StoreUnavailableError) as exc:
            raise StoreInUseError(
                f"{path} is in use: stop its sink and its upkeep (python -m icu stop sink upkeep), {doing}, and start"
                " them again"
            ) from exc
        yield


@contextmanager
def written_by_nobody(path: Path) -> Iterator[None]:
    """Keep all programs from writing, by a transaction that writes nothing. Blocks.

    Raises:
        StoreUnavailableError: Another one did not stop writing in time.
    """
    with translated(path):
        # Not bound to a thread: it is opened in one that waits, and closed wherever the work ends.
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1_000,
            isolation_level=None,
            check_same_thread=False,
        )
    with closing(connection):
        with translated(path):
            connection.execute("BEGIN IMMEDIATE")
        yield
