"""Sockets that systemd opened for us: LISTEN_FDS, from descriptor 3 on.

Source: sd_listen_fds(3).
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_FIRST = 3


def take_descriptors(environment: MutableMapping[str, str]) -> list[int]:
    """The descriptors meant for this process, close-on-exec from here on.

    The variables are removed. Empty if there are none or if they are meant for another process.
    """
    pid = environment.pop("LISTEN_PID", "")
    count = environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not (count.isascii() and count.isdigit()):
        return []
    descriptors = list(range(_FIRST, _FIRST + int(count)))
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return descriptors
