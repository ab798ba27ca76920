"""Faults: kind, victim and time are drawn from one seed."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random
from threading import Event
from typing import NamedTuple, Protocol, TypeAlias


class Victim(Protocol):
    """A process that faults can be applied to."""

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def stop(self) -> None: ...
    def suspend(self) -> None: ...
    def resume(self) -> None: ...


# Does something bad to a victim and mends it.
Fault: TypeAlias = Callable[[Victim, Random], None]


class Lot(NamedTuple):
    """Possible faults of one victim, and the range of seconds between two of them."""

    victim: Victim
    faults: Sequence[Fault]
    peace: tuple[float, float]


class Happening(NamedTuple):
    """A fault that happened; times in seconds since 1970."""

    victim: str
    fault: str
    began: float
    ended: float


def kill(victim: Victim, random: Random) -> None:
    """Send SIGKILL, and start the process again."""
    victim.kill()
    time.sleep(random.uniform(0, 2))
    victim.start()


def suspend(victim: Victim, random: Random) -> None:
    """Send SIGSTOP, and SIGCONT."""
    victim.suspend()
    time.sleep(random.uniform(0.5, 6))
    victim.resume()


def freeze(victim: Victim, random: Random) -> None:
    """Send SIGSTOP for longer than any client waits for an answer, then SIGCONT: abandoned requests are still carried
    out."""
    victim.suspend()
    time.sleep(random.uniform(10.5, 12))
    victim.resume()


def stop(victim: Victim, random: Random) -> None:
    """Send SIGTERM, and start the process again."""
    victim.stop()
    time.sleep(random.uniform(0, 2))
    victim.start()


def within(seconds: float) -> Callable[[], bool]:
    """Return a check that holds from now on for some seconds."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def so_many(faults: int) -> Callable[[], bool]:
    """Return a check that holds so many times."""
    counted = count()
    return lambda: next(counted) < faults


def storm(lots: Mapping[str, Lot], *, seed: int, goes_on: Callable[[], bool]) -> list[Happening]:
    """Apply the faults of all victims, one after the other for each, as long as it goes on and until all run again.

    When it goes on no more, nobody waits for the end of a peace.

    Args:
        lots: Victims by their names.
        seed: Of all that is drawn.
        goes_on: Asked before each fault.
    """
    over = Event()

    def torment(name: str) -> list[Happening]:
        random = Random(f"{seed} {name}")
        happenings = []
        while not over.wait(random.uniform(*lots[name].peace)) and goes_on():
            fault = random.choice(lots[name].faults)
            began = time.time()
            fault(lots[name].victim, random)
            happenings.append(Happening(name, fault.__name__, began, time.time()))
        over.set()
        return happenings

    with ThreadPoolExecutor(len(lots)) as threads:
        return sorted(
            (each for found in threads.map(torment, lots) for each in found), key=lambda happening: happening.began
        )
