"""The stage: a broker and all roles around it, in one folder; and the search for leftovers."""

import fcntl
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from icu.transports.kafka.consumer import GROUP
from tests.brokers import ApacheKafka
from tests.chaos import naive_sink
from tests.chaos.actors import Actor, role
from tests.chaos.evidence import PARTITIONS, STAMPED, committed_of, count, ends_of, stored
from tests.chaos.invariants import Recovery
from tests.ports import free_ports
from tests.processes import TIMEOUT

TOPIC = "icu.chaos"
PATIENTS = ("Anna", "Boris", "Иван Петров")

# Seconds after which a sink that stores nothing is left to the next fault.
LONG = 10.0

SETTINGS = """
metrics_interval = 0.1
[log]
level = "DEBUG"
[transport]
topic = "{topic}"
[kafka]
bootstrap_servers = "{bootstrap}"
[database]
url = "sqlite:///icu.db"
"""


class Stage:
    """The actors and their broker, all running."""

    def __init__(self, broker: ApacheKafka, folder: Path, *, naive: bool = False) -> None:
        self.broker = broker
        self.database = folder / "icu.db"
        self.recoveries: list[Recovery] = []
        self.group = naive_sink.GROUP if naive else GROUP
        settings = folder / "icu.toml"
        settings.write_text(SETTINGS.format(topic=TOPIC, bootstrap=broker.bootstrap))
        self._folder = folder
        self._ports = free_ports(len(PATIENTS) + 2)
        sink_port, monitor_port, *others = self._ports
        self.patients = [
            role(f"patient-{number}", ["patient", "--name", name], settings, port)
            for number, (name, port) in enumerate(zip(PATIENTS, others, strict=True), start=1)
        ]
        words = [sys.executable, naive_sink.__file__, broker.bootstrap, TOPIC, str(self.database)]
        self.sink = Actor("sink", words, folder) if naive else role("sink", ["sink"], settings, sink_port)
        self.monitor = role("monitor", ["monitor"], settings, monitor_port)

    @property
    def actors(self) -> list[Actor]:
        """All actors, without the broker."""
        return [*self.patients, self.sink, self.monitor]

    @property
    def logs(self) -> list[Path]:
        """The logs of all runs."""
        return [log for actor in self.actors for log in actor.logs]

    def kill_sink(self) -> None:
        """Kill the sink with -9, start it again at once, and measure the time until the next row."""
        self.sink.kill()
        at, rows = time.time(), count(self.database)
        self.sink.start()
        while count(self.database) <= rows and time.time() < at + LONG:
            time.sleep(0.02)
        seconds = time.time() - at
        self.recoveries.append(Recovery(at, seconds, self.sink.starved()))

    def is_drained(self) -> bool:
        """Check that the sink has stored, or at least committed, all records of the log."""
        ends = ends_of(self.broker.bootstrap, TOPIC)
        offsets = stored(self.database).offsets or self.committed()
        return offsets == ends

    def committed(self) -> dict[int, int]:
        """Return the offsets that the sink has committed to the broker."""
        return committed_of(self.broker.bootstrap, TOPIC, self.group)

    def remains(self) -> list[str]:
        """Find processes, ports and locks that outlive the actors."""
        return left_of(self._folder, self._ports)


@contextmanager
def raised(broker: ApacheKafka, folder: Path, *, naive: bool = False) -> Iterator[Stage]:
    """Start all actors, and end them at the end."""
    broker.start()
    broker.create_topic(TOPIC, PARTITIONS, STAMPED)
    stage = Stage(broker, folder, naive=naive)
    try:
        for actor in stage.actors:
            actor.start()
        until(lambda: count(stage.database) > 0, "nothing was stored")
        yield stage
    finally:
        for actor in stage.actors:
            actor.clear()


def left_of(folder: Path, ports: Iterable[int]) -> list[str]:
    """Find processes and locks of a folder, and ports, that are still there."""
    processes = [
        f"process {each.info['cmdline']}"
        for each in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in each.info["cmdline"] or ())
    ]
    taken = [f"port {port}" for port in ports if _is_taken(port)]
    locks = [path.name for path in folder.glob("*.lock") if _is_held(path)]
    return [*processes, *taken, *locks]


def until(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def _is_taken(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _is_held(path: Path) -> bool:
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
