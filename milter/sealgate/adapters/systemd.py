"""Telling systemd how we are (sd_notify(3)): one datagram, nothing where nobody asked."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """Send `state` (such as `READY=1`) to the service manager, if there is one. Never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address[0] == "@":
        address = "\0" + address[1:]  # abstract name space
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(address)
        sender.sendall(state.encode())
