"""Ports for programs that tests start."""

import os
import re
import secrets
import socket
from contextlib import ExitStack, suppress
from itertools import count

# They lie below the ports that clients get: one that dials a stopped server for long enough would connect to itself
# there, and a port has to stay free until the program listens, and between two of its lives.
FIRST, EACH, SHARES = 10_000, 1_000, 20


_worker = re.search(r"[0-9]+", os.environ.get("PYTEST_XDIST_WORKER", ""))
_share = FIRST + EACH * (int(_worker[0]) % SHARES if _worker else secrets.randbelow(SHARES))
# In turn, so that a port is given again only after all others: its program may not listen yet.
_turns = count(secrets.randbelow(EACH))


def free_ports(number: int) -> list[int]:
    """Find ports on loopback on which no program listens; each worker has a range of its own."""
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < number:
            port = _share + next(_turns) % EACH
            with suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                ports.append(port)
    return ports


def free_port() -> int:
    """Find one port."""
    return free_ports(1)[0]
