"""The units of sessions in PID 1: started, watched, waited for until nothing is left of them.

Owns the futures that PID 1's signals fulfil. Does not know what a session does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from typing import TypeVar

from remit.policy.plan import Plan, service_of, socket_of
from remit.system.dbus import BusError, Ending, ServiceManager, UnitSignal

Result = TypeVar("Result")

START_SECONDS = 30
REMOVED_SECONDS = 10
ENDED = ("inactive", "failed")
PATTERN = "remit-session-*.service"


class Watch:
    """What PID 1 has said of one session's units so far."""

    __slots__ = ("ended", "service_removed", "socket_removed", "socket_started")

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.socket_started: asyncio.Future[str] = loop.create_future()  # the job's result
        self.ended = asyncio.Event()  # it may have; a unit is also inactive before its start
        self.service_removed: asyncio.Future[str] = loop.create_future()
        self.socket_removed: asyncio.Future[str] = loop.create_future()

    def note_state(self, state: str) -> None:
        if state in ENDED:
            self.ended.set()


class Units:
    """Sessions' units by session id. Methods raise BusError for what PID 1 refuses."""

    def __init__(self, on_lost: Callable[[], object] = lambda: None) -> None:
        """`on_lost` is called once when PID 1 can no longer be reached; `is_lost` says so then."""
        loop = asyncio.get_running_loop()
        self.is_lost = False
        self._on_lost = on_lost
        self._watches: dict[str, Watch] = {}
        self._routes: dict[tuple[str, str], Callable[[str], None]] = {}
        self._manager = ServiceManager(
            lambda signal: loop.call_soon_threadsafe(self._heard, signal),
            lambda: loop.call_soon_threadsafe(self._lose),
        )

    def close(self) -> None:
        self._manager.close()

    async def start(self, session: str, plan: Plan) -> None:
        """Start both units; returns when the session's socket listens."""
        watch = await self._watch(session)
        await _wrapped(
            self._manager.start_transient(
                plan.service,
                [(each.name, each.signature, each.value) for each in plan.properties],
                plan.socket,
                [(each.name, each.signature, each.value) for each in plan.socket_properties],
            )
        )
        async with asyncio.timeout(START_SECONDS):
            result = await watch.socket_started
        if result != "done":
            raise BusError(f"starting {plan.socket} ended with {result}")

    async def adopt(self, session: str) -> None:
        """Hold and watch units that an earlier remitd started."""
        watch = await self._watch(session)
        await _wrapped(self._manager.take_reference(service_of(session)))
        watch.ended.set()  # it may have ended before it was watched; wait_end looks

    async def invocation(self, session: str) -> str:
        return await _wrapped(self._manager.invocation(service_of(session)))

    async def running(self) -> set[str]:
        """Ids of the sessions whose service is loaded and has not ended."""
        loaded = await _wrapped(self._manager.loaded(PATTERN))
        return {
            unit.removeprefix("remit-session-").removesuffix(".service")
            for unit, state in loaded.items()
            if state not in ENDED
        }

    async def stop(self, session: str) -> None:
        await _wrapped(self._manager.stop(service_of(session)))

    async def dynamic_user(self, name: str) -> int:
        return await _wrapped(self._manager.dynamic_user(name))

    async def wait_end(self, session: str) -> None:
        """Wait until the service has ended."""
        watch, service = self._watches[session], service_of(session)
        while True:
            await watch.ended.wait()
            watch.ended.clear()  # before asking: what is said from now on counts
            if await _wrapped(self._manager.state(service)) in ENDED:
                watch.ended.set()
                return

    async def ending(self, session: str) -> Ending:
        """How an ended service ended; BusError if it is no longer loaded."""
        return await _wrapped(self._manager.ending(service_of(session)))

    async def dispose(self, session: str) -> bool:
        """Give an ended or never started session's units back to PID 1 and wait until they are
        gone; False if they are still there after REMOVED_SECONDS."""
        watch = self._watches.get(session)
        if watch is None:
            return True
        try:
            await _wrapped(self._manager.release(service_of(session)))
            async with asyncio.timeout(REMOVED_SECONDS):
                await watch.service_removed
                await watch.socket_removed
        except (BusError, TimeoutError):
            return not await _wrapped(self._manager.loaded(f"remit-session-{session}.*"))
        finally:
            await self._forget(session)
        return True

    async def _watch(self, session: str) -> Watch:
        watch = Watch()
        service, socket = service_of(session), socket_of(session)
        self._watches[session] = watch
        self._routes[("job", socket)] = _setter(watch.socket_started)
        self._routes[("removed", service)] = _setter(watch.service_removed)
        self._routes[("removed", socket)] = _setter(watch.socket_removed)
        self._routes[("state", service)] = watch.note_state
        await _wrapped(self._manager.watch(service))
        return watch

    async def _forget(self, session: str) -> None:
        service, socket = service_of(session), socket_of(session)
        self._watches.pop(session, None)
        for key in (("job", socket), ("removed", service), ("removed", socket)):
            self._routes.pop(key, None)
        self._routes.pop(("state", service), None)
        await _wrapped(self._manager.unwatch(service))

    def _lose(self) -> None:
        self.is_lost = True
        self._on_lost()

    def _heard(self, signal: UnitSignal) -> None:
        route = self._routes.get((signal.kind, signal.unit))
        if route is not None:
            route(signal.detail)


def _setter(future: asyncio.Future[str]) -> Callable[[str], None]:
    def heard(detail: str) -> None:
        if not future.done():
            future.set_result(detail)

    return heard


async def _wrapped(future: ThreadFuture[Result]) -> Result:
    return await asyncio.wrap_future(future)
