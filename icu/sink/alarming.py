"""Alarms beside the sink's loop: loaded at the start, told of commands of people, and ticked at the next deadline."""

from collections.abc import Callable, Container, Iterable, Mapping
from math import inf
from typing import Final

import anyio

from icu.alarms.effects import Effects
from icu.sink.alarm_figures import AlarmFigures
from icu.sink.clock import Clock
from icu.sink.heartbeat import Heart
from icu.sink.unread import Unread
from icu.sink.watching import Watching, load
from icu.store.errors import OwnersChangedError, StoreError, VersionConflictError
from icu.store.writer import Writer
from icu.store.writing.requests import WriteRequest, WriteResult

# Seconds between two looks at the number of commands: each is in force within a second.
COMMANDS_EVERY: Final = 0.4

# Seconds between two looks at the times for the statistics. Those that are due go along with a sign of life: a batch in
# which nothing changes has no statement for them.
TIMES_EVERY: Final = 10.0

# Seconds that a fetch waits at least, where deadlines wait for unread readings.
_LEAST_WAIT: Final = 0.05

# Attempts where commands change what is being evaluated.
_ATTEMPTS: Final = 5


class Alarms:
    """Engine of alarms of one run of the sink.

    Args:
        clock: Server's time.
        heart: Its heartbeat goes along with each transaction: by it others tell the sink's commits from foreign ones.
        figures: Receives counts, and the next deadline.
        notify: Called where there may be events of alarms to be published, beside those that `write` returns.
    """

    def __init__(self, clock: Clock, heart: Heart, figures: AlarmFigures, notify: Callable[[], None]) -> None:
        self._clock = clock
        self._heart = heart
        self._figures = figures
        self._notify = notify
        # None where all has to be loaded first.
        self._watching: Watching | None = None
        # True after a transaction that failed, and may have been committed.
        self._outdated = False
        self._unread = Unread()
        # Time up to which silence was held the last time.
        self._held_at = -inf
        # On the event loop's clock.
        self._looked_at = -COMMANDS_EVERY
        self._times_due_at = 0.0

    def forget(self) -> None:
        """Load everything anew at the next resumption: the database may be another one, or have changed otherwise."""
        self._watching = None

    async def resume(self, writer: Writer, partitions: Iterable[int]) -> None:
        """Begin, or go on after an outage.

        Args:
            writer: Of the open database.
            partitions: Those that are read from now on.
        """
        if self._watching is None:
            await self._load(writer)
        else:
            self._hold_silence(self._watching)
            await self._take_over(writer)
        self._unread.begin(partitions, self._clock.now(), others=writer.guard.is_shared)

    async def write(self, writer: Writer, request: WriteRequest, arrived: int) -> WriteResult:
        """Store a request with the alarms that its readings raise, change and end. See Writer.write."""
        for _ in range(_ATTEMPTS):
            self._loaded.forget(writer.guard.take_lost())
            try:
                await self._prepare(writer)
                return await self._write(writer, request, arrived)
            except OwnersChangedError:
                continue
            except VersionConflictError:
                if not await self._take_commands(writer):
                    # Nobody's command: the database is right.
                    self._outdated = True
        raise VersionConflictError("alarms were changed while they were evaluated, again and again")

    def max_wait(self, longest: float) -> float:
        """Return the seconds, `longest` at most, until the next deadline or the next look at commands."""
        wait = min(longest, max(0.0, self._looked_at + COMMANDS_EVERY - anyio.current_time()))
        due = self._loaded.due
        return wait if due is None else min(wait, max(_LEAST_WAIT, (due - self._clock.now()) / 1000))

    def note_read(self, read_until: Mapping[int, float], fetched: Container[int]) -> None:
        """Note how far the topic is read: later deadlines wait, for it may hold readings that come before them.

        Args:
            read_until: Times of the partitions, as Consumer.read_until has them, in milliseconds since 1970 UTC.
            fetched: Partitions whose readings have just been written.
        """
        self._unread.note(read_until, fetched, self._clock.now())

    async def look(self, writer: Writer) -> None:
        """Take commands of people, and pass the deadlines up to now, where it is time.

        Raises:
            StoreError: As Writer.write_effects. The next call does the same again.
        """
        if not self._is_time:
            return
        self._looked_at = anyio.current_time()
        for _ in range(_ATTEMPTS):
            self._loaded.forget(writer.guard.take_lost())
            try:
                await self._take_commands(writer)
                await self._prepare(writer)
                await self._tick(writer)
            except (VersionConflictError, OwnersChangedError):
                continue  # a command came in between, or another sink
            else:
                if writer.guard.is_shared:
                    self._notify()  # of events of other sinks
                return
        await self._load(writer)

    @property
    def _is_time(self) -> bool:
        due = self._loaded.due
        is_due = due is not None and due <= self._clock.now()
        return is_due or anyio.current_time() >= self._looked_at + COMMANDS_EVERY

    async def _write(self, writer: Writer, request: WriteRequest, arrived: int) -> WriteResult:
        watching, beat = self._loaded, self._heart.due_with_batch()
        watching.begin()
        result = await writer.write(request, arrived=arrived, beat=beat, evaluator=watching)
        if beat is not None:
            self._heart.note_written(beat)
        self._figures.count(watching.effects)
        watching.install()
        return result

    async def _prepare(self, writer: Writer) -> None:
        if self._outdated:
            await self._load(writer)
        await self._follow_clock(writer)

    async def _tick(self, writer: Writer) -> None:
        """Pass the deadlines."""
        watching, now = self._loaded, self._clock.now()
        watching.begin()
        watching.tick(now)
        await self._save_with_times(writer, watching)
        self._figures.note_look(watching.due, now)

    async def _take_commands(self, writer: Writer) -> bool:
        """Take what commands of people have changed. Tell if there were any."""
        watching = self._loaded
        found = await writer.commanded(watching.mark)
        if found is not None:
            watching.begin()
            watching.command(found, self._clock.now())
            await self._save(writer, watching)
            self._notify()  # of those of the commands
        return found is not None

    async def _follow_clock(self, writer: Writer) -> None:
        """Follow a jump of the server's clock, before anything is compared with it."""
        jump = self._clock.jump
        if jump:
            watching = self._loaded
            watching.begin()
            watching.shift(jump, self._clock.now())
            await self._save(writer, watching)
            self._clock.accept(jump)

    async def _save_with_times(self, writer: Writer, watching: Watching) -> None:
        """Store the effects of a tick, and the times for the statistics where it is time."""
        is_due = anyio.current_time() >= self._times_due_at
        if is_due:
            watching.store_times()
        await self._save(writer, watching)
        if is_due:
            self._times_due_at = anyio.current_time() + TIMES_EVERY

    async def _save(self, writer: Writer, watching: Watching) -> None:
        """Store the effects of an evaluation, if there are any, and take it over."""
        await self._store(writer, watching.effects)
        watching.install()

    async def _store(self, writer: Writer, effects: Effects) -> None:
        if effects:
            beat = self._heart.beat()
            try:
                await writer.write_effects(effects, beat)
            except (VersionConflictError, OwnersChangedError):
                raise
            except StoreError:
                self._outdated = True
                raise
            self._heart.note_written(beat)
            self._figures.count(effects)
            self._notify()

    def _hold_silence(self, watching: Watching) -> None:
        """Leave the time since the topic was read last out of the silence of this sink's patients, once."""
        now = self._clock.now()
        watching.hold_silence(max(self._unread.until, self._held_at), now)
        self._held_at = now

    async def _take_over(self, writer: Writer) -> None:
        """Read back the patients that this sink has got since, and forget those that others have."""
        if writer.guard.is_shared:
            watching = self._loaded
            watching.forget(writer.guard.take_lost())
            others, effects = await load(writer, self._unread, self._clock.now(), known=watching.watches.keys())
            await self._store(writer, effects)
            watching.adopt(others.watches)

    async def _load(self, writer: Writer) -> None:
        writer.guard.take_lost()
        now = self._clock.now()
        watching, effects = await load(writer, self._unread, now)
        await self._store(writer, effects)
        self._notify()  # of those of commands that were loaded
        self._watching, self._outdated, self._held_at = watching, False, now
        self._figures.begin(watching.episodes)

    @property
    def _loaded(self) -> Watching:
        assert self._watching is not None  # noqa: S101 - the loop resumes before all else
        return self._watching
