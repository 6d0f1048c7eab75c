"""PID 1 over D-Bus: transient units, their ends, and dynamic users. pydbus lives here alone.

pydbus blocks, and its signals want a GLib loop: both get threads of their own here, and callers
get futures and one callback, which runs in the signal thread. Owns no idea of what a session is.
Sources: org.freedesktop.systemd1(5), pydbus 0.6.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import pydbus
from gi.repository import GLib

SYSTEMD = "org.freedesktop.systemd1"
MANAGER = "org.freedesktop.systemd1.Manager"
UNIT = "org.freedesktop.systemd1.Unit"
SERVICE = "org.freedesktop.systemd1.Service"
PROPERTIES = "org.freedesktop.DBus.Properties"
ROOT = "/org/freedesktop/systemd1"
CALL_SECONDS = 25
CALLERS = 4  # blocking calls at a time; more wait in line

Result = TypeVar("Result")
Properties = Iterable[tuple[str, str, object]]
"""Of a transient unit: name, D-Bus signature, plain value."""


class Ending(NamedTuple):
    """How a service ended: systemd's Result, and the main process's code and status."""

    result: str
    code: int
    status: int


class UnitSignal(NamedTuple):
    """What PID 1 said of a unit: kind is job (detail: the job's result), state (detail: the
    ActiveState) or removed (no detail)."""

    kind: str
    unit: str
    detail: str


class BusError(OSError):
    """PID 1 or the bus refused a call; the text is theirs."""


class ServiceManager:
    """A connection to PID 1. Methods return futures; the work is done on threads."""

    def __init__(
        self, on_signal: Callable[[UnitSignal], object], on_lost: Callable[[], object]
    ) -> None:
        """Both are called in the signal thread; `on_lost` when the bus closes the connection, which
        is for good."""
        self._on_signal = on_signal
        self._pool = ThreadPoolExecutor(CALLERS, thread_name_prefix="dbus-call")
        self._context = GLib.MainContext.default()  # a connection tells of its end there only
        self._loop = GLib.MainLoop.new(self._context, False)
        self._bus = pydbus.SystemBus()
        self._bus.con.set_exit_on_close(False)
        self._bus.con.connect("closed", lambda *_: on_lost())
        self._manager = _translate(lambda: self._bus.get(SYSTEMD, ROOT))
        self._watches: dict[str, pydbus.subscription.Subscription] = {}
        self._signals = threading.Thread(target=self._listen, name="dbus-signals", daemon=True)
        self._listening = threading.Event()
        self._signals.start()
        self._listening.wait(CALL_SECONDS)
        self._manager.Subscribe()

    def close(self) -> None:
        self._loop.quit()
        self._signals.join(CALL_SECONDS)
        self._pool.shutdown()

    def start_transient(
        self,
        unit: str,
        properties: Properties,
        auxiliary: str,
        auxiliary_properties: Properties,
    ) -> Future[None]:
        """Enqueue the start of a transient unit together with one auxiliary unit.

        The jobs' ends come as signals of kind job. BusError if PID 1 refuses a property.
        """

        def call() -> None:
            aux = [(auxiliary, _variants(auxiliary_properties))]
            self._manager.StartTransientUnit(unit, "fail", _variants(properties), aux)

        return self._submit(call)

    def stop(self, unit: str) -> Future[None]:
        """Enqueue the stop of a unit; one that is not loaded is no error."""

        def call() -> None:
            try:
                self._manager.StopUnit(unit, "replace")
            except GLib.Error as error:
                if "NoSuchUnit" not in str(error):
                    raise

        return self._submit(call)

    def release(self, unit: str) -> Future[None]:
        """Give back the reference that AddRef= took, so that an ended unit can be removed."""
        return self._submit(lambda: self._manager.UnrefUnit(unit))

    def take_reference(self, unit: str) -> Future[None]:
        return self._submit(lambda: self._manager.RefUnit(unit))

    def loaded(self, pattern: str) -> Future[dict[str, str]]:
        """Names of the loaded units that match a glob, with their ActiveState."""
        return self._submit(
            lambda: {row[0]: row[3] for row in self._manager.ListUnitsByPatterns([], [pattern])}
        )

    def invocation(self, unit: str) -> Future[str]:
        """The invocation id of a loaded unit, in hex; BusError if it is not loaded."""
        return self._submit(lambda: bytes(self._property(unit, UNIT, "InvocationID")).hex())

    def state(self, unit: str) -> Future[str]:
        """A unit's ActiveState; one that is not loaded is inactive."""
        return self._submit(lambda: str(self._property(unit, UNIT, "ActiveState")))

    def ending(self, unit: str) -> Future[Ending]:
        """How a loaded, ended service ended."""
        return self._submit(
            lambda: Ending(
                self._property(unit, SERVICE, "Result"),
                self._property(unit, SERVICE, "ExecMainCode"),
                self._property(unit, SERVICE, "ExecMainStatus"),
            )
        )

    def dynamic_user(self, name: str) -> Future[int]:
        """The uid that PID 1 gave to a dynamic user; BusError if there is none."""
        return self._submit(lambda: int(self._manager.LookupDynamicUserByName(name)))

    def watch(self, unit: str) -> Future[None]:
        """Have signals of kind state for this unit until `unwatch`."""
        return self._in_signal_thread(lambda: self._subscribe_state(unit))

    def unwatch(self, unit: str) -> Future[None]:
        return self._in_signal_thread(lambda: self._unsubscribe_state(unit))

    def _submit(self, call: Callable[[], Result]) -> Future[Result]:
        return self._pool.submit(_translate, call)

    def _in_signal_thread(self, call: Callable[[], None]) -> Future[None]:
        done: Future[None] = Future()

        def run() -> bool:
            try:
                call()
            except GLib.Error as error:
                done.set_exception(BusError(error.message))
            else:
                done.set_result(None)
            return False

        source = GLib.idle_source_new()
        source.set_callback(lambda *_: run())
        source.attach(self._context)
        return done

    def _listen(self) -> None:
        bus = self._bus
        bus.subscribe(SYSTEMD, MANAGER, "JobRemoved", ROOT, signal_fired=self._job_removed)
        bus.subscribe(SYSTEMD, MANAGER, "UnitRemoved", ROOT, signal_fired=self._unit_removed)
        self._listening.set()
        self._loop.run()

    def _job_removed(self, *signal: Any) -> None:
        _, _, unit, result = _parameters(signal)
        self._on_signal(UnitSignal("job", str(unit), str(result)))

    def _unit_removed(self, *signal: Any) -> None:
        unit, _ = _parameters(signal)
        self._on_signal(UnitSignal("removed", str(unit), ""))

    def _subscribe_state(self, unit: str) -> None:
        def changed(*signal: Any) -> None:
            changes = _parameters(signal)[1]
            if isinstance(changes, dict) and "ActiveState" in changes:
                self._on_signal(UnitSignal("state", unit, str(changes["ActiveState"])))

        subscription = self._bus.subscribe(
            SYSTEMD, PROPERTIES, "PropertiesChanged", unit_path(unit), UNIT, signal_fired=changed
        )
        self._watches[unit] = subscription

    def _unsubscribe_state(self, unit: str) -> None:
        subscription = self._watches.pop(unit, None)
        if subscription is not None:
            subscription.unsubscribe()

    def _property(self, unit: str, interface: str, name: str) -> Any:
        reply = self._bus.con.call_sync(
            SYSTEMD,
            unit_path(unit),
            PROPERTIES,
            "Get",
            GLib.Variant("(ss)", (interface, name)),
            GLib.VariantType.new("(v)"),
            0,
            CALL_SECONDS * 1000,
            None,
        )
        return reply.unpack()[0]


def unit_path(unit: str) -> str:
    """The object path of a unit: every byte but letters and digits as _xx, a leading digit too."""
    return f"{ROOT}/unit/" + "".join(
        character
        if character.isascii() and (character.isalpha() or (character.isdigit() and position))
        else "".join(f"_{byte:02x}" for byte in character.encode())
        for position, character in enumerate(unit)
    )


def _variants(properties: Properties) -> list[tuple[str, GLib.Variant]]:
    return [(name, GLib.Variant(signature, value)) for name, signature, value in properties]


def _parameters(signal: tuple[Any, ...]) -> tuple[Any, ...]:
    """pydbus gives sender, path, interface, member and the parameters."""
    parameters: tuple[Any, ...] = signal[-1]
    return parameters


def _translate(call: Callable[[], Result]) -> Result:
    try:
        return call()
    except GLib.Error as error:
        raise BusError(error.message) from error
