"""Time from SIGTERM to the end of a whole ward: with none, some and many clients; broker up, down, or none."""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import httpx

from tests.benchmarks.wards import free_port, running, until
from tests.brokers import ApacheKafka, available

ROUNDS = 10
CROWDS = (0, 1, 20)


def main() -> None:
    """Print the distribution of the seconds (goal: 15 at most)."""
    for clients in CROWDS:
        _told(f"in memory, {clients} streams", lambda clients=clients: _stop(clients))  # type: ignore[misc] # mypy cannot infer a default
    if not available():
        print("with Kafka: left out, for want of a real one (.ci/kafka downloads it)")
        return
    with tempfile.TemporaryDirectory() as folder:
        broker = ApacheKafka(Path(folder))
        broker.start()
        for clients in CROWDS:
            _told(f"broker up, {clients} streams", lambda clients=clients: _stop(clients, broker))  # type: ignore[misc] # mypy cannot infer a default
        for clients in CROWDS:
            _told(f"broker down, {clients} streams", lambda clients=clients: _stop_without(clients, broker))  # type: ignore[misc] # mypy cannot infer a default
        broker.stop()


def _told(what: str, stop: Callable[[], float]) -> None:
    seconds = sorted(stop() for _ in range(ROUNDS))
    figures = f"{seconds[0]:5.2f} / {median(seconds):5.2f} / {seconds[-1]:5.2f} s"
    print(f"{what:24} {figures}  least, median, most of {ROUNDS}")


def _stop(clients: int, broker: ApacheKafka | None = None, *, lose_broker: bool = False) -> float:
    """Measure the seconds of one stop; each client holds a stream and an idle connection."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["supervise", "--port", str(port), *(["--transport", "kafka"] if broker else [])]
    environ = {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap} if broker else {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ward = stack.enter_context(running(words, folder, **environ))
        until(f"{url}/patients", b'"pulse"')
        for _ in range(clients):
            client = stack.enter_context(httpx.Client(timeout=30))
            client.get(f"{url}/patients")
            stack.enter_context(client.stream("GET", f"{url}/stream"))
        if broker and lose_broker:
            broker.kill()
        began = time.perf_counter()
        ward.terminate()
        code = ward.wait(30)
        if code:
            raise RuntimeError(f"the ward ended with {code}")
        return time.perf_counter() - began


def _stop_without(clients: int, broker: ApacheKafka) -> float:
    seconds = _stop(clients, broker, lose_broker=True)
    broker.start()
    return seconds
