"""Seconds without records of partitions that sinks share, when one of three is killed, restarted, frozen or joins.

Each sink is a process that reads as ours does, and says by lines which partitions it had records of, and when. A record
goes to each partition ten times a second.
"""

import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from threading import Thread

import anyio
from aiokafka import AIOKafkaProducer

from icu.bootstrap.process import run
from icu.config.settings import Kafka
from icu.messages import Position
from icu.transports.errors import ReassignedError
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.transport import KafkaTransport
from tests.benchmarks.kafka_topics import new_topic
from tests.brokers import Broker

PARTITIONS = 6
# Longer than the session of 6 s.
FREEZE = 13.0
# Seconds of each case, and before it.
CASE = 20.0
BEFORE = 4.0


class Ward:
    """Sinks of a topic by name, and the times at which each partition had records."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._place = (bootstrap, topic)
        self.sinks: dict[str, subprocess.Popen[str]] = {}
        self.seen: defaultdict[int, list[float]] = defaultdict(list)
        self.owners: dict[int, str] = {}

    def start(self, name: str) -> None:
        """Start a sink."""
        words = [sys.executable, "-m", "tests.benchmarks.kafka_sharing", *self._place, name]
        self.sinks[name] = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
        Thread(target=self._listen, args=(name, self.sinks[name]), daemon=True).start()

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a sink."""
        self.sinks[name].send_signal(number)

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            for partition in map(int, line.split()):
                self.seen[partition].append(time.monotonic())
                self.owners[partition] = name

    def gap(self, partitions: set[int], since: float) -> float:
        """Return the longest time without records of one of these partitions."""
        return max((_longest(self.seen[each], since) for each in partitions), default=0.0)


def main(broker: Broker) -> None:
    """Print the longest gaps (goals: 8 s for the partitions of the dead, 5 s where it is restarted, 2 s for others)."""
    cases: dict[str, Callable[[Ward], None]] = {
        "kill -9": _kill,
        "kill -9, restarted after 1 s": _restart,
        "SIGTERM": partial(Ward.send, name="c", number=signal.SIGTERM),
        f"SIGSTOP {FREEZE:g} s": _freeze,
        "a fourth joins": partial(Ward.start, name="d"),
    }
    for title, fault in cases.items():
        with new_topic(broker) as topic, _ward(broker, topic) as ward:
            theirs = {each for each, owner in ward.owners.items() if owner == "c"}
            began = time.monotonic()
            fault(ward)
            time.sleep(max(0.0, began + CASE - time.monotonic()))
            gaps = ward.gap(theirs, began), ward.gap(set(ward.owners) - theirs, began)
            print(f"{title:30} {gaps[0]:5.1f} / {gaps[1]:5.1f} s  partitions of the third / of the others")


def _kill(ward: Ward) -> None:
    ward.send("c", signal.SIGKILL)


def _restart(ward: Ward) -> None:
    ward.send("c", signal.SIGKILL)
    time.sleep(1)
    ward.start("c")


def _freeze(ward: Ward) -> None:
    ward.send("c", signal.SIGSTOP)
    time.sleep(FREEZE)
    ward.send("c", signal.SIGCONT)


@contextmanager
def _ward(broker: Broker, topic: str) -> Iterator[Ward]:
    """Run three sinks, and a producer, and wait until all partitions have had records for a while."""
    ward = Ward(broker.bootstrap, topic)
    ended = anyio.Event()
    producer = Thread(target=anyio.run, args=(_produce, broker.bootstrap, topic, ended), daemon=True)
    producer.start()
    for name in "abc":
        ward.start(name)
    try:
        while set(ward.owners.values()) != {"a", "b", "c"} or len(ward.owners) < PARTITIONS:
            time.sleep(0.1)
        time.sleep(BEFORE)
        yield ward
    finally:
        ended.set()
        for each in ward.sinks.values():
            each.kill()
            each.wait()
        producer.join()


async def _produce(bootstrap: str, topic: str, ended: anyio.Event) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        while not ended.is_set():
            for partition in range(PARTITIONS):
                await producer.send(topic, b"x", partition=partition)
            await anyio.sleep(0.1)
    finally:
        await producer.stop()


async def _read(bootstrap: str, topic: str, name: str) -> None:
    """Read as the sink does; begin with the records that come from now on, since there is no database."""
    transport = KafkaTransport(Brokers(Kafka(bootstrap_servers=bootstrap)), topic=topic, partitions=PARTITIONS)
    stored: dict[int, Position] = {}
    async with transport.consumer(name) as consumer:
        while True:
            with suppress(ReassignedError):
                await consumer.join()
                await consumer.assign(stored)
                while True:
                    batches = await consumer.fetch(max_records=5_000, linger=0, max_wait=1)
                    if batches:
                        print(*(each.partition for each in batches), flush=True)
                    stored |= {each.partition: each.position for each in batches}


def _longest(seen: list[float], since: float) -> float:
    times = [since, *(each for each in seen if each > since), time.monotonic()]
    return max(later - earlier for earlier, later in pairwise(times))


if __name__ == "__main__":
    run(partial(_read, *sys.argv[1:]))
