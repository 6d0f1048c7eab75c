"""The closed list of problem codes, shared by every program and written down in PROTOCOL.md.

Owns the codes and the exit status that a client gives for each. Says nothing itself.
"""

from __future__ import annotations

# code -> exit status of `remit` (design.md, "The command line")
CODES = {
    "protocol": 255,  # the peer broke the protocol
    "version": 255,  # no protocol version in common
    "denied": 255,  # authentication or account: never says which
    "untrusted": 255,  # the host is not the one it should be; a client finds that out by itself
    "limit": 255,  # too many connections, sessions, tries
    "timeout": 255,  # a deadline before authentication passed
    "unavailable": 255,  # remitd or systemd cannot serve just now
    "internal": 255,  # a defect of ours; the journal has the details
    "not-admitted": 126,  # no such endpoint for this user, or not admitted to it
    "invalid": 2,  # a value in the request is out of range; the message names it
    "exists": 2,  # that session name is taken
    "no-session": 125,  # no such session of this user
    "closed": 125,  # the session ended; the message says why
    "attached": 125,  # the session is attached elsewhere
    "busy": 125,  # a command is running there
    "refused": 126,  # the policy does not allow this
    "unknown-command": 127,  # no such command in this endpoint
    "failed-start": 126,  # the program could not be started
    "sandbox": 125,  # the session's sandbox is not what was ordered
}


class Problem(Exception):
    """One error with a code from CODES and one sentence for a person."""

    def __init__(self, code: str, message: str) -> None:
        if code not in CODES:
            raise ValueError(f"unknown problem code {code!r}")
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """Exit status of a client that gives up because of this."""
        return CODES[self.code]


class ProtocolProblem(Problem):
    """The peer sent something that the protocol does not allow; the connection ends."""

    def __init__(self, message: str) -> None:
        super().__init__("protocol", message)
