"""Channels: messages and descriptors over a real unix socket pair."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import pytest

from remit.daemon.channel import Channel, Closed
from remit.system import descriptors
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem


def with_channel(test: Callable[[Channel, socket.socket], Awaitable[None]]) -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            channel = Channel(ours)
            try:
                await test(channel, theirs)
            finally:
                channel.close()

    asyncio.run(run())


def test_messages_come_one_by_one_however_they_were_cut() -> None:
    async def test(channel: Channel, peer: socket.socket) -> None:
        stream = Message("list").encode() + Message("goodbye").encode()
        peer.sendall(stream[:20])
        first = asyncio.create_task(channel.receive())
        await asyncio.sleep(0)  # sleeps: until the other task waits
        peer.sendall(stream[20:])
        assert (await first).type == "list"
        assert (await channel.receive()).type == "goodbye"

    with_channel(test)


def test_the_end_between_frames_is_closed_and_inside_one_a_problem() -> None:
    async def test(channel: Channel, peer: socket.socket) -> None:
        peer.sendall(Message("list").encode())
        peer.shutdown(socket.SHUT_WR)
        assert (await channel.receive()).type == "list"
        with pytest.raises(Closed):
            await channel.receive()

    async def cut(channel: Channel, peer: socket.socket) -> None:
        peer.sendall(Message("list").encode()[:-1])
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(ProtocolProblem, match="inside a frame"):
            await channel.receive()

    with_channel(test)
    with_channel(cut)


def test_a_descriptor_comes_with_its_message() -> None:
    async def test(channel: Channel, peer: socket.socket) -> None:
        reading, writing = os.pipe()
        descriptors.send(peer, Message("connection").encode(), (reading,))
        os.close(reading)
        assert (await channel.receive(most_descriptors=1)).type == "connection"
        taken = channel.take_descriptor()
        os.write(writing, b"x")
        assert os.read(taken, 1) == b"x"
        assert not os.get_inheritable(taken)
        os.close(taken)
        os.close(writing)

    with_channel(test)


@pytest.mark.parametrize(("sent", "most"), [(1, 0), (2, 1), (50, 1)])
def test_descriptors_that_nobody_asked_for_end_the_connection(sent: int, most: int) -> None:
    async def test(channel: Channel, peer: socket.socket) -> None:
        before = len(os.listdir("/proc/self/fd"))
        descriptors.send(peer, Message("list").encode(), (0,) * sent)
        with pytest.raises(ProtocolProblem, match="more descriptors"):
            await channel.receive(most_descriptors=most)
        assert len(os.listdir("/proc/self/fd")) == before

    with_channel(test)


def test_no_descriptor_where_one_is_needed_is_a_problem() -> None:
    async def test(channel: Channel, peer: socket.socket) -> None:
        peer.sendall(Message("connection").encode())
        await channel.receive(most_descriptors=1)
        with pytest.raises(ProtocolProblem, match="no descriptor"):
            channel.take_descriptor()

    with_channel(test)


def test_a_message_larger_than_the_socket_arrives_whole() -> None:
    async def test(channel: Channel, peer: socket.socket) -> None:
        peer.setblocking(False)
        message = Message("session-list", sessions=[{"id": "x" * 1000}] * 400)
        sending = asyncio.create_task(channel.send(message))
        found = b""
        while len(found) < len(message.encode()):
            found += await asyncio.get_running_loop().sock_recv(peer, 1 << 20)
        await sending
        assert found == message.encode()

    with_channel(test)


def test_a_stranger_may_not_send_much() -> None:
    async def test(channel: Channel, peer: socket.socket) -> None:
        peer.sendall(Message("run", id="1", argv=["x" * 4000] * 3, stdin=False).encode())
        with pytest.raises(ProtocolProblem, match="at most 8192"):
            await channel.receive()

    with_channel(test)


def test_the_peer_is_known_by_its_credentials() -> None:
    async def test(channel: Channel, _peer: socket.socket) -> None:
        assert channel.peer == (os.getpid(), os.getuid(), os.getgid())

    with_channel(test)
