"""The person's terminal: one question on it, with or without echo.

Owns /dev/tty and termios. However a question ends, by a signal too, the terminal is as before.
"""

from __future__ import annotations

import os
import signal
import termios
from types import FrameType

LONGEST = 4096  # bytes of an answer; what the kernel's line discipline takes
# What may end or stop us while echo is off. SIGINT among them: its own exception comes later.
SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)


class _Interrupted(Exception):
    """A signal came; it is sent again when the terminal is as before."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Terminal:
    """The terminal of this process, wherever its standard streams lead."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls) -> Terminal | None:
        """None if there is none."""
        try:
            return cls(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
        except OSError:
            return None

    def close(self) -> None:
        os.close(self._descriptor)

    def write(self, text: str) -> None:
        rest = text.encode(errors="replace")
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def ask(self, question: str, echo: bool) -> str:
        """One line, without its end. EOFError if the person ends the input; UnicodeDecodeError.

        Signals act as always, but after the echo is back; after a stop the question comes again.
        Only in the main thread.
        """
        while True:
            try:
                return self._ask(question, echo)
            except _Interrupted as interrupted:
                os.kill(os.getpid(), interrupted.number)

    def _ask(self, question: str, echo: bool) -> str:
        former = {number: signal.getsignal(number) for number in SIGNALS}
        settings = termios.tcgetattr(self._descriptor)
        try:
            for number, handler in former.items():
                if handler is not signal.SIG_IGN:
                    signal.signal(number, _interrupt)
            if not echo:
                self._set_echo_off()
            self.write(question)
            line = self._read_line()
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, settings)
            if not echo:
                self.write("\n")
            for number, handler in former.items():
                signal.signal(number, handler)
        if not line:
            raise EOFError
        return line.decode().rstrip("\n")

    def _set_echo_off(self) -> None:
        silent = termios.tcgetattr(self._descriptor)
        silent[3] &= ~(termios.ECHO | termios.ECHONL)
        # What was typed before the question was shown, is no answer to it.
        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, silent)

    def _read_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n") and len(line) < LONGEST:
            part = os.read(self._descriptor, LONGEST)
            if not part:
                break
            line += part
        return line


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise _Interrupted(number)
