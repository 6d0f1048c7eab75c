"""From a request to its answer: decided, run, and remembered; one command at a time.

The one place that lets a command run. Owns the requests, the running command and the control group
that waits for the next one. Who is attached and how long the session lives it does not know.
"""

from __future__ import annotations

from remit.policy.characters import quote
from remit.system.cgroup import Cgroup, OwnCgroup
from remit.system.process import release_memory
from remit.wire.problem import Problem
from remit.worker.execute import Execution, Watcher
from remit.worker.loop import Loop
from remit.worker.output import Budget
from remit.worker.request import MAX_UNSETTLED, Request, Requests
from remit.worker.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from remit.policy.decide import Allowed

_MUCH = 1 << 20  # bytes of output after which an idle session gives its memory back
_STOPPING = 2.0  # seconds between SIGTERM and SIGKILL when the session ends


class Listener:
    """Who is told what a session's commands do."""

    def tell(self, event: str, **fields: str) -> None:
        """Something for the journal."""
        raise NotImplementedError

    def progress(self) -> None:
        """There may be something to send."""
        raise NotImplementedError

    def changed(self, running: str) -> None:
        """A command has begun (its words), or ended (nothing)."""
        raise NotImplementedError

    def survived(self, command: str) -> None:
        """Something of a command cannot be ended but with the unit."""
        raise NotImplementedError


class Caller:
    """For whom a command runs."""

    __slots__ = ("peer", "user")

    def __init__(self, user: str, peer: str) -> None:
        self.user = user
        self.peer = peer


class Runner(Watcher):
    """The commands of one session."""

    def __init__(self, loop: Loop, settings: Settings, home: OwnCgroup, listener: Listener) -> None:
        """`home` is the session's own group. OSError if none can be made beneath it."""
        self.budget = Budget(settings.buffer, settings.drops)
        self.requests = Requests(self.budget)
        self.running = ""
        self.closed = False
        self._loop = loop
        self._settings = settings
        self._listener = listener
        self._home = home
        self._made = 0
        self._spare: Cgroup | None = self._new_cgroup()
        self._execution: Execution | None = None

    @property
    def owes(self) -> bool:
        """Whether a client has not had all that it asked for."""
        return bool(self.requests.unsettled())

    def run(self, id_: str, argv: list[str], stdin: bool, caller: Caller) -> Request:
        """The new request; if it failed it says so itself."""
        request = self.requests.add(id_)
        try:
            self._check_free()
            allowed = self._decide(request, argv)
            self._execute(request, allowed, stdin, caller)
        except Problem as problem:
            request.fail(problem)
            if problem.code in ("busy", "limit", "closed"):  # not judged yet: it may be sent again
                self.requests.forget(id_)
        return request

    def cancel(self, id_: str) -> None:
        """Nothing if that request does not run."""
        if self._execution is not None and self._execution.request.id == id_:
            self._execution.interrupt(self._settings.grace)

    def resume(self) -> None:
        """Output was confirmed."""
        if self._execution is not None:
            self._execution.resume()
        elif not self.budget.used and self.budget.most > _MUCH:
            self.budget.most = 0
            release_memory()

    def close(self) -> bool:
        """Take no more requests and end what runs; False if nothing is left already."""
        self.closed = True
        if self._execution is None:
            self._drop_spare()
            self._home.clear()
            return False
        self._execution.stop(_STOPPING)
        return True

    def progress(self) -> None:
        self._listener.progress()

    def survived(self) -> None:
        self.closed = True
        self._listener.survived(self.running)

    def ended(self, request: Request, problem: Problem | None, status: int) -> None:
        self._execution = None
        if problem is not None:
            request.fail(Problem(problem.code, f"{self.running} {problem.message}"))
            self._listener.tell("exited", command=self.running, reason=problem.message)
        else:
            request.end(status)
            how = f"signal {-status}" if status < 0 else f"status {status}"
            self._listener.tell("exited", command=self.running, reason=how)
        self.running = ""
        self._listener.progress()
        self._listener.changed("")
        self._prepare()

    def _check_free(self) -> None:
        if self.closed:
            raise Problem("closed", "this session is ending")
        if self._execution is not None:
            raise Problem("busy", f"{self.running} is running in this session; wait or cancel it")
        if not self.requests.has_room():
            raise Problem("limit", f"{MAX_UNSETTLED} answers wait for being confirmed")

    def warm(self) -> None:
        """Load what decides, while nobody waits."""
        import remit.worker.judge  # noqa: F401

    def _decide(self, request: Request, argv: list[str]) -> Allowed:
        from remit.worker.judge import Refusal, judge

        answer = judge(self._settings.policy, argv, self._settings.directory)
        if isinstance(answer, Refusal):
            self._listener.tell(
                "refused",
                command=_say(answer.argv),
                code=answer.code,
                reason=answer.text,
                request=request.id,
            )
            raise Problem(answer.code, answer.text)
        self._listener.tell(
            "allowed",
            command=_say(answer.shown),
            role=answer.role,
            usage=answer.usage,
            request=request.id,
        )
        return answer

    def _execute(self, request: Request, allowed: Allowed, stdin: bool, caller: Caller) -> None:
        self.running = _say(allowed.request)
        environment = {**self._settings.environment, **allowed.environment}
        environment.update(REMIT_USER=caller.user, REMIT_PEER=caller.peer)
        directory = allowed.directory or self._settings.directory
        try:
            cgroup = self._spare or self._new_cgroup()
            self._spare = cgroup
            wants = stdin and allowed.command.stdin
            execution = Execution(self._loop, self, request, self.budget, wants, self._home)
            execution.start(allowed.argv, environment, directory, cgroup)
        except OSError as error:
            message = f"{self.running} could not be started: {error.strerror or error}"
            self.running = ""
            raise Problem("failed-start", message) from None
        self._spare = None
        self._execution = execution
        if allowed.command.timeout:
            execution.limit(allowed.command.timeout, self._settings.grace)
        self._listener.changed(self.running)

    def _prepare(self) -> None:
        """A group for the next command, while nobody waits for it."""
        if self.closed:
            self._drop_spare()
        elif self._spare is None:
            self._spare = self._new_cgroup()

    def _new_cgroup(self) -> Cgroup:
        self._made += 1
        return self._home.make(f"command-{self._made}")

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.remove()
            self._spare = None


def _say(argv: tuple[str, ...]) -> str:
    return " ".join(map(quote, argv))
