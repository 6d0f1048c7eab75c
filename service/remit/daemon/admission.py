"""What a caller may have here: endpoints, commands, and a session ready to be started.

Owns the step from today's endpoint files to a policy, a plan and a record. Starts nothing and
asks nobody for a password.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from remit.daemon.authenticator import Origin
from remit.daemon.catalog import Catalog
from remit.daemon.registry import NAME, Record
from remit.policy.access import Caller, NotAdmitted, admit
from remit.policy.command import Policy
from remit.policy.effective import effective_policy
from remit.policy.endpoint import VIRTUAL, Endpoint
from remit.policy.environment import base_environment, start_directory
from remit.policy.plan import Plan, plan_session, run_as_account
from remit.policy.value import show_seconds
from remit.system.accounts import Account, find_account
from remit.wire.message import Message
from remit.wire.problem import Problem

LEAST_IDLE = 60  # seconds


@dataclass(frozen=True, slots=True)
class Opening:
    """A session that may be started: everything about it, before anything is."""

    id: str
    name: str
    account: Account
    origin: Origin
    endpoint: Endpoint
    plan: Plan
    policy: Policy
    idle_timeout: int
    kept: bool
    environment: Mapping[str, str]
    directory: str

    @property
    def most(self) -> int:
        return self.endpoint.session.sessions_per_user

    @property
    def needs_userdb(self) -> bool:
        return self.endpoint.session.dbus and self.endpoint.session.run_as == VIRTUAL

    def record(self, boot: str) -> Record:
        return Record(
            id=self.id,
            name=self.name,
            owner=self.account.user,
            uid=self.account.uid,
            endpoint=self.endpoint.name,
            run_as=self.plan.account,
            account_uid=0,
            boot=boot,
            invocation="",
            created=int(time.time()),
            peer=self.origin.peer,
            idle_timeout=self.idle_timeout,
            max_lifetime=self.endpoint.session.max_lifetime,
        )

    def policy_frame(self, namespaces: Mapping[str, str]) -> Message:
        """The worker's first frame."""
        rules = self.endpoint.session
        private = {kind: namespaces[kind] for kind in self.plan.private}
        return Message(
            "policy",
            session=self.id,
            policy=self.policy.to_json(),
            sandbox={**self.plan.expected, "namespaces": private},
            environment=dict(self.environment),
            directory=self.directory,
            idle_timeout=self.idle_timeout,
            grace=rules.grace,
            buffer=rules.buffer,
            when_full=rules.when_full,
            kept=self.kept,
        )


class Admission:
    """Answers for callers, by today's endpoint files."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def endpoints(self, account: Account, origin: Origin) -> list[dict[str, object]]:
        """The endpoints that this caller may use, by name."""
        return [
            {"name": name, "description": endpoint.description}
            for name, endpoint in sorted(self._catalog.endpoints.items())
            if not isinstance(admit(endpoint, _caller(account), origin.address), NotAdmitted)
        ]

    def endpoint(self, account: Account, origin: Origin, name: str) -> Endpoint:
        """Problem not-admitted, in the same words whether the endpoint exists or not."""
        endpoint = self._catalog.endpoints.get(name)
        answer = (
            NotAdmitted("there is no such endpoint")
            if endpoint is None
            else admit(endpoint, _caller(account), origin.address)
        )
        if endpoint is None or isinstance(answer, NotAdmitted):
            raise Rejected(name, answer.reason if isinstance(answer, NotAdmitted) else "")
        return endpoint

    def policy(self, account: Account, origin: Origin, name: str, session: str) -> Policy:
        """What the caller may run there. Problem not-admitted."""
        loaded = self._catalog.get(name)
        if loaded is None:
            raise Rejected(name, "there is no such endpoint")
        answer = effective_policy(loaded, _caller(account), origin.address, session)
        if isinstance(answer, NotAdmitted):
            raise Rejected(name, answer.reason)
        return answer

    def opening(self, account: Account, origin: Origin, request: Message) -> Opening:
        """A session as an `open` message asks for. Problem not-admitted or invalid."""
        endpoint = self.endpoint(account, origin, request.text("endpoint"))
        session = secrets.token_hex(16)
        policy = self.policy(account, origin, endpoint.name, session)
        name = request.text("name")
        if name and not NAME.fullmatch(name):
            raise Problem(
                "invalid",
                f"the name {name!r} cannot be given; expected a small letter, then up to 63 "
                "small letters, digits and '-'",
            )
        run_as = _run_as(endpoint, account)
        return Opening(
            id=session,
            name=name,
            account=account,
            origin=origin,
            endpoint=endpoint,
            plan=plan_session(endpoint, session, account.user, account.uid, policy.fields),
            policy=policy,
            idle_timeout=_idle_timeout(endpoint, request),
            kept=request.flag("kept"),
            environment=base_environment(
                endpoint.name, session, account.user, account.uid, origin.peer, *run_as
            ),
            directory=start_directory(endpoint, run_as[1]),
        )


class Rejected(Problem):
    """Not admitted: `reason` is for the journal, the message for the caller."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(
            "not-admitted",
            f"no endpoint {endpoint} for you here; `remit endpoints` lists those that you have",
        )
        self.endpoint = endpoint
        self.reason = reason


def _caller(account: Account) -> Caller:
    return Caller(account.user, account.uid, account.home, account.groups)


def _run_as(endpoint: Endpoint, account: Account) -> tuple[str, str]:
    """The run-as account's name and home."""
    name = run_as_account(endpoint, account.user, account.uid)
    if endpoint.session.run_as == VIRTUAL:
        return name, "/"
    found = find_account(name)
    return name, found.home if found else "/"


def _idle_timeout(endpoint: Endpoint, request: Message) -> int:
    rules = endpoint.session
    if not request.has("idle_timeout"):
        return rules.idle_timeout
    asked = request.number("idle_timeout")
    if not LEAST_IDLE <= asked <= rules.max_idle_timeout:
        raise Problem(
            "invalid",
            f"an idle timeout of {show_seconds(asked)}; expected from "
            f"{show_seconds(LEAST_IDLE)} to {show_seconds(rules.max_idle_timeout)} "
            f"in {endpoint.name}",
        )
    return asked
