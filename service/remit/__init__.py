"""remit: PowerShell's sessions and just enough administration, for Linux and its systemd.

    with remit.connect("host-status@web1", password=ask) as connection:
        with connection.open() as session:
            print(session.run(["uptime"]).stdout)

The library is loaded when something of it is first used.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["Connection", "Problem", "Result", "Session", "connect"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from remit.client.library import Connection, Problem, Result, Session, connect


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from remit.client import library

    return getattr(library, name)
