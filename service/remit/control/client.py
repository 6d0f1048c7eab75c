"""remitctl's conversation with remitd: one request on the control socket, one reply.

Owns the connection and its deadline. Shows nothing.
"""

from __future__ import annotations

import socket

from remit.control.failure import Failure
from remit.wire.frame import Frame, FrameReader
from remit.wire.message import Message, parse_message
from remit.wire.problem import ProtocolProblem

SOCKET = "/run/remit/control.sock"
SECONDS = 60  # loading the files may ask a slow name service
_CHUNK = 1 << 16


def ask(request: Message, reply: str) -> Message:
    """remitd's reply of type `reply`. Failure if there is no remitd, or it answers otherwise."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(SECONDS)
            connection.connect(SOCKET)
            connection.sendall(request.encode())
            answer = parse_message(_receive(connection))
    except PermissionError as error:
        raise Failure(f"only root may ask remitd ({SOCKET}); use sudo") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        hint = "`systemctl status remitd.service` says why"
        raise Failure(f"remitd is not running here, nobody listens on {SOCKET}; {hint}") from error
    except TimeoutError as error:
        raise Failure(f"remitd did not answer within {SECONDS} seconds") from error
    except (OSError, ProtocolProblem) as error:
        raise Failure(f"remitd did not answer: {error}") from error
    if answer.type == "failed":
        raise Failure(f"remitd answered: {answer.text('message')}")
    if answer.type != reply:
        found = f"remitd answered with {answer.type}"
        raise Failure(f"{found}, expected {reply}; is it of another version?")
    return answer


def _receive(connection: socket.socket) -> Frame:
    reader = FrameReader(data=False)
    while data := connection.recv(_CHUNK):
        for frame in reader.feed(data):
            return frame
    raise ConnectionError("the connection was closed")
