"""Free ports of the loopback interface."""

from __future__ import annotations

import random
import socket

HOST = '127.0.0.1'

# Below the ports that the system gives to outgoing connections (32768 and up on Linux): while a
# server is down for a restart, no connection can take its port, or connect to itself there.
_FIRST, _LAST = 20_000, 32_000
_taken: set[int] = set()


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: connections of the one before, on their way out, are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def pick(count: int = 1) -> list[int]:
    """Return so many free ports, none that this process was given before.

    Another process may take one before the server does; `Server.start` then picks anew.
    """
    chooser = random.SystemRandom()  # not the seeded one that tests may have set up
    found: list[int] = []
    while len(found) < count:
        port = chooser.randrange(_FIRST, _LAST)
        if port not in _taken and is_free(port):
            _taken.add(port)
            found.append(port)
    return found
