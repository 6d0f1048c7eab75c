"""The environment of a session's commands, built from nothing.

Owns the variables that every command gets. What the endpoint adds is in the command's own
`environment`; nothing comes from the client or from PAM.
"""

from __future__ import annotations

from remit.policy.endpoint import VIRTUAL, Endpoint

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Programs that show text start no pager, and those that want an editor get none.
QUIET = {
    "EDITOR": "/bin/false",
    "GIT_PAGER": "cat",
    "LESSSECURE": "1",
    "MANPAGER": "cat",
    "PAGER": "cat",
    "SYSTEMD_EDITOR": "/bin/false",
    "SYSTEMD_PAGER": "",
    "SYSTEMD_PAGERSECURE": "1",
    "VISUAL": "/bin/false",
}


def base_environment(
    endpoint: str, session: str, user: str, uid: int, peer: str, account: str, home: str
) -> dict[str, str]:
    """`account` and `home` are the run-as account's, the rest says who asked for it."""
    return {
        **QUIET,
        "HOME": home,
        "LANG": "C.UTF-8",
        "LOGNAME": account,
        "PATH": PATH,
        "REMIT_ENDPOINT": endpoint,
        "REMIT_PEER": peer,
        "REMIT_SESSION": session,
        "REMIT_UID": str(uid),
        "REMIT_USER": user,
        "TERM": "dumb",
        "USER": account,
    }


def start_directory(endpoint: Endpoint, home: str) -> str:
    """Where commands start: the account's home, if the session can see homes at all."""
    shown = any(
        each.name == "ProtectHome" and each.value in ("no", "read-only")
        for each in endpoint.sandbox
    )
    return home if shown and endpoint.session.run_as != VIRTUAL else "/"
