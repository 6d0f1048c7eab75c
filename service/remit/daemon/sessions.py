"""All sessions of this host: opened, found again, listed, ended.

Owns the registry, the units and one task for each session, from its start until nothing is left
of it. Does not judge who may have one (admission.py does).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from remit.daemon.admission import Opening
from remit.daemon.audit import Audit
from remit.daemon.channel import Channel, Closed
from remit.daemon.registry import TOMBSTONE_SECONDS, Record, Registry
from remit.daemon.session import Session
from remit.daemon.units import Units
from remit.policy.plan import STOP_SECONDS, VIRTUAL_PREFIX, listen_path
from remit.system import userdb
from remit.system.dbus import BusError
from remit.system.kernel import boot_id, first_namespaces
from remit.wire.frame import MAX_CONTROL
from remit.wire.message import Message
from remit.wire.problem import Problem, ProtocolProblem

MAX_SESSIONS = 500  # on the whole host
CHECK_SECONDS = 15


class Sessions:
    """Every method runs in the event loop; a session's task ends when its units are gone."""

    def __init__(self, units: Units, registry: Registry, audit: Audit) -> None:
        self._units = units
        self._registry = registry
        self._audit = audit
        self._boot = boot_id()
        self._namespaces = first_namespaces()
        self._living: dict[str, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def living(self) -> list[Session]:
        return list(self._living.values())

    def of_user(self, uid: int) -> list[Session]:
        return [each for each in self._living.values() if each.record.uid == uid]

    def find(self, uid: int, handle: str) -> Session:
        """A user's own living session. Problem no-session or closed, which says why."""
        record = self._registry.find(uid, handle)
        if record is None:
            raise Problem("no-session", f"no session {handle} of yours here")
        session = self._living.get(record.id)
        if session is None:
            raise Problem("closed", f"session {handle} is closed: {record.reason}")
        if not session.opened:
            raise Problem("busy", f"session {handle} is being opened; try again in a moment")
        return session

    async def open(self, opening: Opening) -> Session:
        """Start a session and wait until its worker is ready. Problem if that fails; then
        nothing is left of it."""
        self._check_quota(opening)
        record = opening.record(self._boot)
        session = Session(record, self._audit)
        self._living[record.id] = session
        try:
            await self._start(session, opening)
        except BaseException as error:
            await self._give_up(session, error)
            raise
        session.opened = True
        self._keep(session)
        return session

    async def end(self, session: Session, reason: str) -> None:
        """End a session and wait until nothing is left of it."""
        try:
            await session.ask_to_end(reason)
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.shield(session.gone)
        except (OSError, TimeoutError):
            await self._units.stop(session.record.id)
            await asyncio.shield(session.gone)

    async def restore(self) -> list[str]:
        """Find again what an earlier remitd left; returns what was wrong with its records."""
        faults = self._registry.load()
        running = await self._units.running()
        for record in self._registry.living():
            if record.boot != self._boot:
                self._close(record, "host restarted")
            elif record.id not in running:
                self._close(record, "it ended while remitd was not running")
            else:
                await self._readopt(record)
        self._forget_strange_accounts()
        for stray in running - self._living.keys():
            faults.append(f"session {stray} is in no record: stopped")
            await self._units.stop(stray)
        return faults

    async def check(self) -> None:
        """For ever: end what is overdue, forget what ended long ago."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                self._registry.forget_before(int(time.time()) - TOMBSTONE_SECONDS)
                for session in self.living():
                    if session.overdue():
                        await self._units.stop(session.record.id)
            except OSError as error:
                self._audit.note("defect", reason=f"looking after the sessions: {error}")

    async def close(self) -> None:
        """Leave the sessions running and stop attending to them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _check_quota(self, opening: Opening) -> None:
        own = self.of_user(opening.account.uid)
        here = [each for each in own if each.record.endpoint == opening.endpoint.name]
        if len(self._living) >= MAX_SESSIONS:
            raise Problem("limit", f"this host has its {MAX_SESSIONS} sessions")
        if len(here) >= opening.most:
            raise Problem(
                "limit",
                f"you have {len(here)} sessions on {opening.endpoint.name}, at most {opening.most} "
                "are allowed; `remit list` shows them, `remit remove -s SESSION` ends one",
            )
        if opening.name and any(each.record.name == opening.name for each in own):
            raise Problem("exists", f"you have a session {opening.name} here already")

    async def _start(self, session: Session, opening: Opening) -> None:
        record = session.record
        self._registry.put(record)
        try:
            await self._units.start(record.id, opening.plan)
            monitor = await Channel.connect(listen_path(record.id), MAX_CONTROL)
            await session.introduce(monitor, opening.policy_frame(self._namespaces))
            session.record = await self._complete(record, opening)
        except Closed:
            why = await self._wait_end(session)
            raise Problem("unavailable", f"the session could not be started: {why}") from None
        except (BusError, OSError, ProtocolProblem, TimeoutError) as error:
            why = str(error) or "it took too long"
            raise Problem("unavailable", f"the session could not be started: {why}") from error
        self._registry.put(session.record)

    async def _wait_end(self, session: Session) -> str:
        """Wait until a service has ended whose worker is gone; one that lingers is stopped.
        Returns why it ended."""
        for _ in range(2):
            try:
                async with asyncio.timeout(STOP_SECONDS * 2):
                    await self._units.wait_end(session.record.id)
                    break
            except TimeoutError:
                await self._units.stop(session.record.id)
        return session.reason or session.reason_from(await self._units.ending(session.record.id))

    async def _complete(self, record: Record, opening: Opening) -> Record:
        """The record with what only PID 1 knows; a virtual account gets its userdb record."""
        if not opening.needs_userdb:
            return replace(record, invocation=await self._units.invocation(record.id))
        invocation, uid = await asyncio.gather(
            self._units.invocation(record.id), self._units.dynamic_user(record.run_as)
        )
        userdb.add_record(record.run_as, uid, f"remit: {record.owner} on {record.endpoint}")
        return replace(record, invocation=invocation, account_uid=uid)

    async def _give_up(self, session: Session, error: BaseException) -> None:
        """Leave nothing of a session that did not come to be, and say why in the journal."""
        record = session.record
        self._audit.note(
            "failed",
            user=record.owner,
            endpoint=record.endpoint,
            session=record.id,
            peer=record.peer,
            reason=str(error) or repr(error),
        )
        try:
            await self._units.stop(record.id)
        except BusError:
            pass
        await self._clear(session)
        self._registry.drop(record.id)

    async def _readopt(self, record: Record) -> None:
        session = Session(record, self._audit)
        try:
            if await self._units.invocation(record.id) != record.invocation:
                raise BusError("another unit has its name")
            await self._units.adopt(record.id)
            monitor = await Channel.connect(listen_path(record.id), MAX_CONTROL)
            await session.introduce(monitor, Message("monitor"))
        except (OSError, Closed, Problem, TimeoutError) as error:
            self._close(record, f"remitd could not find it again: {error}")
            await self._units.stop(record.id)
            await self._units.dispose(record.id)
            return
        session.opened = True
        self._living[record.id] = session
        self._keep(session)

    def _keep(self, session: Session) -> None:
        task = asyncio.create_task(self._attend(session), name=f"session {session.record.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, session: Session) -> None:
        """Listen to a session until it is gone; then close its record."""
        reason = "a defect in remit"
        try:
            await session.listen()
            reason = await self._wait_end(session)
            await self._clear(session)
            self._close(session.record, reason)
        except (BusError, OSError) as error:
            self._audit.note("defect", session=session.record.id, reason=repr(error))
        finally:
            self._living.pop(session.record.id, None)
            if not session.gone.done():  # whoever waits for it waits no longer
                session.gone.set_result(reason)

    async def _clear(self, session: Session) -> None:
        """Remove the units, and the userdb record if this was the account's last session."""
        record = session.record
        if not await self._units.dispose(record.id):
            self._audit.note("defect", session=record.id, reason="systemd kept a session's units")
        self._living.pop(record.id, None)
        self._forget_account(record)

    def _forget_account(self, record: Record) -> None:
        """Remove a virtual account's userdb record with its last session."""
        shared = any(each.record.run_as == record.run_as for each in self._living.values())
        if record.account_uid and not shared:
            userdb.remove_record(record.run_as, record.account_uid)

    def _forget_strange_accounts(self) -> None:
        """Remove the records of virtual accounts that no session has, wherever they come from."""
        used = {each.record.run_as for each in self._living.values()}
        for name, uid in userdb.find_records(VIRTUAL_PREFIX).items():
            if name not in used:
                userdb.remove_record(name, uid)

    def _close(self, record: Record, reason: str) -> None:
        self._audit.note(
            "closed",
            session=record.id,
            user=record.owner,
            run_as=record.run_as,
            endpoint=record.endpoint,
            reason=reason,
        )
        self._registry.put(record.end(int(time.time()), reason))
