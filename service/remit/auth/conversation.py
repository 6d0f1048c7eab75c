"""The conversation of remit-auth with remitd: start, prompts and answers, result.

Owns the order of its messages and their limits. Does not decide anything: PAM does.
"""

from __future__ import annotations

import signal
import socket

from remit.system.pam import Transaction, Verdict
from remit.wire.frame import MAX_STRANGER, Frame, FrameReader
from remit.wire.message import Message, parse_message
from remit.wire.problem import ProtocolProblem
from remit.wire.turn import MAX_PROMPTS

DEADLINE = 180  # seconds from `start` to the end, then SIGALRM ends the process


class Abandoned(Exception):
    """remitd closed the connection: nobody waits for the verdict any more."""


class Conversation:
    """One transaction for whoever is at the other end of `connection`, which is remitd."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader(MAX_STRANGER * 4, data=False)
        self._waiting: list[Frame] = []
        self._prompts = 0

    def hold(self, transaction: Transaction) -> None:
        """Wait for `start` as long as it takes, run PAM, send `result`."""
        start = self._receive("start")
        signal.alarm(DEADLINE)
        verdict = transaction.run(
            start.text("service"),
            start.text("user"),
            start.text("peer"),
            start.flag("authenticate"),
            self._ask,
        )
        self._send(_result(verdict))

    def _ask(self, style: str, text: str) -> str:
        self._prompts += 1
        if self._prompts > MAX_PROMPTS:
            raise ProtocolProblem(f"more than {MAX_PROMPTS} prompts in one conversation")
        self._send(Message("prompt", style=style, text=text))
        return self._receive("answer").text("text")

    def _send(self, message: Message) -> None:
        self._connection.sendall(message.encode())

    def _receive(self, expected: str) -> Message:
        while not self._waiting:
            data = self._connection.recv(65536)
            if not data:
                raise Abandoned
            self._waiting.extend(self._reader.feed(data))
        message = parse_message(self._waiting.pop(0))
        if message.type != expected:
            raise ProtocolProblem(f"{message.type} in place of {expected}")
        return message


def _result(verdict: Verdict) -> Message:
    return Message(
        "result", granted=verdict.granted, user=verdict.user[:256], reason=verdict.reason[:4096]
    )
