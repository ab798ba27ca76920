"""A hospital on many hosts: Kafka and PostgreSQL, three sinks, two monitors behind nginx, and patients."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from tests import postgres, web
from tests.brokers import ApacheKafka, own_kafka
from tests.chaos.actors import Actor, role
from tests.chaos.evidence import PARTITIONS, Key, ends_of
from tests.hosts.network import SUBNET, Host, hosts
from tests.nginx import start_for_monitors
from tests.processes import running

TOPIC: Final = "icu.hosts"
PATIENTS: Final = ("Anna", "Boris", "Cem", "Dora", "Elif", "Иван Петров")
NAME: Final = "ward.example"
# Each host has ports of its own: programs may have the same ones.
PORT: Final = 8000
# Seconds until a step of a whole hospital on one machine has certainly failed.
TIMEOUT: Final = 180.0

SETTINGS: Final = """
metrics_interval = 0.2
[log]
level = "DEBUG"
[transport]
kind = "kafka"
topic = "{topic}"
[kafka]
bootstrap_servers = "{bootstrap}"
[database]
url = "{url}"
[api]
hosts = ["{name}"]
trusted_proxies = ["{proxy}"]
keys_file = "keys.txt"
"""


class Placed(Actor):
    """An actor on a host."""

    def __init__(self, host: Host, name: str, words: list[str], settings: Path) -> None:
        made = role(name, words, settings, PORT)
        super().__init__(name, made._words, settings.parent, port=PORT)
        self.host = host

    def start(self) -> None:
        """Start the next run, on its host."""
        with self.host.inside():
            super().start()

    def is_ready(self) -> bool:
        """Check if the role reports that it is ready, asked on its own host."""
        with self.host.inside():
            return super().is_ready()


class Hospital:
    """All programs, each on its host.

    Args:
        places: Hosts: of the data, of three sinks, of two monitors, of nginx, and of each patient.
        broker: Kafka, not started.
        url: URL of the database.
        folder: Folder for settings and logs.
    """

    def __init__(self, places: Sequence[Host], broker: ApacheKafka, url: str, folder: Path) -> None:
        self.data, *others = places
        self.broker = broker
        self.url = url
        self.proxy = others[5]
        settings = folder / "icu.toml"
        values = {"topic": TOPIC, "bootstrap": broker.bootstrap, "url": url, "name": NAME, "proxy": self.proxy.address}
        settings.write_text(SETTINGS.format(**values))
        self.key = _key(folder)
        words = ["sink", "--member"]
        self.sinks = [
            Placed(host, f"sink-{n}", [*words, f"sink-{n}"], settings) for n, host in enumerate(others[:3], start=1)
        ]
        faces = ["monitor", "--host", "0.0.0.0"]  # noqa: S104 - in a namespace
        self.monitors = [Placed(host, f"monitor-{n}", faces, settings) for n, host in enumerate(others[3:5], start=1)]
        self.patients = [
            Placed(host, f"patient-{n}", ["patient", "--name", name], settings)
            for n, (name, host) in enumerate(zip(PATIENTS, others[6:], strict=True), start=1)
        ]

    @property
    def actors(self) -> list[Placed]:
        """All programs of ours."""
        return [*self.sinks, *self.monitors, *self.patients]

    def served(self) -> list[dict[str, Any]]:
        """Ask for the patients, through nginx."""
        headers = {"Authorization": f"Bearer {self.key}", "Host": NAME}
        answer = web.get(f"http://{self.proxy.address}:{PORT}/patients", headers=headers, timeout=15)
        found: list[dict[str, Any]] = answer.raise_for_status().json()
        return found

    def is_served(self) -> bool:
        """Check that nginx finds a monitor that knows all patients."""
        try:
            return len([each for each in self.served() if each["latest"]]) == len(PATIENTS)
        except httpx.HTTPError:
            return False

    def newest(self) -> dict[str, int]:
        """Return the time of each patient's newest stored reading, in milliseconds since 1970."""
        sql = "SELECT uuid, max(timestamp) FROM patient_metrics JOIN patients ON id = patient_id GROUP BY uuid"
        return dict(postgres.ask(self.url, sql))

    def stored(self) -> list[Key]:
        """Return the keys of all stored readings."""
        sql = "SELECT uuid, timestamp FROM patient_metrics JOIN patients ON id = patient_id"
        return [(uuid, timestamp) for uuid, timestamp in postgres.ask(self.url, sql)]

    def is_drained(self) -> bool:
        """Check that the database is at the end of each partition."""
        offsets = dict(postgres.ask(self.url, "SELECT partition, next FROM consumer_offsets"))
        ends = ends_of(self.broker.bootstrap, TOPIC)
        return all(offsets.get(partition, 0) == end for partition, end in ends.items())


@contextmanager
def opened(folder: Path) -> Iterator[Hospital]:
    """Open a hospital whose programs all run, and end it."""
    with ExitStack() as stack:
        places = stack.enter_context(hosts(7 + len(PATIENTS)))
        broker, url = _data(places[0], folder, stack.enter_context)
        hospital = Hospital(places, broker, url, folder)
        for actor in hospital.actors:
            actor.start()
            stack.callback(actor.clear)
        monitors = [f"{each.host.address}:{PORT}" for each in hospital.monitors]
        spawn = partial(_spawn, stack)
        with hospital.proxy.inside():
            start_for_monitors(folder, spawn, monitors, listen=str(PORT))
        yield hospital


def until(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


def _data(host: Host, folder: Path, enter: Callable[..., Any]) -> tuple[ApacheKafka, str]:
    """Start Kafka and PostgreSQL on a host; return the broker, and the URL of an empty database."""
    with host.inside():
        broker = enter(own_kafka(folder / "broker", host=host.address))
        broker.start()
        broker.create_topic(TOPIC, PARTITIONS)
        server = enter(postgres.own_postgres(listen_addresses=f"127.0.0.1,{host.address}"))
        with (server._folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {SUBNET} scram-sha-256\n")
        server.ask("SELECT pg_reload_conf()")
        server.ask("CREATE DATABASE icu TEMPLATE template0")
        return broker, server.url("icu").replace("127.0.0.1", host.address)


def _key(folder: Path) -> str:
    """Make a viewer's key in the file of the settings, and return it."""
    words = [sys.executable, "-m", "icu", "keys", "add", "wall", "--role", "viewer", "--file", str(folder / "keys.txt")]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


def _spawn(stack: ExitStack, words: list[str], **how: Any) -> subprocess.Popen[Any]:
    return stack.enter_context(running(words, **how))
