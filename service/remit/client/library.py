"""What `import remit` offers."""

from __future__ import annotations

from remit.client.connection import Connection
from remit.client.opening import connect
from remit.client.session import Result, Session
from remit.wire.problem import Problem

__all__ = ["Connection", "Problem", "Result", "Session", "connect"]
