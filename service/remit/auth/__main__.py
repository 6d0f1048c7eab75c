"""remit-auth's start: the connection is descriptor 3, systemd's Accept=yes."""

from __future__ import annotations

import socket
import sys
import syslog

from remit.auth.conversation import Abandoned, Conversation
from remit.system.pam import Transaction
from remit.wire.problem import ProtocolProblem

CONNECTION = 3  # SD_LISTEN_FDS_START


def main() -> int:
    """Exit status: 0 when a verdict was given or nobody waits for one, 1 else."""
    syslog.openlog("remit-auth", syslog.LOG_PID, syslog.LOG_AUTHPRIV)  # PAM's modules use it
    transaction = Transaction()  # before `start` comes: remitd keeps one of us waiting
    with socket.socket(fileno=CONNECTION) as connection:
        try:
            Conversation(connection).hold(transaction)
        except (Abandoned, ConnectionError):
            return 0
        except (ProtocolProblem, OSError, ValueError) as error:
            sys.stderr.write(f"<4>remit-auth: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
