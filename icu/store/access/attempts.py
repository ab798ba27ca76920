"""Failed log-ins in a row, by name and by address. They slow the next ones down, on all monitors; nobody is locked out.

An attempt is counted before the password is looked at, so that those that come at once count each other too.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sqlalchemy import text

from icu.store.engines.base import Transaction

# Failures that cost no time.
FREE: Final = 5
# Seconds: after the first failure that costs time, and at most.
SHORTEST_DELAY: Final = 0.25
LONGEST_DELAY: Final = 8.0
# Failures in a row with a line in the audit each.
NOTED: Final = 100
# Milliseconds after which failures are forgotten.
MEMORY: Final = 3_600_000
# Names and addresses that are remembered at most; the latest ones.
MOST: Final = 10_000

_COUNT: Final = text(
    "INSERT INTO login_attempts (subject, failures, last) VALUES (:subject, 1, :now) ON CONFLICT (subject) DO UPDATE"
    " SET failures = CASE WHEN login_attempts.last > :forgotten THEN login_attempts.failures + 1 ELSE 1 END,"
    " last = excluded.last RETURNING failures"
)
_CLEAN: Final = text(
    "DELETE FROM login_attempts WHERE last <= :forgotten"
    " OR subject IN (SELECT subject FROM login_attempts ORDER BY last DESC LIMIT 1000000000 OFFSET :most)"
)
_FORGET: Final = text("DELETE FROM login_attempts WHERE subject = :subject")


def subjects(name: str | None, address: str) -> Sequence[str]:
    """Return what an attempt counts for: the address, and the name if there is one, as hashes."""
    words = [f"address {address}"] if name is None else [f"address {address}", f"name {name}"]
    return [sha256(each.encode("utf-8", "surrogatepass")).hexdigest() for each in words]


def delay_after(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row."""
    # The exponent is bounded: a power of two of many failures is too large for a float.
    return 0.0 if failures < FREE else min(LONGEST_DELAY, SHORTEST_DELAY * 2.0 ** min(failures - FREE, 10))


def is_noted(failures: int) -> bool:
    """Tell if a failure has a line in the audit: the first ones, and then each hundredth. A disk is not filled so."""
    return failures <= NOTED or failures % NOTED == 0


async def count_attempt(transaction: Transaction, counted: Sequence[str], now: int) -> int:
    """Count an attempt as a failure, until `forget_failures`.

    Args:
        transaction: Open transaction.
        counted: See `subjects`.
        now: Milliseconds since 1970 UTC.

    Returns:
        Failures in a row, by the worst of what is counted, this attempt among them.
    """
    forgotten = now - MEMORY
    worst = 0
    for subject in counted:
        [(failures,)] = await transaction.rows(_COUNT, {"subject": subject, "now": now, "forgotten": forgotten})
        worst = max(worst, failures)
    await transaction.execute(_CLEAN, [{"forgotten": forgotten, "most": MOST}])
    return worst


async def forget_failures(transaction: Transaction, counted: Sequence[str]) -> None:
    """Forget the failures: the log-in has succeeded."""
    await transaction.execute(_FORGET, [{"subject": each} for each in counted])
