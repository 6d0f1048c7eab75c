"""User and group records that nss-systemd finds, for dynamic users who must be heard by D-Bus.

dbus-daemon may not ask PID 1 who a dynamic user is (PID 1 is its own client), but reads the
records in /run/userdb. Source: systemd.io/USER_RECORD, nss-systemd(8).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

DIRECTORY = Path("/run/userdb")
MODE = 0o644


def add_record(name: str, uid: int, real_name: str, directory: Path = DIRECTORY) -> None:
    """Write the user's and group's records, found by name and by number."""
    directory.mkdir(mode=0o755, exist_ok=True)
    user = {
        "userName": name,
        "uid": uid,
        "gid": uid,
        "realName": real_name,
        "homeDirectory": "/",
        "shell": "/usr/sbin/nologin",
        "disposition": "dynamic",
        "locked": True,
    }
    group = {"groupName": name, "gid": uid, "disposition": "dynamic"}
    for record, suffix in ((user, "user"), (group, "group")):
        _write(directory / f"{name}.{suffix}", record)
        _link(directory / f"{uid}.{suffix}", f"{name}.{suffix}")


def find_records(prefix: str, directory: Path = DIRECTORY) -> dict[str, int]:
    """The users whose names begin like that, with their uids; what cannot be read is left out."""
    found = {}
    for path in directory.glob(f"{prefix}*.user"):
        try:
            found[path.stem] = int(json.loads(path.read_text())["uid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def remove_record(name: str, uid: int, directory: Path = DIRECTORY) -> None:
    """Take the records away; those that are not there are no error."""
    for suffix in ("user", "group"):
        (directory / f"{name}.{suffix}").unlink(missing_ok=True)
        (directory / f"{uid}.{suffix}").unlink(missing_ok=True)


def _write(path: Path, record: dict[str, object]) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(json.dumps(record))
    temporary.chmod(MODE)
    temporary.replace(path)


def _link(path: Path, target: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    os.symlink(target, temporary)
    temporary.replace(path)
