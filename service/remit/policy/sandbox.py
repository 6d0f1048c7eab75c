"""The `[sandbox]` table: systemd's settings by their own names, checked and typed for D-Bus.

Owns which settings an endpoint may make and what each becomes as a property of the session's unit.
Does not own the properties that remit itself needs there, nor their defaults: those are the plan's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from remit.policy import value
from remit.policy.field import fill
from remit.policy.problem import Report, show
from remit.policy.schema import add_unknown, join, read_value
from remit.policy.value import INFINITY, Unfit


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a transient unit: its name, its D-Bus signature, its value."""

    name: str
    signature: str
    value: Any


Convert = Callable[[str, object], tuple[Property, ...]]
"""From a setting's name and its TOML value to properties; raises Unfit."""


def _boolean(name: str, found: object) -> tuple[Property, ...]:
    return (Property(name, "b", value.flag(found)),)


def _words(**values: str) -> Convert:
    """A setting that takes words and, where `true` or `false` is among them, booleans."""
    expected = " or ".join(
        word if word in ("true", "false") else f'"{word.replace("_", "-")}"' for word in values
    )

    def convert(name: str, found: object) -> tuple[Property, ...]:
        word = str(found).lower() if isinstance(found, bool) else found
        if not isinstance(word, str) or word.replace("-", "_") not in values or "_" in word:
            raise Unfit(expected)
        return (Property(name, "s", values[word.replace("-", "_")]),)

    return convert


def _bytes(name: str, found: object) -> tuple[Property, ...]:
    return (Property(name, "t", value.size(4096, infinite=True)(found)),)


def _unsigned(least: int, most: int, *, infinite: bool = False) -> Convert:
    read = value.integer(least, most)

    def convert(name: str, found: object) -> tuple[Property, ...]:
        if infinite and found == "infinity":
            return (Property(name, "t", INFINITY),)
        return (Property(name, "t", read(found)),)

    return convert


def _signed(least: int, most: int) -> Convert:
    read = value.integer(least, most)
    return lambda name, found: (Property(name, "i", read(found)),)


def _quota(_name: str, found: object) -> tuple[Property, ...]:
    digits = found.removesuffix("%") if isinstance(found, str) and found.endswith("%") else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6 and int(digits) > 0):
        raise Unfit('a share of one CPU such as "50%" or "200%"')
    return (Property("CPUQuotaPerSecUSec", "t", int(digits) * 10_000),)


def _limit(name: str, found: object) -> tuple[Property, ...]:
    """A resource limit: one number for both limits, or "SOFT:HARD"."""
    soft, _, hard = found.partition(":") if isinstance(found, str) else (str(found), "", "")
    if isinstance(found, bool) or not soft:
        raise Unfit('a number, "infinity" or "SOFT:HARD"')
    bounds = (_bound(soft), _bound(hard or soft))
    if bounds[0] > bounds[1]:
        raise Unfit("a soft limit that is not above the hard one")
    return (Property(name, "t", bounds[1]), Property(f"{name}Soft", "t", bounds[0]))


def _bound(word: str) -> int:
    if word == "infinity":
        return INFINITY
    if word.isascii() and word.isdigit() and len(word) <= 18:
        return int(word)
    raise Unfit('a number, "infinity" or "SOFT:HARD"')


def _paths(name: str, found: object) -> tuple[Property, ...]:
    return (Property(name, "as", list(value.list_of(_prefixed_path, "absolute paths")(found))),)


def _prefixed_path(found: object) -> str:
    """systemd's `-` (may be missing) before an absolute path; `%` has no meaning over D-Bus."""
    if not isinstance(found, str):
        raise Unfit("an absolute path")
    return ("-" if found.startswith("-") else "") + value.absolute_path(found.removeprefix("-"))


AF_INET, AF_INET6 = 2, 10  # Linux's numbers, on the wire to PID 1
_FAMILIES = ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET")


def _families(name: str, found: object) -> tuple[Property, ...]:
    families = list(value.list_of(value.choice(*_FAMILIES), "address families")(found))
    if "AF_UNIX" not in families:
        raise Unfit('a list with "AF_UNIX" in it', "the session itself is reached over AF_UNIX")
    return (Property(name, "(bas)", (True, families)),)


