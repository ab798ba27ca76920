"""Hosts on one machine: a network namespace each, with a cable to one switch, which tests cut and mend."""

import ctypes
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.processes import run

NETWORK: Final = "10.77.21"
SUBNET: Final = f"{NETWORK}.0/24"

_CLONE_NEWNET: Final = 0x4000_0000
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Host:
    """A network namespace with an address of its own."""

    def __init__(self, number: int) -> None:
        self.address = f"{NETWORK}.{number}"
        self.namespace = f"icu{os.getpid()}-{number}"
        # The name of an interface has 15 characters at most.
        self.cable = f"icu{os.getpid()}c{number}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Move this thread into the host: sockets that it opens and programs that it starts are there."""
        home, there = Path("/proc/thread-self/ns/net"), Path("/run/netns", self.namespace)
        with home.open() as back, there.open() as target:
            _enter(target.fileno())
            try:
                yield
            finally:
                _enter(back.fileno())

    def cut(self) -> None:
        """Cut the cable: nothing arrives any more, and nobody is told."""
        run("ip", "link", "set", self.cable, "down")

    def mend(self) -> None:
        """Mend the cable."""
        run("ip", "link", "set", self.cable, "up")


def possible() -> bool:
    """Check that this user may make namespaces, and has the program for it."""
    return os.getuid() == 0 and shutil.which("ip") is not None and Path("/proc/thread-self/ns/net").exists()


@contextmanager
def hosts(count: int) -> Iterator[Sequence[Host]]:
    """Make hosts at one switch; the tests' own namespace reaches all of them. At the end they are removed."""
    switch = f"icu{os.getpid()}sw"
    with ExitStack() as stack:
        run("ip", "link", "add", switch, "type", "bridge")
        stack.callback(run, "ip", "link", "del", switch)
        run("ip", "addr", "add", f"{NETWORK}.254/24", "dev", switch)
        run("ip", "link", "set", switch, "up")
        made = [Host(number) for number in range(1, count + 1)]
        for host in made:
            run("ip", "netns", "add", host.namespace)
            # With the namespace goes its end of the cable, and so the other one.
            stack.callback(run, "ip", "netns", "del", host.namespace)
            _connect(host, switch)
        yield made


def _connect(host: Host, switch: str) -> None:
    run("ip", "link", "add", host.cable, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
    run("ip", "link", "set", host.cable, "master", switch)
    run("ip", "link", "set", host.cable, "up")
    run("ip", "-n", host.namespace, "addr", "add", f"{host.address}/24", "dev", "eth0")
    for each in ("eth0", "lo"):
        run("ip", "-n", host.namespace, "link", "set", each, "up")


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
