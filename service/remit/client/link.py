"""A connected byte stream that never blocks, and waiting for it.

Owns plain sockets (here: Unix ones, with the descriptors that come along); TLS is tls_link.py.
Does not know frames.
"""

from __future__ import annotations

import os
import select
import socket

MAX_DESCRIPTORS = 1  # at a time: the session's connected socket


class Link:
    """One connection. Owns its descriptor and those in `descriptors` until they are taken."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self.descriptors: list[int] = []

    def fileno(self) -> int:
        return self._connection.fileno()

    def receive_into(self, space: memoryview) -> int:
        """Bytes received into `space`, 0 at the end of the stream, -1 for nothing now."""
        try:
            return self._connection.recv_into(space)
        except BlockingIOError:
            return -1

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """How many bytes the connection took now, 0 for none."""
        try:
            return self._connection.send(data)
        except BlockingIOError:
            return 0

    def has_received(self) -> bool:
        """Whether bytes wait inside, where poll() cannot see them."""
        return False

    def wait(self, timeout: float) -> bool:
        """Whether there is something to receive (or the end) within `timeout` seconds."""
        return self.has_received() or bool(self._poll.poll(timeout * 1000))

    def wait_sendable(self, timeout: float) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        return bool(poll.poll(timeout * 1000))

    def close(self) -> None:
        self._connection.close()
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()


class LocalLink(Link):
    """A Unix socket whose messages may bring descriptors."""

    def receive_into(self, space: memoryview) -> int:
        try:
            size, found = _receive_with_descriptors(self._connection, space)
        except BlockingIOError:
            return -1
        self.descriptors += found
        return size


def _receive_with_descriptors(
    connection: socket.socket, space: memoryview
) -> tuple[int, list[int]]:
    item = 4  # sizeof(int): descriptors
    size, ancillary, _, _ = connection.recvmsg_into(
        [space], socket.CMSG_SPACE(item * MAX_DESCRIPTORS), socket.MSG_CMSG_CLOEXEC
    )
    found: list[int] = []
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            whole = memoryview(content)[: len(content) // item * item]
            found += whole.cast("i").tolist()
    return size, found


def open_local(path: str) -> LocalLink:
    """Connect to remitd on this host. OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return LocalLink(connection)


def adopt(descriptor: int) -> Link:
    """The link on a connected Unix socket that came as a descriptor."""
    return Link(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=descriptor))


def open_tcp(host: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection to the first address that takes it. OSError of the last that did not."""
    failure = OSError("no address")
    # Bytes, because text would be taken through IDNA, whose tables are dear to load.
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host.encode(), port, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure
