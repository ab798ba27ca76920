"""Ports for programs that tests start."""

import os
import re
import secrets
import socket
from contextlib import ExitStack, suppress

# They lie below the ports that clients get: one that dials a stopped server for long enough would connect to itself
# there, and a port has to stay free until the program listens, and between two of its lives.
FIRST, EACH, SHARES = 10_000, 1_000, 20


def free_ports(count: int) -> list[int]:
    """Find ports on loopback on which no program listens; each worker has a range of its own."""
    worker = re.search(r"[0-9]+", os.environ.get("PYTEST_XDIST_WORKER", ""))
    share = FIRST + EACH * (int(worker[0]) % SHARES if worker else secrets.randbelow(SHARES))
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            port = share + secrets.randbelow(EACH)
            with suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                ports.append(port)
    return ports


def free_port() -> int:
    """Find one port."""
    return free_ports(1)[0]
