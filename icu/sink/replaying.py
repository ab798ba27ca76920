"""Replays of dead letters, as people ask for them in the database: between two batches, some in a transaction."""

from typing import Final

from loguru import logger

from icu.messages import Delivery, Implausible, Refusal
from icu.sink.errors import MessageError
from icu.sink.intake import decode_delivery
from icu.sink.telemetry import Telemetry
from icu.store.readings import ObservedRow
from icu.store.writer import Writer
from icu.store.writing.replaying import Replayed

# Letters in one transaction: up to 1.6 MB, which the next batch waits for.
AT_ONCE: Final = 25


class Replays:
    """Replays of one run of the sink. Without commands of people they cost no statement."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        # Number of commands at the last look that found none to replay; None before the first.
        self._looked_at: int | None = None
        # True if there were some at the last look: there may be more.
        self.has_more = False

    def forget(self) -> None:
        """Look anew: the database may be another one."""
        self._looked_at = None

    def is_due(self, writer: Writer) -> bool:
        """Tell if letters may wait for this sink to be replayed: there were commands since the last look."""
        return writer.guard.is_first and writer.commands != self._looked_at

    async def run(self, writer: Writer, now: int) -> None:
        """Replay some letters, if there are any.

        Args:
            writer: Of the open database.
            now: Milliseconds since 1970 UTC.

        Raises:
            StoreError: As Writer.replay. The next call does the same again.
        """
        commands = writer.commands  # before the look: a command during it is looked at again
        self.has_more = await writer.has_replays()
        if self.has_more:
            await self._replay(writer, now)
        else:
            self._looked_at = commands

    async def _replay(self, writer: Writer, now: int) -> None:
        implausible: list[Implausible] = []
        done = await writer.replay(lambda delivery: _decode(delivery, implausible), most=AT_ONCE, now=now)
        if done.outcomes:  # unless they were purged meanwhile
            self._report(done, implausible)

    def _report(self, done: Replayed, implausible: list[Implausible]) -> None:
        self._telemetry.count_replayed(done)
        self._telemetry.count_implausible(implausible)
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in done.counts.items())
        logger.info("dead letters replayed: {}", outcomes)


def _decode(delivery: Delivery, implausible: list[Implausible]) -> ObservedRow | Refusal:
    try:
        return decode_delivery(delivery, implausible)
    except MessageError as exc:
        return Refusal(delivery, exc.reason, exc.detail)
