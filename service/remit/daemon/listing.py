"""A session as its user sees it in a list: PowerShell's state and availability, made exact."""

from __future__ import annotations

import time
from collections.abc import Mapping

from remit.daemon.session import Session


def describe(session: Session) -> dict[str, object]:
    """For a client that is not attached to it. Times in seconds; -1 where there is none."""
    record, state = session.record, session.state
    attached = bool(state.get("attached"))
    now = int(time.time())
    idle_since = _number(state, "idle_since")
    expires = _number(state, "expires")
    return {
        "id": record.id,
        "name": record.name,
        "endpoint": record.endpoint,
        "state": "Disconnected" if session.opened else "Opening",
        "availability": "Busy" if attached else "None",
        "running": str(state.get("running") or ""),
        "attached_from": str(state.get("peer") or "") if attached else "",
        "created": record.created,
        "idle_for": max(0, now - idle_since) if idle_since else -1,
        "expires_in": max(0, expires - now) if expires else -1,
    }


def _number(state: Mapping[str, object], key: str) -> int:
    value = state.get(key)
    return value if isinstance(value, int) else 0
