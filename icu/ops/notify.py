"""Telling whoever started this process how it is.

The protocol is systemd's sd_notify(3): a datagram of `NAME=value` lines to the socket that NOTIFY_SOCKET names. Our own
supervisor listens in the same way to the processes that it starts.
"""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send a state, such as READY=1. Nothing happens where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for a name that is no file.
    place = f"\0{address[1:]}" if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(state.encode(), place)


def notify_condition(trouble: str | None, degraded: str | None) -> None:
    """Send what this process waits for, and what it leaves undone until somebody mends it; None for nothing.

    Our supervisor shows it, systemd lets these words pass.
    """
    notify(f"X_TROUBLE={_one_line(trouble)}\nX_DEGRADED={_one_line(degraded)}")


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
