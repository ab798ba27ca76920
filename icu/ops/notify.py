"""Status notifications to the process that started this one.

The protocol is systemd's sd_notify(3): a datagram of `NAME=value` lines to the socket that NOTIFY_SOCKET names. Our own
supervisor receives them in the same way from the processes that it starts.
"""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send a state, such as READY=1. Does nothing without NOTIFY_SOCKET, or if nobody receives."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for the NUL of Linux's abstract sockets, which have no file.
    target = f"\0{address[1:]}" if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)  # a full receiver must not hold up the loop
        sender.sendto(state.encode(), target)


def notify_work_status(trouble: str | None, degraded: str | None) -> None:
    """Send the status of the work. Our supervisor shows it, systemd ignores it.

    Args:
        trouble: The thing that this process waits for; None if there is none.
        degraded: The work that is undone until a person mends something; None if there is none.
    """
    notify(f"X_TROUBLE={_one_line(trouble)}\nX_DEGRADED={_one_line(degraded)}")


def _one_line(text: str | None) -> str:
    # A line break would end the value.
    return " ".join((text or "").split())
