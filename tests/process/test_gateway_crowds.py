"""remit-gate and those who come in numbers: caps, places that are lost, penalties, the journal."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from remit.gateway.settings import Caps, Deadlines, Settings
from tests.process.gate import PATIENCE, Gate, RemitdStandIn, read_or_end

OFTEN = 1e9  # seconds owed that nobody reaches


class TestCaps:
    def test_per_source(self, tmp_path: Path) -> None:
        settings = Settings(caps=Caps(strangers_per_source=3))
        with Gate(tmp_path, settings) as gate, ExitStack() as held:
            for _ in range(3):
                held.enter_context(gate.connect())
            with gate.tcp() as refused:
                assert read_or_end(refused) == b""
            gate.wait_for("<5>127.0.0.1:.*refused: too many connections from this address")
            with socket.create_connection(("::1", gate.port), PATIENCE) as other:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                held.enter_context(context.wrap_socket(other))

    def test_the_authenticated_make_room(self, tmp_path: Path) -> None:
        settings = Settings(caps=Caps(strangers_per_source=1))
        with (
            Gate(tmp_path, settings) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            gate.connect() as first,
            remitd.admit(first),
        ):
            second = gate.connect()
            with second, remitd.admit(second):
                pass

    def test_in_all(self, tmp_path: Path) -> None:
        settings = Settings(caps=Caps(connections=2))
        with (
            Gate(tmp_path, settings) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            gate.connect() as first,
            remitd.admit(first),
        ):
            with gate.connect() as second, remitd.admit(second), gate.tcp() as third:
                assert read_or_end(third) == b""
            gate.wait_for("refused: too many connections$")

    def test_repeated_failures_are_refused_for_a_while(self, tmp_path: Path) -> None:
        settings = Settings(caps=Caps(tolerated=7.0))
        with Gate(tmp_path, settings) as gate:
            with (
                RemitdStandIn(gate.settings.backend) as remitd,
                gate.connect() as client,
                remitd.greet(client) as host,
            ):
                for _ in range(3):
                    client.say("authenticate", user="root")
                    host.hear("authenticate")
                    host.say("failed", code="denied", message="no")
                    client.hear_failed("denied")
            with gate.tcp() as refused:
                assert read_or_end(refused) == b""
            gate.wait_for("<5>127.0.0.1:.*refused: too many failures from this address")

    @pytest.mark.parametrize("code", ["denied", "unavailable", "limit"])
    def test_guesses_count_whatever_they_fail_of(self, tmp_path: Path, code: str) -> None:
        """At once: the connection that they were made on is still open."""
        settings = Settings(caps=Caps(tolerated=4.0))
        with (
            Gate(tmp_path, settings) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            gate.connect() as client,
            remitd.greet(client) as host,
        ):
            for _ in range(2):
                client.say("authenticate", user="root")
                host.hear("authenticate")
                host.say("failed", code=code, message="no")
                client.hear_failed(code)
            with gate.tcp() as refused:
                assert read_or_end(refused) == b""
            gate.wait_for("refused: too many failures from this address")

    def test_whoever_leaves_before_the_refusal_has_guessed(self, tmp_path: Path) -> None:
        settings = Settings(caps=Caps(tolerated=4.5))
        with Gate(tmp_path, settings) as gate, RemitdStandIn(gate.settings.backend) as remitd:
            for _ in range(2):
                with gate.connect() as client, remitd.greet(client) as host:
                    client.say("authenticate", user="root")
                    host.hear("authenticate")
                    host.say("prompt", style="secret", text="Password: ")
                    client.hear("prompt")
                    client.say("answer", text="guess")
                    host.hear("answer")
                    client.close()
                    host.hear_end()
            with gate.tcp() as refused:
                assert read_or_end(refused) == b""
            gate.wait_for("refused: too many failures from this address")

    def test_a_flood_does_not_flood_the_journal(self, tmp_path: Path) -> None:
        with Gate(tmp_path, Settings(caps=Caps(tolerated=0.0))) as gate:
            for _ in range(100):
                with gate.tcp() as connection:
                    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    read_or_end(connection)
            assert gate.stop() == 0
            written = gate.log.count("127.0.0.1")
            left_out = re.findall(r"^<4>(\d+) more such lines left out$", gate.log, re.MULTILINE)
            assert written <= 40
            assert written + sum(map(int, left_out)) == 100


class TestCrowd:
    """Strangers from many addresses: 127.0.0.0/8 has enough of them."""

    def test_silent_ones_lock_nobody_out(self, tmp_path: Path) -> None:
        with (
            Gate(tmp_path, Settings(caps=Caps(tolerated=OFTEN))) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            ExitStack() as silent,
        ):
            crowd = [
                silent.enter_context(connect_from(gate, f"127.0.1.{address}"))
                for address in range(8)
                for _ in range(8)
            ]
            with gate.connect() as honest, remitd.greet(honest) as host:
                gate.wait_for("displaced: too many connections not authenticated")
                assert read_or_end(crowd[0]) == b""
                for address in range(8):  # they come again
                    silent.enter_context(connect_from(gate, f"127.0.1.{address}"))
                honest.say("authenticate", user="alice")
                host.hear("authenticate")
                host.say("authenticated", user="alice")
                honest.hear("authenticated")
                honest.say("goodbye")
                host.hear("goodbye")

    @pytest.mark.parametrize("state", ["new", "handshaken", "greeted", "asked"])
    def test_a_place_is_lost_in_every_state(self, tmp_path: Path, state: str) -> None:
        settings = Settings(caps=Caps(strangers=1))
        with (
            Gate(tmp_path, settings) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            ExitStack() as held,
        ):
            if state == "new":
                first = held.enter_context(gate.tcp())
            else:
                client = held.enter_context(gate.connect())
                first = client.socket
                if state in ("greeted", "asked"):
                    host = held.enter_context(remitd.greet(client))
                if state == "asked":
                    client.say("authenticate", user="alice")
                    host.hear("authenticate")
                    host.say("prompt", style="secret", text="Password: ")
                    client.hear("prompt")
            with gate.connect() as second:
                gate.wait_for(f"<5>127.0.0.1:{first.getsockname()[1]}: displaced: ")
                assert read_or_end(first) == b""
                if state in ("greeted", "asked"):
                    host.hear_end()
                remitd.greet(second).close()

    def test_many_at_once(self, tmp_path: Path) -> None:
        """Accepted in one go: most have lost their places before they were looked at."""
        settings = Settings(caps=Caps(strangers=1))
        with (
            Gate(tmp_path, settings) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            ExitStack() as held,
        ):
            gate.process.send_signal(signal.SIGSTOP)
            crowd = [
                held.enter_context(connect_from(gate, f"127.0.2.{address}"))
                for address in range(50)
            ]
            gate.process.send_signal(signal.SIGCONT)
            with gate.connect() as last:
                assert [read_or_end(each) for each in crowd] == [b""] * len(crowd)
                remitd.greet(last).close()

    def test_those_who_keep_the_host_waiting_must_hurry(self, tmp_path: Path) -> None:
        deadlines = Deadlines(crowded=0.3)
        with (
            Gate(tmp_path, Settings(caps=Caps(strangers=2), deadlines=deadlines)) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            gate.connect() as client,
            remitd.greet(client),
        ):
            with gate.connect() as other, remitd.greet(other):
                other.hear_failed("timeout")
            client.say("goodbye")
            client.hear_end()

    def test_an_answer_in_time_is_enough(self, tmp_path: Path) -> None:
        """The host may take its time then."""
        deadlines = Deadlines(crowded=0.5)
        with (
            Gate(tmp_path, Settings(caps=Caps(strangers=1), deadlines=deadlines)) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            gate.connect() as client,
            remitd.greet(client) as host,
        ):
            client.say("authenticate", user="alice")
            host.hear("authenticate")
            time.sleep(1)  # sleeps: longer than a crowd's deadline
            host.say("prompt", style="secret", text="Password: ")
            client.hear("prompt")
            client.say("answer", text="secret")
            host.hear("answer")
            time.sleep(1)  # sleeps: the same
            host.say("authenticated", user="alice")
            client.hear("authenticated")

    def test_whoever_keeps_a_place_pays_for_it(self, tmp_path: Path) -> None:
        settings = Settings(caps=Caps(tolerated=10.0, rent=20.0))
        with Gate(tmp_path, settings) as gate:
            with gate.connect() as client:
                time.sleep(1)  # sleeps: keeping the place is the offence
                client.say("list")
                client.hear_failed("protocol")
            with gate.tcp() as refused:
                assert read_or_end(refused) == b""
            gate.wait_for("refused: too many failures from this address")


def connect_from(gate: Gate, address: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gate.port), PATIENCE, (address, 0))
