"""The units of a session, as data: what systemd is asked for, before anybody asks it.

Owns the default sandbox, the properties that remit needs, and what of it the worker has to find
in place. Starts nothing. Sources: systemd.exec(5), org.freedesktop.systemd1(5); the measurements
of the design.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from remit.policy.endpoint import CALLER, VIRTUAL, Endpoint
from remit.policy.sandbox import Property, fill_properties

VIRTUAL_PREFIX = "remit-v-"
WORKER = "/usr/libexec/remit/remit-worker"
SOCKETS = "/run/remit/sessions"
CGROUPS = "/sys/fs/cgroup"
STOP_SECONDS = 15  # more than the worker's own time for ending commands
START_SECONDS = 30
WATCHDOG_SECONDS = 30
MICROSECONDS = 1_000_000

BUS = "/run/dbus/system_bus_socket"
HIDDEN = ("/run/remit", "/run/systemd/journal", "/run/user")
"""From every session: sockets that anybody could connect to, and each user's own manager, which
would run anything for him outside."""

SECRET = (
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/remit/tls",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/ssl/private",
    "/run/systemd/private",
    "/var/lib/remit",
    "/var/lib/remit-gate",
)
"""Hidden besides from accounts that may be root's equal. From the others the files' own modes keep
it: a virtual account owns nothing, and callers gain nothing over what they may read anyway. Each
mount costs a session 3 ms."""

SHARED_MEMORY = ("/dev/shm", "mode=1777,nodev,nosuid,noexec")  # noqa: S108 - a mount point
ALLOWED_CALLS = (
    "@system-service",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
)
DENIED_CALLS = ("@keyring", "memfd_create", "memfd_secret", "userfaultfd")
READ_ONLY = {
    "no": (),
    "yes": ("/usr",),
    "full": ("/usr", "/etc"),
    "strict": ("/usr", "/etc", "/var", "/run"),
}
"""What the worker has to find read-only for each value of ProtectSystem=."""

NO_CALL = 1  # EPERM: the killing form kills Python at its first memfd_create

DEFAULTS: tuple[Property, ...] = (
    Property("LockPersonality", "b", True),
    Property("MemoryMax", "t", 1 << 30),
    Property("PrivateDevices", "b", True),
    Property("PrivateIPC", "b", True),
    Property("PrivateNetwork", "b", True),
    Property("PrivateTmp", "b", True),
    Property("ProtectClock", "b", True),
    Property("ProtectHome", "s", "tmpfs"),
    Property("ProtectHostname", "b", True),
    Property("ProtectKernelLogs", "b", True),
    Property("ProtectKernelModules", "b", True),
    Property("ProtectProc", "s", "invisible"),
    Property("ProtectSystem", "s", "strict"),
    Property("RestrictAddressFamilies", "(bas)", (True, ["AF_UNIX"])),
    Property("RestrictRealtime", "b", True),
    Property("RestrictSUIDSGID", "b", True),
    Property("TasksMax", "t", 128),
)
"""What a session gets unless its endpoint's [sandbox] says otherwise."""

ROOT_DEFAULTS = (Property("ProtectKernelTunables", "b", True),)
"""Besides, for accounts that may be root's equal: 20 mounts (32 ms) over files that are root's."""

ALWAYS: tuple[Property, ...] = (
    Property("AmbientCapabilities", "t", 0),
    Property("CapabilityBoundingSet", "t", 0),
    Property("NoNewPrivileges", "b", True),
    Property("ProtectControlGroups", "b", True),
    Property("SystemCallArchitectures", "as", ["native"]),
    Property("SystemCallErrorNumber", "i", NO_CALL),
    Property("SystemCallFilter", "(bas)", (True, list(ALLOWED_CALLS))),
    Property("SystemCallFilter", "(bas)", (False, list(DENIED_CALLS))),
    Property("UMask", "u", 0o077),
)
"""What no endpoint can change.

Not RestrictNamespaces=: it takes clone3 away, by which the worker starts its commands; these are
kept from new namespaces one by one (system/seccomp.py).
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """The two units of a session, and what its worker must find.

    `expected` is the table that worker/verify.py checks, but for the identities of PID 1's
    namespaces, which only the host knows: `private` names the kinds that must differ.
    """

    service: str
    socket: str
    listen: str
    account: str
    properties: tuple[Property, ...]
    socket_properties: tuple[Property, ...]
    expected: Mapping[str, object]
    private: tuple[str, ...]


def service_of(session: str) -> str:
    return f"remit-session-{session}.service"


def socket_of(session: str) -> str:
    return f"remit-session-{session}.socket"


def listen_path(session: str) -> str:
    return f"{SOCKETS}/{session}.sock"


def slice_of(endpoint: str) -> str:
    r"""One slice for each endpoint; `-` would nest them, so it becomes `\x2d`."""
    escaped = endpoint.replace("-", r"\x2d")
    return f"remit-{escaped}.slice"


def run_as_account(endpoint: Endpoint, user: str, uid: int) -> str:
    """The account's name; of a virtual one at most 31 characters, the same for the same caller."""
    if endpoint.session.run_as == CALLER:
        return user
    if endpoint.session.run_as != VIRTUAL:
        return endpoint.session.run_as
    digest = hashlib.sha256(f"{uid}:{endpoint.name}".encode()).digest()
    return VIRTUAL_PREFIX + base64.b32encode(digest)[:20].decode().lower()


