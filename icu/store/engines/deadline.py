"""Protection of statements and transactions from cancellation.

A cancelled transaction hangs the interpreter's exit, and may have been committed all the same; a cancelled statement
leaks its connection. So they are shielded, with a deadline.
"""

from contextlib import AbstractContextManager
from typing import Final

from anyio import CancelScope, fail_after

# Seconds: longer than an engine waits for locks, and less than the sink's grace at shutdown (7 s), so that none is ever
# cut.
TRANSACTION_DEADLINE: Final = 5.0


def uncut() -> AbstractContextManager[CancelScope]:
    """Not to be cancelled, but for its deadline."""
    return fail_after(TRANSACTION_DEADLINE, shield=True)
