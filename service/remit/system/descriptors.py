"""Unix sockets: descriptors as ancillary data, and who is at the other end.

Sources: unix(7), cgroups(7). Blocking or not is the socket's own affair.
"""

from __future__ import annotations

import array
import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple

CREDENTIALS = struct.Struct("3i")


class Peer(NamedTuple):
    """The process that connected, as the kernel saw it at connect()."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return Peer(*CREDENTIALS.unpack(found))


def cgroup_of(pid: int) -> str:
    """The process's path in the unified hierarchy. OSError if it is gone or has none."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line.removeprefix("0::")
    raise ProcessLookupError(f"process {pid} has no unified cgroup")


def send(connection: socket.socket, data: bytes, descriptors: tuple[int, ...] = ()) -> int:
    """Send what fits, the descriptors with its first byte; the number of bytes sent."""
    ancillary = []
    if descriptors:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    return connection.sendmsg([data], ancillary, socket.MSG_NOSIGNAL)


def receive(connection: socket.socket, size: int, most: int = 1) -> tuple[bytes, list[int]]:
    """Bytes (none at the end of the stream) and the descriptors that came with them.

    More than `most` descriptors are closed by the kernel and raise ValueError; so are the rest.
    """
    space = socket.CMSG_SPACE(array.array("i").itemsize * most) if most else 0
    data, ancillary, flags, _ = connection.recvmsg(size, space, socket.MSG_CMSG_CLOEXEC)
    found = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    if flags & socket.MSG_CTRUNC or len(found) > most:
        close_all(list(found))
        raise ValueError("more descriptors than expected")
    return data, list(found)


def close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
