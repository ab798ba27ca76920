"""From SIGTERM to the end of a whole ward, with nobody, somebody and a crowd on the live stream."""

import tempfile
import time
from contextlib import ExitStack
from statistics import median

import httpx

from tests.benchmarks.wards import free_port, running, until

ROUNDS = 10
CROWDS = (0, 1, 20)


def main() -> None:
    """Print the distribution of the seconds; the promise is 15."""
    for clients in CROWDS:
        seconds = sorted(_stop(clients) for _ in range(ROUNDS))
        print(
            f"{clients:2} streams, {clients:2} idle connections   "
            f"{seconds[0]:.2f} / {median(seconds):.2f} / {seconds[-1]:.2f} s  least, median, most of {ROUNDS}"
        )


def _stop(clients: int) -> float:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ward = stack.enter_context(running(["supervise", "--port", str(port)], folder))
        until(f"{url}/patients", b'"pulse"')
        for _ in range(clients):
            idle = stack.enter_context(httpx.Client(timeout=30))
            idle.get(f"{url}/patients")
            stack.enter_context(idle.stream("GET", f"{url}/stream"))
        began = time.perf_counter()
        ward.terminate()
        code = ward.wait(30)
        if code:
            raise RuntimeError(f"the ward ended with {code}")
        return time.perf_counter() - began