def plan_session(
    endpoint: Endpoint, session: str, user: str, uid: int, fields: Mapping[str, str]
) -> Plan:
    """The units for a caller's new session on an endpoint."""
    account = run_as_account(endpoint, user, uid)
    powerful = _may_be_roots_equal(endpoint, uid)
    hidden = _hidden(endpoint, powerful)
    sandbox = _sandbox(endpoint, powerful, fields)
    return Plan(
        service=service_of(session),
        socket=socket_of(session),
        listen=listen_path(session),
        account=account,
        properties=(
            *_service(endpoint, session, account, user),
            *sandbox,
            *_paths(endpoint, session, hidden),
            *_run(sandbox),
        ),
        socket_properties=_socket(session),
        expected=_expected(sandbox, hidden),
        private=_private(sandbox),
    )


def _service(endpoint: Endpoint, session: str, account: str, user: str) -> tuple[Property, ...]:
    rules = endpoint.session
    return (
        Property("Description", "s", f"remit session of {user} on {endpoint.name}"),
        Property("Type", "s", "notify"),
        Property("NotifyAccess", "s", "main"),
        Property("ExecStart", "a(sasb)", [(WORKER, ["remit-worker"], False)]),
        Property("AddRef", "b", True),
        Property("After", "as", [socket_of(session)]),
        Property("Requires", "as", [socket_of(session)]),
        Property("CollectMode", "s", "inactive-or-failed"),
        Property("Delegate", "b", True),
        Property("KillMode", "s", "mixed"),
        Property("OOMPolicy", "s", "continue"),
        Property("RuntimeMaxUSec", "t", rules.max_lifetime * MICROSECONDS),
        Property("Slice", "s", slice_of(endpoint.name)),
        Property("StandardError", "s", "journal"),
        Property("StandardInput", "s", "null"),
        Property("StandardOutput", "s", "journal"),
        Property("SyslogIdentifier", "s", "remit-worker"),
        Property("TimeoutStartUSec", "t", START_SECONDS * MICROSECONDS),
        Property("TimeoutStopUSec", "t", STOP_SECONDS * MICROSECONDS),
        Property("WatchdogUSec", "t", WATCHDOG_SECONDS * MICROSECONDS),
        *_identity(endpoint, account),
    )


def _identity(endpoint: Endpoint, account: str) -> tuple[Property, ...]:
    if endpoint.session.run_as != VIRTUAL:
        return (Property("User", "s", account),)
    return (
        Property("DynamicUser", "b", True),
        Property("User", "s", account),
        Property("SupplementaryGroups", "as", list(endpoint.session.groups)),
    )


def _may_be_roots_equal(endpoint: Endpoint, uid: int) -> bool:
    """A named account may have any uid and groups; who the caller is, is known."""
    run_as = endpoint.session.run_as
    return uid == 0 if run_as == CALLER else run_as != VIRTUAL


def _sandbox(endpoint: Endpoint, powerful: bool, fields: Mapping[str, str]) -> tuple[Property, ...]:
    chosen = fill_properties(endpoint.sandbox, fields)
    names = {each.name for each in chosen}
    defaults = (*DEFAULTS, *ROOT_DEFAULTS) if powerful else DEFAULTS
    return (*(each for each in defaults if each.name not in names), *chosen, *ALWAYS)


def _paths(endpoint: Endpoint, session: str, hidden: Iterable[str]) -> tuple[Property, ...]:
    cgroup = f"{CGROUPS}/remit.slice/{slice_of(endpoint.name)}/{service_of(session)}"
    return (
        Property("InaccessiblePaths", "as", [f"-{path}" for path in hidden]),
        Property("ReadWritePaths", "as", [cgroup]),
    )


def _run(sandbox: Iterable[Property]) -> tuple[Property, ...]:
    """What "strict" promises and systemd 252 and 257 do not keep: with ProtectProc= or
    ProtectControlGroups= they leave /run writable. And shared memory is the session's own."""
    strict = any(each.name == "ProtectSystem" and each.value == "strict" for each in sandbox)
    return (
        Property("TemporaryFileSystem", "a(ss)", [SHARED_MEMORY]),
        *((Property("ReadOnlyPaths", "as", ["/run"]),) if strict else ()),
    )


def _hidden(endpoint: Endpoint, powerful: bool) -> tuple[str, ...]:
    bus = () if endpoint.session.dbus else (BUS,)
    return (*HIDDEN, *bus, *(SECRET if powerful else ()))


def _socket(session: str) -> tuple[Property, ...]:
    return (
        Property("Description", "s", "remit session's socket"),
        Property("BindsTo", "as", [service_of(session)]),
        Property("CollectMode", "s", "inactive-or-failed"),
        Property("Listen", "a(ss)", [("Stream", listen_path(session))]),
        Property("RemoveOnStop", "b", True),
        Property("SocketMode", "u", 0o600),
    )


def _expected(sandbox: Iterable[Property], hidden: Iterable[str]) -> dict[str, object]:
    values = {each.name: each.value for each in sandbox}
    return {
        "no_new_privileges": True,
        "seccomp": True,
        "capabilities": "0",
        "read_only": list(READ_ONLY[str(values["ProtectSystem"])]),
        "hidden": list(hidden),
    }


def _private(sandbox: Iterable[Property]) -> tuple[str, ...]:
    values = {each.name: each.value for each in sandbox}
    kinds = {"ipc": "PrivateIPC", "net": "PrivateNetwork", "uts": "ProtectHostname"}
    return ("mnt", *(kind for kind, name in kinds.items() if values.get(name) is True))
