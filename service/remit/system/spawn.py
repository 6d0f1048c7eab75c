"""A program in a new process that is born in its control group, and that nothing leaks into.

Sources: clone3(2), pidfd_open(2), execve(2). subprocess can do neither of the first two, and takes
ten times the memory.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import struct
from collections.abc import Callable, Mapping, Sequence

_SYS_CLONE3 = 435  # the same number on every architecture
_CLONE_PIDFD = 0x1000
_CLONE_INTO_CGROUP = 0x2_0000_0000
# flags pidfd child_tid parent_tid exit_signal stack stack_size tls set_tid set_tid_size cgroup
_CLONE_ARGS = struct.Struct("=11Q")
_FAILURE = struct.Struct("=i")
_STEPS = ("set up", "enter its directory", "be confined", "start")

# The worker's one handler must not run in the child; SIGTERM waits until it is the default again.
_HELD = (signal.SIGTERM,)
# execve resets handlers, not what is ignored: by Python (PIPE, XFSZ) or by whoever started us.
_IGNORED = tuple(n for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN)

# PyDLL keeps the interpreter's lock over a call, so that the child of a clone owns it.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class StartFailure(OSError):
    """The child got as far as `step` ("start" is the execve) and no further."""

    def __init__(self, number: int, step: str) -> None:
        super().__init__(number, os.strerror(number))
        self.step = step


class Child:
    """A process that may not have come to its program yet.

    `pidfd` is readable when it has ended. `report` is readable when the program runs or never
    will: then ask `check_started`, once.
    """

    __slots__ = ("pid", "pidfd", "report")

    def __init__(self, pid: int, pidfd: int, report: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.report = report

    def check_started(self) -> None:
        """StartFailure if the program could not be executed; the child has then ended."""
        content = os.read(self.report, 64)
        os.close(self.report)
        self.report = -1
        if content:
            number, step = _FAILURE.unpack(content[:-1])[0], _STEPS[content[-1]]
            raise StartFailure(number, step)

    def wait(self) -> int:
        """Collect the ended process: its exit status, or the negative number of its signal."""
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        os.close(self.pidfd)
        self.pidfd = -1
        if result is None or result.si_code != os.CLD_EXITED:
            return -(result.si_status if result else signal.SIGKILL)
        return result.si_status


class Plan:
    """What the child becomes. The three descriptors stay the caller's."""

    __slots__ = ("argv", "cgroup", "confine", "directory", "environment", "streams")

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        directory: str,
        streams: tuple[int, int, int],
        cgroup: int,
        confine: Callable[[], object],
    ) -> None:
        """`argv[0]` is an absolute path; `cgroup` a descriptor of the group's directory; `confine`
        is the last that the child does before its program, OSError of it keeps it from that."""
        self.argv = [os.fsencode(argument) for argument in argv]
        self.environment = {os.fsencode(k): os.fsencode(v) for k, v in environment.items()}
        self.directory = directory
        self.streams = streams
        self.cgroup = cgroup
        self.confine = confine


def spawn(plan: Plan) -> Child:
    """Start it: a session leader with default signals and the three streams alone.

    OSError if the process cannot be made (ENOSYS: the kernel lacks clone3); whether the program
    could be executed `Child.check_started` says.
    """
    report, told = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        pid, pidfd = _clone(plan.cgroup)
        if pid == 0:
            _become(plan, told)
    except BaseException:
        os.close(report)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(told)
    return Child(pid, pidfd, report)


def _clone(cgroup: int) -> tuple[int, int]:
    """fork() into a control group: (0, -1) in the child, (pid, pidfd) in the parent.

    The caller has one thread, and the child executes a program at once: Python's own work after
    a fork is not due.
    """
    pidfd = ctypes.c_int(-1)
    arguments = _CLONE_ARGS.pack(
        _CLONE_PIDFD | _CLONE_INTO_CGROUP,
        ctypes.addressof(pidfd),
        *(0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0),
        cgroup,
    )
    pid = _libc.syscall(ctypes.c_long(_SYS_CLONE3), arguments, ctypes.c_size_t(len(arguments)))
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"clone3 into the control group: {os.strerror(number)}")
    return pid, pidfd.value


def _become(plan: Plan, told: int) -> None:
    """In the child: never returns."""
    step = 0
    try:
        os.setsid()
        _reset_signals()
        told = _take_streams(plan.streams, told)
        step = 1
        os.chdir(plan.directory)
        step = 2
        plan.confine()
        step = 3
        os.execve(plan.argv[0], plan.argv, plan.environment)  # noqa: S606  that is the point
    except (OSError, ValueError) as error:  # ValueError: a NUL in what was to be passed
        number = getattr(error, "errno", None) or errno.EINVAL
        os.write(told, _FAILURE.pack(number) + bytes([step]))
    finally:
        os._exit(127)


def _take_streams(streams: tuple[int, int, int], told: int) -> int:
    """Make the streams 0, 1 and 2 and the reporting end 3, and close the rest."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 4) for fd in (*streams, told)]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number, inheritable=number < 3)
    os.closerange(4, 1 << 30)
    return 3


def _reset_signals() -> None:
    for number in (*_IGNORED, *_HELD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
