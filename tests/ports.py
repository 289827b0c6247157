"""Ports for servers that a test starts, stops and starts again, while other tests run in other processes."""

import itertools
import os
import socket

FIRST, COUNT, EACH = 20_000, 12_000, 200
"""Below the ports that systems give to outgoing connections and to whoever binds port 0."""

_offsets = itertools.count(os.getpid() * EACH)


def free_port() -> int:
    """A port that nothing listens on, and that stays this server's while it is down.

    Each process has a block of its own: processes that start one after the other have different ones.
    """
    while True:
        port = FIRST + next(_offsets) % COUNT
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
