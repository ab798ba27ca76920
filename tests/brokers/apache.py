"""A real Apache Kafka: one node on loopback, which tests may kill, suspend, damage or rob of its disk."""

import atexit
import base64
import functools
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka.errors import KafkaError

from tests.brokers import admin, certificates, java, settings
from tests.ports import free_ports
from tests.processes import TIMEOUT, Guarded, run

available = java.available


class ApacheKafka(admin.Administered):
    """A broker that keeps its address over restarts."""

    real = True
    username = "icu"
    password = secrets.token_hex(8)

    def __init__(self, folder: Path, *, secure: bool = False, host: str = "127.0.0.1") -> None:
        """Keep all data in this folder; a secure broker has listeners with passwords and certificates too."""
        self._folder = folder.resolve()
        self._cluster = _new_id()
        self._process: Guarded | None = None
        listeners = ["PLAINTEXT", "CONTROLLER", *(settings.SECURE if secure else [])]
        self._addresses = dict(zip(listeners, _free_addresses(host, len(listeners)), strict=True))
        folder.mkdir(parents=True, exist_ok=True)
        lines = settings.node(self._addresses, self._data)
        if secure:
            lines |= settings.security(self.username, self.password, *self._certificates())
        self._settings.write_text(settings.properties(lines))

    @property
    def bootstrap(self) -> str:
        """Address of the listener in plain text."""
        return self._addresses["PLAINTEXT"]

    @property
    def sasl_plaintext(self) -> str:
        """Address of a secure broker's listener with passwords, PLAIN or SCRAM-SHA-512."""
        return self._addresses["SASL_PLAINTEXT"]

    @property
    def ssl(self) -> str:
        """Address of a secure broker's listener with a certificate."""
        return self._addresses["SSL"]

    @property
    def sasl_ssl(self) -> str:
        """Address of a secure broker's listener with a certificate and passwords, SCRAM-SHA-512."""
        return self._addresses["SASL_SSL"]

    @property
    def expired(self) -> str:
        """Address of a secure broker's listener with an expired certificate."""
        return self._addresses["EXPIRED"]

    @property
    def elsewhere(self) -> str:
        """Address of a secure broker's listener that advertises settings.ELSEWHERE, which is no host."""
        return self._addresses["ELSEWHERE"]

    @property
    def ca(self) -> Path:
        """The authority that signed a secure broker's certificate."""
        return self._folder / "ca.pem"

    @property
    def other_ca(self) -> Path:
        """An authority that did not sign it."""
        return self._folder / "other-ca.pem"

    def start(self) -> None:
        """Start on the data on the disk, and wait until the broker serves."""
        if self._process is not None:
            raise RuntimeError("the broker has been started already")
        if not self._data.exists():
            self._format()
        words = [*java.command(java.class_data(self._class_data)), "kafka.Kafka", str(self._settings)]
        self._process = Guarded(words, self._log)
        deadline = time.monotonic() + TIMEOUT
        while not self._serves():
            if not self._process.running() or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Kafka did not start:\n{self._log_tail()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Send SIGTERM, and wait; do nothing when it does not run."""
        if self._end(signal.SIGTERM) == 128 + signal.SIGTERM:
            java.keep_class_data(self._class_data)

    def kill(self) -> None:
        """Send SIGKILL; do nothing when it does not run."""
        self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """Suspend the process (SIGSTOP): it keeps its connections and does nothing."""
        self._running().send(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume the process (SIGCONT)."""
        self._running().send(signal.SIGCONT)

    def wipe(self, *, new_cluster: bool = False) -> None:
        """Empty the disk of a stopped broker; it starts again as the same cluster or another one."""
        if self._process is not None:
            raise RuntimeError("only a broker that does not run can lose its disk")
        shutil.rmtree(self._data)
        if new_cluster:
            self._cluster = _new_id()

    def damage(self, topic: str, partition: int, value: bytes) -> None:
        """Change the bytes of a record on the disk of a stopped broker."""
        [segment] = (self._data / f"{topic}-{partition}").glob("*.log")
        whole = segment.read_bytes()
        if self._process is not None or whole.count(value) != 1:
            raise RuntimeError("nothing to damage, or a broker that runs")
        segment.write_bytes(whole.replace(value, value[::-1]))

    @contextmanager
    def robbed(self, topic: str, partition: int) -> Iterator[None]:
        """Take a file of a partition from the disk of a running broker, and put it back at the end."""
        [segment] = (self._data / f"{topic}-{partition}").glob("*.log")
        kept = segment.read_bytes()
        os.truncate(segment, 0)
        try:
            yield
        finally:
            segment.write_bytes(kept)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _settings(self) -> Path:
        return self._folder / "server.properties"

    @property
    def _log(self) -> Path:
        return self._folder / "broker.log"

    @property
    def _class_data(self) -> Path:
        return self._folder / "classes.jsa"

    def _running(self) -> Guarded:
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process

    def _end(self, number: signal.Signals) -> int | None:
        process, self._process = self._process, None
        return process.end(number) if process is not None else None

    def _format(self) -> None:
        """Format the empty disk: the first of this process by Kafka's own tool, others as copies of it."""
        kept = _kept_disk() / "data"
        if not kept.exists():
            self._format_first()
            shutil.copytree(self._data, kept)
            return
        shutil.copytree(kept, self._data)
        meta = self._data / "meta.properties"
        lines = [line for line in meta.read_text().splitlines() if not line.startswith(("cluster.id", "directory.id"))]
        meta.write_text("\n".join([*lines, f"cluster.id={self._cluster}", f"directory.id={_new_id()}", ""]))

    def _format_first(self) -> None:
        user = f"SCRAM-SHA-512=[name={self.username},password={self.password}]"
        words = ["format", "-t", self._cluster, "-c", str(self._settings), "--add-scram", user]
        run(*java.command(), "kafka.tools.StorageTool", *words)

    def _serves(self) -> bool:
        """Check that every listener accepts, and that the cluster counts this broker in."""
        try:
            for address in self._addresses.values():
                host, port = address.split(":")
                socket.create_connection((host, int(port)), timeout=1).close()
            return admin.brokers(self.bootstrap) > 0
        except (OSError, KafkaError):
            return False

    def _log_tail(self) -> str:
        """Return the end of the log, without stack frames."""
        lines = [line for line in self._log.read_text().splitlines() if not line.startswith("\t")]
        return "\n".join(lines[-20:])

    def _certificates(self) -> tuple[Path, Path]:
        """Make both authorities, the broker's certificate, and one that has expired."""
        certificates.authority(self.other_ca)
        certificates.authority(self.ca)
        return certificates.server(self._folder, self.ca), certificates.server(self._folder, self.ca, days=-1)


@functools.cache
def _kept_disk() -> Path:
    """Make a formatted disk once and keep it, since Kafka takes a second for each; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="icu-kafka-disk-"))
    atexit.register(shutil.rmtree, folder)
    return folder


def _new_id() -> str:
    """Make the identity of a cluster or a disk, without a dash: in front it would be taken for an option."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "x")


def _free_addresses(host: str, count: int) -> list[str]:
    """Find ports on which no program listens, at this address."""
    return [f"{host}:{port}" for port in free_ports(count)]
