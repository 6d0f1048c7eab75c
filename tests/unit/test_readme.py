"""README.md and the map of the code say what is there: files, commands, refusals, modules."""

from __future__ import annotations

import re
import shlex

import pytest

import remit
from remit.client.options import parse_words
from remit.client.verbs import VERBS
from remit.control import cli
from remit.policy.access import Caller
from remit.policy.catalogue import DIRECTORIES, Catalogue, Host, make_catalogue
from remit.policy.command import Policy
from remit.policy.decide import Refused, decide
from remit.policy.effective import effective_policy
from remit.policy.plan import plan_session
from remit.policy.refusal import render
from tests.tree import ROOT, SERVICE, modules

README = (ROOT / "README.md").read_text()
MAP = (SERVICE / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
CALLER = Caller("cjones", 1000, "/home/cjones", frozenset({"cjones", "web-operators"}))
SESSION = "0123456789abcdef" * 2


def blocks(language: str) -> list[str]:
    """The fenced blocks of that language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no block of {language}"
    return found


def catalogue() -> Catalogue:
    """Of the files that README.md shows, each under the path in its first line, on a host that has
    their users, groups and programs."""
    files: dict[str, dict[str, bytes]] = {directory: {} for directory in DIRECTORIES}
    for text in blocks("toml"):
        directory, _, name = text.partition("\n")[0].removeprefix("# ").rpartition("/")
        files[directory][name] = text.encode()
    return make_catalogue(files, Host(lambda _: True, lambda _: True, lambda _: None))


def policy(name: str) -> Policy:
    answer = effective_policy(catalogue().loaded[name], CALLER, "10.0.0.7", SESSION)
    assert isinstance(answer, Policy)
    return answer


def examples() -> list[tuple[list[str], str]]:
    """Each command after a `$`, in words, and what it prints."""
    parts = re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", blocks("console")[0], re.MULTILINE)
    assert parts
    return [(shlex.split(command), printed.rstrip("\n")) for command, printed in parts]


def command_lines() -> list[list[str]]:
    """Every line of a shell, and every `command` within a sentence, in words."""
    lines = [line for text in blocks("sh") for line in text.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    words = [shlex.split(line, comments=True) for line in [*lines, *re.findall("`(.+?)`", prose)]]
    return [line for line in [*words, *(command for command, _ in examples())] if line]


def lines_of(program: str) -> list[list[str]]:
    found = [line[1:] for line in command_lines() if line[0] == program and len(line) > 1]
    assert found, f"README.md never calls {program}"
    return found


def test_endpoints_load() -> None:
    loaded = catalogue()
    assert [str(problem) for problem in loaded.problems] == []
    assert set(loaded.states.values()) == {"loaded"}


def test_only_whom_it_names_is_admitted() -> None:
    loaded = catalogue().loaded["web-watch"]
    stranger = Caller("stranger", 1001, "/home/stranger", frozenset({"stranger"}))
    intern = Caller("cjones", 1000, "/home/cjones", frozenset({"web-operators", "interns"}))
    for caller, address in ((stranger, "10.0.0.7"), (intern, "10.0.0.7"), (CALLER, "192.0.2.1")):
        assert not isinstance(effective_policy(loaded, caller, address, SESSION), Policy)


@pytest.mark.parametrize(("command", "printed"), examples())
def test_refusals_are_what_is_printed(command: list[str], printed: str) -> None:
    program, verb, target, *argv = command
    assert (program, verb) == ("remit", "run")
    answer = decide(policy(target.partition("@")[0]), argv, lambda _: True)
    assert isinstance(answer, Refused)
    assert render(answer) == printed


@pytest.mark.parametrize(
    "request_line",
    [
        "uptime",
        "systemctl status nginx",
        "systemctl status -l nginx php8.2-fpm.service",
        "systemctl is-active nginx.service",
        "journalctl -f -u nginx --since=-2h",
        "tail -n 20 /var/log/nginx/error.log",
    ],
)
def test_what_the_example_is_for_is_allowed(request_line: str) -> None:
    answer = decide(policy("web-watch"), request_line.split(), lambda _: True)
    assert not isinstance(answer, Refused), render(answer)


def test_the_sandbox_is_what_the_example_says() -> None:
    endpoint = catalogue().loaded["web-watch"].endpoint
    plan = plan_session(endpoint, SESSION, CALLER.user, CALLER.uid, policy("web-watch").fields)
    found = {each.name: each.value for each in plan.properties}
    assert found["MemoryMax"] == 256 * 2**20
    assert found["PrivateNetwork"]
    assert found["PrivateDevices"]
    assert found["DynamicUser"]
    assert (found["ProtectHome"], found["ProtectSystem"]) == ("tmpfs", "strict")


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert {line[0] for line in lines_of("make")} <= targets


@pytest.mark.parametrize("line", lines_of("remit"), ids=" ".join)
def test_verbs_and_options_of_the_client_exist(line: list[str]) -> None:
    verb = VERBS[line[0]]
    parse_words(line[1:], verb.options, verb.name, verb.leading)


def test_verbs_of_remitctl_exist() -> None:
    assert {line[0] for line in lines_of("remitctl")} <= {verb.name for verb in cli.VERBS}


def test_the_library_has_what_it_shows() -> None:
    (program,) = blocks("python")
    compile(program, "README.md", "exec")
    assert set(re.findall(r"remit\.(\w+)", program)) <= set(remit.__all__)


def test_everything_it_leads_to_exists() -> None:
    """Links within the tree, and the tests that hold what it says."""
    links = set(re.findall(r"\]\(([^)#:]+)\)", README)) | set(re.findall("`(tests/.+?)`", README))
    assert {link for link in links if not (ROOT / link).exists()} == set()


def test_every_module_is_on_the_map() -> None:
    """One line for each, in the part of its folder; and nothing that is not there."""
    parts = re.findall(r"^### `(\w+)/`.*?\n(.*?)(?=^##|\Z)", MAP, re.MULTILINE | re.DOTALL)
    shown = {
        f"{folder}/{name}"
        for folder, text in parts
        for name in re.findall(r"^\| `(\w+\.py)` \|", text, re.MULTILINE)
    }
    package = SERVICE / "remit"
    real = {str(path.relative_to(package)) for path in modules().values()}
    assert shown == {name for name in real if not name.endswith("__init__.py")}
