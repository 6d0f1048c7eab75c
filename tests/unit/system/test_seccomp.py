"""The filter against the kernel itself: what a command may still do, and what not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from remit.system.seccomp import make_filter

SCRIPT = """
import ctypes, os, struct, subprocess, sys
from remit.system.seccomp import install_filter, make_filter
libc = ctypes.CDLL(None, use_errno=True)
if sys.argv[2] == "filtered":
    libc.prctl(38, 1, 0, 0, 0)
    install_filter(make_filter(os.uname().machine))
def call(*arguments):
    found = libc.syscall(*map(ctypes.c_long, arguments))
    if found == 0 and sys.argv[1].startswith("clone"):
        os._exit(0)
    return "done" if found >= 0 else os.strerror(ctypes.get_errno())
def clone3(flags):
    arguments = ctypes.create_string_buffer(struct.pack("=11Q", flags, *[0] * 3, 17, *[0] * 6))
    return call(435, ctypes.addressof(arguments), 88)
x86 = os.uname().machine == "x86_64"
attacks = {
    "clone3-user": lambda: clone3(0x10000000),
    "clone3-plain": lambda: clone3(0),
    "clone-user": lambda: call(56 if x86 else 220, 0x10000000 | 17, 0, 0, 0, 0),
    "clone-mount": lambda: call(56 if x86 else 220, 0x00020000 | 17, 0, 0, 0, 0),
    "unshare": lambda: call(272 if x86 else 97, 0x10000000),
    "setns": lambda: call(308 if x86 else 268, os.open("/proc/self/ns/uts", os.O_RDONLY), 0),
    "x32": lambda: call(0x40000000 | 39),
    "fork": lambda: "done" if os.waitpid(os.fork() or os._exit(0), 0) else "",
    "program": lambda: subprocess.run(["true"]).returncode or "done",
    "thread": lambda: (t := __import__("threading").Thread(target=int), t.start(), t.join())
    and "done",
}
print(attacks[sys.argv[1]]())
"""


def attempt(attack: str, how: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, attack, how],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "service"},
    )
    return done.stdout.strip()


@pytest.mark.parametrize("attack", ["clone-user", "clone-mount", "unshare", "setns"])
def test_new_namespaces_are_refused(attack: str) -> None:
    assert attempt(attack, "free") == "done"
    assert attempt(attack, "filtered") == "Operation not permitted"


@pytest.mark.parametrize("attack", ["clone3-user", "clone3-plain"])
def test_clone3_is_not_there_so_that_libraries_take_clone(attack: str) -> None:
    assert attempt(attack, "free") == "done"
    assert attempt(attack, "filtered") == "Function not implemented"


def test_another_abis_numbers_are_refused() -> None:
    if os.uname().machine == "x86_64":
        assert attempt("x32", "filtered") == "Operation not permitted"


@pytest.mark.parametrize("use", ["fork", "program", "thread"])
def test_processes_and_threads_are_made_as_before(use: str) -> None:
    assert attempt(use, "filtered") == "done"


def test_a_machine_whose_numbers_are_unknown_gets_no_filter_that_does_nothing() -> None:
    with pytest.raises(OSError, match="no filter of system calls for vax"):
        make_filter("vax")
