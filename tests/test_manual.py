"""The manual pages: they render without a warning, and they and the programs say the same."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.tree import ROOT, SERVICE

PAGES = ("remit.1", "remit.endpoint.5", "remitctl.8", "remitd.8")
PROGRAMS = {"remit": "remit.1", "remitctl": "remitctl.8"}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)


@cache
def rendered(page: str) -> str:
    """The page as a person reads it, unbroken words and all."""
    options = ("--local-file", "--no-hyphenation", "--no-justification", "--warnings=w")
    shown = run("man", *options, ROOT / "man" / page)
    assert not shown.stderr, shown.stderr
    assert shown.stdout.strip(), f"man/{page} is empty"
    return shown.stdout


@cache
def help_of(*words: str) -> str:
    """What the program says about itself, from the checkout, on standard output."""
    said = run(SERVICE / "bin" / words[0], *words[1:], "--help")
    assert said.returncode == 0, said.stderr
    assert not said.stderr
    return said.stdout


def verbs(program: str) -> list[str]:
    """In its help they begin indented lines, before their arguments or what they do."""
    line = rf"^ {{2,}}(?:{program} )?([a-z][a-z-]*)(?=  | [A-Z\[]|$)"
    found = re.findall(line, help_of(program), re.MULTILINE)
    assert found, f"{program} --help names no verb"
    return found


@pytest.mark.parametrize("page", PAGES)
def test_page_renders(page: str) -> None:
    text = rendered(page)
    name, _, section = page.rpartition(".")
    assert re.match(rf"{re.escape(name)}\({section}\)", text, re.IGNORECASE)
    headings = re.findall(r"^[A-Z][A-Z ]+$", text, re.MULTILINE)
    assert {"NAME", "DESCRIPTION", "SEE ALSO"} <= set(headings)


@pytest.mark.parametrize("page", PAGES)
def test_whatis_understands_it(page: str) -> None:
    assert run("lexgrog", ROOT / "man" / page).returncode == 0


@pytest.mark.parametrize("page", PAGES)
def test_see_also_leads_somewhere(page: str) -> None:
    """To a page of ours, or to one of somebody else's programs."""
    for name, section in re.findall(r"\b(remit[\w.-]*)\((\d)\)", rendered(page)):
        assert (ROOT / "man" / f"{name}.{section}").exists(), f"{name}({section})"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_verb_is_in_the_page(program: str) -> None:
    named = set(re.findall(r"[a-z][a-z-]*", rendered(PROGRAMS[program])))
    assert set(verbs(program)) <= named


@pytest.mark.parametrize("program", PROGRAMS)
def test_page_and_help_have_the_same_options(program: str) -> None:
    told = set(OPTION.findall(help_of(program)))
    for verb in verbs(program):
        told |= set(OPTION.findall(help_of(program, verb)))
    options = rendered(PROGRAMS[program])
    assert told <= set(OPTION.findall(options)), "options without a word in the page"
    section = re.search(r"^OPTIONS$\n(.*?)(?=^[A-Z])", options, re.MULTILINE | re.DOTALL)
    assert section, f"{PROGRAMS[program]} has no section OPTIONS"
    assert set(OPTION.findall(section[1])) <= told, "options of the page that the program lacks"
