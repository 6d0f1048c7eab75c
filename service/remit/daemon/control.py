"""remitctl's questions: what is loaded and running here, and load the endpoint files again.

Owns the two requests of the control socket, which only root can open.
"""

from __future__ import annotations

from collections.abc import Callable

from remit import __version__
from remit.daemon.audit import Audit
from remit.daemon.catalog import Catalog
from remit.daemon.channel import Channel, Closed
from remit.daemon.listing import describe
from remit.daemon.sessions import Sessions
from remit.policy.problem import Problem
from remit.system.fingerprint import read_fingerprint
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem

CERTIFICATES = ("/etc/remit/tls/cert.pem", "/var/lib/remit-gate/cert.pem")


class Control:
    """Serves one connection after the other's requests, each at once."""

    def __init__(self, catalog: Catalog, sessions: Sessions, audit: Audit) -> None:
        self._catalog = catalog
        self._sessions = sessions
        self._audit = audit

    async def serve(self, channel: Channel) -> None:
        handlers: dict[str, Callable[[], Message]] = {
            "status": self._status,
            "reload": self._reload,
        }
        try:
            while True:
                request = await channel.receive()
                handler = handlers.get(request.type)
                if handler is None:
                    raise ProtocolProblem(f"{request.type} on the control socket")
                await channel.send(handler())
        except (Closed, ConnectionError):
            pass
        except ProtocolProblem as problem:
            failed = Message("failed", code=problem.code, message=problem.message)
            await channel.send(failed)

    def reload(self) -> list[Problem]:
        """Load the endpoint files again; what was wrong with them, which is in the journal too."""
        problems = self._catalog.reload()
        for problem in problems:
            self._audit.note("endpoint", reason=str(problem))
        loaded = len(self._catalog.endpoints)
        self._audit.note("reloaded", reason=f"{loaded} in force, {len(problems)} problems")
        return problems

    def _reload(self) -> Message:
        return Message("reloaded", problems=[each.to_json() for each in self.reload()])

    def _status(self) -> Message:
        sessions = [
            {**describe(each), "owner": each.record.owner} for each in self._sessions.living()
        ]
        status: dict[str, object] = {
            "version": __version__,
            "fingerprint": _fingerprint(),
            "endpoints": self._catalog.status(),
            "sessions": sessions,
        }
        return Message("host-status", status=status)


def _fingerprint() -> str:
    """Of the certificate that the gate shows; empty before its first start."""
    for path in CERTIFICATES:
        try:
            return read_fingerprint(path)
        except (OSError, ValueError):
            continue
    return ""
