"""The authenticator against a stand-in for remit-auth that speaks its protocol over a real
socket; the host tests drive the real one with real PAM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from remit.daemon import authenticator
from remit.daemon.authenticator import (
    MAX_CONVERSATIONS,
    Authenticator,
    Origin,
    Unavailable,
    Verdict,
)
from remit.wire.frame import FrameReader
from remit.wire.message import Message, parse_message
from remit.wire.problem import Problem

ORIGIN = Origin("192.0.2.1:1", "192.0.2.1", "192.0.2.1")
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def receive(reader: asyncio.StreamReader) -> Message:
    header = await reader.readexactly(16)
    body = await reader.readexactly(int.from_bytes(header[:4], "big"))
    (frame,) = FrameReader().feed(header + body)
    return parse_message(frame)


def granting(user: str, granted: bool = True, prompts: int = 1) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receive(reader)
        for number in range(prompts):
            writer.write(Message("prompt", style="secret", text=f"Code {number}: ").encode())
            assert (await receive(reader)).type == "answer"
        writer.write(Message("result", granted=granted, user=user, reason="because").encode())

    return script


def authenticate(path: Path, script: Script, user: str = "root") -> tuple[Verdict, list[str]]:
    asked: list[str] = []

    async def ask(_style: str, text: str) -> str:
        asked.append(text)
        return "answer"

    async def run() -> Verdict:
        over = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await script(reader, writer)
            writer.close()
            await writer.wait_closed()
            over.set()

        async with await asyncio.start_unix_server(serve, path):
            try:
                return await Authenticator(str(path)).authenticate("remit", user, ORIGIN, ask)
            finally:
                await over.wait()

    return asyncio.run(run()), asked


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(authenticator, "REFUSAL_SECONDS", 0.5)
    return tmp_path / "auth.sock"


def test_prompts_are_passed_on_and_the_account_comes_back(path: Path) -> None:
    verdict, asked = authenticate(path, granting("root", prompts=2))
    assert verdict.account is not None
    assert verdict.account.uid == 0
    assert asked == ["Code 0: ", "Code 1: "]


def test_a_refusal_names_nobody(path: Path) -> None:
    verdict, _ = authenticate(path, granting("root", granted=False))
    assert verdict == Verdict(None, "because")


@pytest.mark.parametrize("user", ["daemon", "", "nobody-by-that-name"])
def test_a_module_that_switches_the_user_is_refused(path: Path, user: str) -> None:
    verdict, _ = authenticate(path, granting(user))
    assert verdict.account is None
    assert "who is not 'root'" in verdict.reason


def test_pam_granting_a_user_whom_the_host_does_not_know_is_refused(path: Path) -> None:
    verdict, _ = authenticate(path, granting("ghost"), user="ghost")
    assert verdict.account is None


def test_quick_and_slow_refusals_take_a_multiple_of_the_same_time(path: Path) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receive(reader)
        await asyncio.sleep(0.6)  # sleeps: a slow PAM module is what this stands for
        writer.write(Message("result", granted=False, user="", reason="").encode())

    for script, seconds in ((granting("root", granted=False), 0.5), (slow, 1.0)):
        start = time.monotonic()
        authenticate(path, script)
        assert seconds <= time.monotonic() - start < seconds + 0.45


def test_a_dying_or_babbling_remit_auth_is_unavailable_and_grants_nothing(path: Path) -> None:
    async def die(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await receive(reader)

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receive(reader)
        writer.write(Message("authenticated", user="root").encode())
        await writer.drain()

    for script in (die, babble):
        with pytest.raises(Problem) as caught:
            authenticate(path, script)
        assert caught.value.code == "unavailable"


def test_without_a_listener_authentication_is_unavailable(path: Path) -> None:
    async def run() -> None:
        async def ask(_style: str, _text: str) -> str:
            raise AssertionError("nobody asks")

        await Authenticator(str(path)).authenticate("remit", "root", ORIGIN, ask)

    start = time.monotonic()
    with pytest.raises(Unavailable, match="nobody can be authenticated") as caught:
        asyncio.run(run())
    assert "cannot be reached" in caught.value.reason
    assert time.monotonic() - start >= 0.5, "a failure is no faster way of guessing"


def test_one_source_cannot_have_all_conversations(path: Path) -> None:
    async def ask(_style: str, _text: str) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receive(reader)
        writer.write(Message("prompt", style="secret", text="Password: ").encode())
        await reader.read()
        writer.close()

    async def run() -> None:
        async with await asyncio.start_unix_server(serve, path):
            asking = Authenticator(str(path))

            def one(origin: Origin) -> asyncio.Task[Verdict]:
                return asyncio.create_task(asking.authenticate("remit", "root", origin, ask))

            held = [one(ORIGIN) for _ in range(MAX_CONVERSATIONS)]
            await asyncio.sleep(0.2)  # sleeps: until all of them have been asked
            with pytest.raises(Problem, match="too many") as caught:
                await one(ORIGIN)
            assert caught.value.code == "limit"
            other = one(Origin("192.0.2.9:1", "192.0.2.9", "192.0.2.9"))
            await asyncio.sleep(0.2)  # sleeps: nothing is to happen
            assert not other.done()
            for task in (*held, other):
                task.cancel()
            await asyncio.gather(*held, other, return_exceptions=True)

    asyncio.run(run())
