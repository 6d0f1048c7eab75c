"""What Tab offers is what the programs have: no option is missing and none is made up."""

from __future__ import annotations

import subprocess

import pytest

from tests.test_manual import OPTION, PROGRAMS, help_of, verbs
from tests.tree import ROOT

CASES = [(program, verb) for program in PROGRAMS for verb in verbs(program)]


def offers(*words: str) -> set[str]:
    """What bash offers for the last of these words."""
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_$1"; '
        r'printf "%s\n" "${COMPREPLY[@]}"'
    )
    source = ROOT / "packaging" / "completion" / words[0]
    run = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", source, *words], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert not run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize("program", PROGRAMS)
def test_verbs(program: str) -> None:
    assert offers(program, "") == {*verbs(program), "--help", "--version"}
    assert offers(program, "re") == {verb for verb in verbs(program) if verb.startswith("re")}


@pytest.mark.parametrize(("program", "verb"), CASES)
def test_options_of_a_verb(program: str, verb: str) -> None:
    assert offers(program, verb, "-") == set(OPTION.findall(help_of(program, verb)))


def test_files_where_a_file_is_meant() -> None:
    assert offers("remit", "run", "--ca", f"{ROOT}/Make") == {f"{ROOT}/Makefile"}
    assert offers("remitctl", "check", f"{ROOT}/Make") == {f"{ROOT}/Makefile"}


def test_nothing_for_a_remote_command() -> None:
    assert offers("remit", "run", "web-admin@db1", "") == set()
