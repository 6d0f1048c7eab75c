"""PROTOCOL.md against the code: all that wire/ knows is there, and nothing else."""

from __future__ import annotations

import re

import pytest

from remit.wire import frame
from remit.wire.message import MESSAGES, PROMPT_STYLES
from remit.wire.problem import CODES
from remit.wire.turn import CLIENT_TURNS, HOST_TURNS, MAX_PROMPTS, SESSION_ANSWERS, VERSION
from tests.tree import SERVICE

PAGE = (SERVICE / "PROTOCOL.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines() if line.startswith("| `")]  # fmt: skip


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows_of(type_: str) -> list[list[str]]:
    return [row for row in ROWS if row[0] == f"`{type_}`"]


def names(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_-]+)`", text))


@pytest.mark.parametrize("type_", MESSAGES)
def test_every_message_has_a_row_with_its_fields(type_: str) -> None:
    fields = set(MESSAGES[type_])
    assert any(fields <= names(row[1]) for row in rows_of(type_)), rows_of(type_)


@pytest.mark.parametrize(
    ("type_", "key"),
    [(t, k) for t, fields in MESSAGES.items() for k, field in fields.items() if not field.required],
)
def test_optional_fields_are_marked(type_: str, key: str) -> None:
    row = next(row for row in rows_of(type_) if key in names(row[1]))
    assert "optional" in row[1].partition(f"`{key}`")[2]


@pytest.mark.parametrize("code", CODES)
def test_every_problem_code_has_its_exit_status(code: str) -> None:
    assert re.search(
        rf"^\| `{code}` \| {CODES[code]} \| \S", section("Problem codes"), re.MULTILINE
    )


def test_no_problem_code_is_invented() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section("Problem codes"), re.MULTILINE)) == {
        *CODES
    }


@pytest.mark.parametrize("state", {state for state, _ in [*CLIENT_TURNS, *HOST_TURNS]})
def test_every_state_has_its_turns(state: str) -> None:
    table = section("The conversation with a host")
    row = next(row for row in ROWS if row[0] == f"`{state}`" and len(row) == 4)
    assert f"| `{state}` |" in table
    for turns, cell in ((CLIENT_TURNS, row[1]), (HOST_TURNS, row[2])):
        for (before, said), after in turns.items():
            if before == state:
                assert re.search(rf"`{said}`[^→]*→ {after}\b", cell), f"{said} → {after}: {cell}"


def test_all_that_a_session_says_is_there() -> None:
    table = PAGE.partition("### Session to client")[2].partition("\n\nOne command")[0]
    assert names("".join(re.findall(r"^\| (`[a-z-]+`)", table, re.MULTILINE))) == SESSION_ANSWERS


def test_the_frames_header_adds_up() -> None:
    sizes = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \|", section("Frames"), re.MULTILINE)
    ends = [int(offset) + int(size) for offset, size, _ in sizes]
    assert [int(offset) for offset, _, _ in sizes] == [0, *ends[:-1]]
    assert ends[-1] == frame.HEADER.size
    assert [name for _, _, name in sizes] == ["length", "kind", "stream", "channel", "offset"]


@pytest.mark.parametrize(
    ("said", "bytes_"),
    [
        ("before `authenticated` | 8 KiB", frame.MAX_STRANGER),
        ("CONTROL afterwards | 512 KiB", frame.MAX_CONTROL),
        ("DATA | 256 KiB", frame.MAX_DATA),
        ("its policy | 4 MiB", frame.MAX_POLICY),
    ],
)
def test_limits_are_those_of_the_code(said: str, bytes_: int) -> None:
    assert said in section("Limits and deadlines")
    number, unit = said.split()[-2:]
    assert int(number) * {"KiB": 1024, "MiB": 1024**2}[unit] == bytes_


def test_the_rest_agrees_with_the_code() -> None:
    assert f"This is version {VERSION}." in PAGE
    assert f"at most {MAX_PROMPTS} prompts" in PAGE
    assert names(next(row for row in rows_of("prompt"))[1]) >= set(PROMPT_STYLES)
