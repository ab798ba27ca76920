"""Faults: what befalls whom and when, all drawn from one seed."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import NamedTuple, Protocol, TypeAlias


class Victim(Protocol):
    """A process that can be treated badly."""

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def stop(self) -> None: ...
    def suspend(self) -> None: ...
    def resume(self) -> None: ...


# Does something bad to a victim and mends it.
Fault: TypeAlias = Callable[[Victim, Random], None]


class Lot(NamedTuple):
    """What may befall one victim, and between how many and how many seconds it is left in peace."""

    victim: Victim
    faults: Sequence[Fault]
    peace: tuple[float, float]


class Happening(NamedTuple):
    """A fault that was, in seconds since 1970."""

    victim: str
    fault: str
    began: float
    ended: float


def kill(victim: Victim, random: Random) -> None:
    """kill -9, and a new start."""
    victim.kill()
    time.sleep(random.uniform(0, 2))
    victim.start()


def suspend(victim: Victim, random: Random) -> None:
    """SIGSTOP, and SIGCONT."""
    victim.suspend()
    time.sleep(random.uniform(0.5, 6))
    victim.resume()


def freeze(victim: Victim, random: Random) -> None:
    """SIGSTOP for longer than anybody waits for an answer, and SIGCONT: what was given up is done all the same."""
    victim.suspend()
    time.sleep(random.uniform(10.5, 12))
    victim.resume()


def stop(victim: Victim, random: Random) -> None:
    """SIGTERM, and a new start."""
    victim.stop()
    time.sleep(random.uniform(0, 2))
    victim.start()


def storm(lots: Mapping[str, Lot], *, seed: int, seconds: float) -> list[Happening]:
    """Let everybody's faults come, each after another, until the time is up and all are mended again."""
    end = time.monotonic() + seconds

    def torment(name: str) -> list[Happening]:
        random = Random(f"{seed} {name}")
        happenings = []
        time.sleep(random.uniform(*lots[name].peace))
        while time.monotonic() < end:
            fault = random.choice(lots[name].faults)
            began = time.time()
            fault(lots[name].victim, random)
            happenings.append(Happening(name, fault.__name__, began, time.time()))
            time.sleep(random.uniform(*lots[name].peace))
        return happenings

    with ThreadPoolExecutor(len(lots)) as threads:
        return sorted(
            (each for found in threads.map(torment, lots) for each in found), key=lambda happening: happening.began
        )
