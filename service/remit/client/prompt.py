"""The person's answers to what a host asks, and to whether he trusts it.

Owns the ways to an answer: a file, the terminal, or a problem that says which option would do.
Never shows a host's text uncleaned.
"""

from __future__ import annotations

import os
import stat

from remit.client.notice import report
from remit.client.render import clean, clean_lines
from remit.client.target import Address
from remit.wire.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from remit.system.terminal import Terminal

LONGEST = 4096  # characters, as the message `answer` has it


class Prompter:
    """Answers the prompts of one host. `who` is USER@HOST."""

    def __init__(self, who: str, password_file: str = "") -> None:
        self._who = who
        self._password_file = password_file
        self.has_asked = False  # so that another try may end otherwise

    def answer(self, style: str, text: str) -> str:
        """The answerer of a Connection."""
        if style in ("info", "error"):
            report(f"{self._who}: {text.strip()}")
            return ""
        if style == "secret" and self._password_file:
            path, self._password_file = self._password_file, ""
            return read_password(path)
        return self._ask(text, echo=style == "visible")

    def _ask(self, text: str, echo: bool) -> str:
        terminal = _open_terminal()
        if terminal is None:
            raise Problem(
                "denied",
                f'{self._who} is asked "{clean(text.strip())}", and there is no terminal to ask '
                "you on; give --password-file FILE",
            )
        self.has_asked = True
        try:
            answer = terminal.ask(f"({self._who}) {clean_lines(text)}", echo)
        except (EOFError, UnicodeDecodeError) as error:
            raise Problem("denied", "no usable answer was given; nothing was sent") from error
        finally:
            terminal.close()
        if len(answer) > LONGEST:
            raise Problem("denied", f"the answer is longer than {LONGEST} characters")
        return answer


def read_password(path: str) -> str:
    """The first line of a private file. Problem."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                raise Problem(
                    "denied",
                    f"{path}: others can read it (mode {stat.S_IMODE(mode):04o}); "
                    f"expected a private file: chmod 600 {path}",
                )
            line = file.readline(LONGEST * 4 + 2).decode().rstrip("\r\n")
    except OSError as error:
        raise Problem("denied", f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Problem("denied", f"{path}: found other bytes than UTF-8 in it") from error
    if not line or len(line) > LONGEST:
        raise Problem("denied", f"{path}: expected a password in its first line")
    return line


def confirm_host(address: Address, fingerprint: str, reason: str) -> bool | None:
    """The question of a first meeting. None if there is nobody to ask."""
    terminal = _open_terminal()
    if terminal is None:
        return None
    try:
        return _confirm(terminal, address, fingerprint, reason)
    finally:
        terminal.close()


def _open_terminal() -> Terminal | None:
    from remit.system.terminal import Terminal

    return Terminal.open()


def _confirm(terminal: Terminal, address: Address, fingerprint: str, reason: str) -> bool:
    terminal.write(
        f"remit: {address} is not known here yet, and no authority vouches for it ({reason}).\n"
        f"  Its certificate is {fingerprint}\n"
        "  `remitctl status` on the host shows the right one.\n"
    )
    question = "Trust it from now on (yes/no/[fingerprint])? "
    while True:
        try:
            answer = terminal.ask(question, echo=True).strip()
        except (EOFError, UnicodeDecodeError):
            return False
        if answer == "no":
            return False
        if answer in ("yes", fingerprint):
            return True
        if answer.startswith("SHA256:"):
            return False
        question = 'Please answer "yes", "no" or the fingerprint: '