_KNOWN_NETWORKS = {
    "any": ("0.0.0.0/0", "::/0"),
    "localhost": ("127.0.0.0/8", "::1/128"),
    "link-local": ("169.254.0.0/16", "fe80::/64"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
}


def _addresses(name: str, found: object) -> tuple[Property, ...]:
    words = [found] if isinstance(found, str) else found
    if not isinstance(words, list):
        raise Unfit('addresses, networks, "any", "localhost", "link-local" or "multicast"')
    networks = []
    for word in words:
        known = _KNOWN_NETWORKS.get(word, (word,)) if isinstance(word, str) else (word,)
        networks += [_address(value.network(each)) for each in known]
    return (Property(name, "a(iayu)", networks),)


def _address(network: value.Network) -> tuple[int, list[int], int]:
    family = AF_INET if network.version == 4 else AF_INET6
    return (family, list(network.network_address.packed), network.prefixlen)


_HOME = _words(true="yes", false="no", read_only="read-only", tmpfs="tmpfs")

SETTINGS: Mapping[str, Convert] = {
    "CPUQuota": _quota,
    "CPUWeight": _unsigned(1, 10_000),
    "IOWeight": _unsigned(1, 10_000),
    "IPAddressAllow": _addresses,
    "IPAddressDeny": _addresses,
    "InaccessiblePaths": _paths,
    "LimitCORE": _limit,
    "LimitFSIZE": _limit,
    "LimitNOFILE": _limit,
    "LimitNPROC": _limit,
    "LockPersonality": _boolean,
    "MemoryHigh": _bytes,
    "MemoryMax": _bytes,
    "MemorySwapMax": lambda name, found: (
        Property(name, "t", value.size(0, infinite=True)(found)),
    ),
    "Nice": _signed(-20, 19),
    "PrivateDevices": _boolean,
    "PrivateIPC": _boolean,
    "PrivateNetwork": _boolean,
    "PrivateTmp": _boolean,
    "ProcSubset": _words(all="all", pid="pid"),
    "ProtectClock": _boolean,
    "ProtectHome": _HOME,
    "ProtectHostname": _boolean,
    "ProtectKernelLogs": _boolean,
    "ProtectKernelModules": _boolean,
    "ProtectKernelTunables": _boolean,
    "ProtectProc": _words(
        default="default", invisible="invisible", noaccess="noaccess", ptraceable="ptraceable"
    ),
    "ProtectSystem": _words(true="yes", false="no", full="full", strict="strict"),
    "ReadOnlyPaths": _paths,
    "ReadWritePaths": _paths,
    "RestrictAddressFamilies": _families,
    "RestrictRealtime": _boolean,
    "RestrictSUIDSGID": _boolean,
    "TasksMax": _unsigned(4, 2**31, infinite=True),
}
"""Every setting that an endpoint may make in this version."""

_RUNS = "remit runs the session's worker there"
_ENDS = "remit ends sessions by its own rules"
_ALWAYS = "remit always sets it"
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("Type", "ExecStart", "ExecStartPre", "ExecStartPost"), _RUNS),
    **dict.fromkeys(("ExecCondition", "ExecStop", "ExecStopPost", "ExecReload"), _RUNS),
    **dict.fromkeys(("RemainAfterExit", "NotifyAccess", "FileDescriptorStoreMax"), _RUNS),
    **dict.fromkeys(("RootDirectory", "RootImage", "PIDFile", "Sockets"), _RUNS),
    **dict.fromkeys(("KillMode", "KillSignal", "SendSIGKILL", "Restart"), _ENDS),
    **dict.fromkeys(("TimeoutStopSec", "TimeoutStartSec", "WatchdogSec"), _ENDS),
    **dict.fromkeys(("CollectMode", "OOMPolicy", "OOMScoreAdjust"), _ENDS),
    "RuntimeMaxSec": "write max_lifetime in [session]",
    **dict.fromkeys(("User", "Group", "DynamicUser", "PAMName"), "write run_as in [session]"),
    "SupplementaryGroups": "write groups in [session]",
    **dict.fromkeys(("Delegate", "Slice", "ProtectControlGroups"), "remit owns the cgroups"),
    **dict.fromkeys(("StandardInput", "StandardOutput", "StandardError"), "remit carries them"),
    **dict.fromkeys(("LogNamespace", "SyslogIdentifier"), "remit keeps the record there"),
    **dict.fromkeys(("NoNewPrivileges", "SystemCallArchitectures"), _ALWAYS),
    **dict.fromkeys(("Environment", "EnvironmentFile", "PassEnvironment"), "it is a command's key"),
    **dict.fromkeys(("AmbientCapabilities", "CapabilityBoundingSet"), "it is a command's key"),
    "RemoveIPC": "it would delete what belongs to the account outside; virtual accounts have it",
    "WorkingDirectory": "it is a command's key",
}
"""Settings that would break remit, or that have another place, and why."""

LATER = frozenset(
    (
        "AppArmorProfile",
        "BindPaths",
        "BindReadOnlyPaths",
        "DeviceAllow",
        "DevicePolicy",
        "IODeviceLatencyTargetSec",
        "IOReadBandwidthMax",
        "IOSchedulingClass",
        "IOSchedulingPriority",
        "IOWriteBandwidthMax",
        "KeyringMode",
        "LimitAS",
        "LimitMEMLOCK",
        "LimitSTACK",
        "MemoryLow",
        "MemoryMin",
        "NetworkNamespacePath",
        "PrivateMounts",
        "PrivatePIDs",
        "PrivateUsers",
        "RestrictFileSystems",
        "RestrictNamespaces",
        "RestrictNetworkInterfaces",
        "SELinuxContext",
        "SecureBits",
        "SystemCallErrorNumber",
        "SystemCallFilter",
        "TemporaryFileSystem",
        "UMask",
    )
)
"""Settings that a session will be able to make, but not in this version."""

IMPLIED_BY_DYNAMIC_USER: Mapping[str, tuple[object, ...]] = {
    "PrivateTmp": (True,),
    "ProtectHome": (True, "read-only", "tmpfs"),
    "ProtectSystem": ("strict",),
    "RestrictSUIDSGID": (True,),
}
"""What systemd makes of these for a dynamic user, whatever is written: only that may be written."""


def read_sandbox(table: Mapping[str, object], report: Report) -> tuple[Property, ...]:
    """The properties that the table asks for, in its order; what is wrong goes to the report."""
    properties: list[Property] = []
    for name, found in table.items():
        place = join("sandbox", name)
        if convert := SETTINGS.get(name):
            properties += read_value(partial(convert, name), found, place, report, ())
        elif reason := REFUSED.get(name):
            report.add(place, show(found), "no such setting", reason)
        elif name in LATER:
            report.later(place, found)
        else:
            add_unknown(name, SETTINGS, "sandbox", report)
    return tuple(properties)


def fill_properties(
    properties: tuple[Property, ...], fields: Mapping[str, str]
) -> tuple[Property, ...]:
    """The properties with {caller} and the other fields filled in their paths."""
    return tuple(_fill(each, fields) for each in properties)


def _fill(each: Property, fields: Mapping[str, str]) -> Property:
    if each.signature != "as":
        return each
    return replace(each, value=[fill(path, fields) for path in each.value])
