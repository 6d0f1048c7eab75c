"""The command line is read by a table, and nothing in a command's own words is."""

from __future__ import annotations

import pytest

from remit.client.options import OPTIONS, add_environment, parse_words
from remit.client.settings import Settings, parse_span
from remit.client.usage import UsageProblem
from remit.client.verbs import VERBS, render_help, render_verb_help

RUN = VERBS["run"].options


def run(*words: str) -> tuple[dict[str, str], list[str]]:
    parsed = parse_words(words, RUN, "run", leading=True)
    return parsed.options, parsed.words


def test_everything_after_the_target_is_the_command() -> None:
    words = ["web", "systemctl", "--user", "x", "-s", "--", "--help"]
    assert run("--port", "9", *words) == ({"port": "9"}, words)


def test_options_end_at_two_hyphens() -> None:
    assert run("-s", "up", "--", "--weird") == ({"session": "up"}, ["--weird"])


@pytest.mark.parametrize("words", [["-s", "up"], ["-sup"], ["--session=up"], ["--session", "up"]])
def test_spellings_of_a_value(words: list[str]) -> None:
    assert run(*words, "true") == ({"session": "up"}, ["true"])


def test_session_takes_its_value_whatever_it_looks_like() -> None:
    assert run("-s", "--timeout", "true") == ({"session": "--timeout"}, ["true"])


@pytest.mark.parametrize(
    "words, said",
    [
        (["--usr", "x"], "did you mean --user?"),
        (["--use", "x"], "unknown option --use"),
        (["-x"], "unknown option -x"),
        (["--user"], "needs a value"),
        (["--user", "a", "--user", "b"], "there twice"),
        (["--help=no"], "takes no value"),
        (["--json"], "means nothing to this verb"),
        (["--take-over"], "not in this version"),
        (["-t"], "not in this version"),
        (["--no-wait"], "not in this version"),
    ],
)
def test_wrong_options(words: list[str], said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        run(*words)
    assert said in caught.value.message


def test_other_verbs_take_options_anywhere() -> None:
    parsed = parse_words(["web@web1", "--name", "up"], VERBS["new"].options, "new")
    assert (parsed.options, parsed.words) == ({"name": "up"}, ["web@web1"])


def test_environment_fills_what_the_command_line_leaves_open() -> None:
    options = {"user": "ann"}
    environment = {"REMIT_USER": "bob", "REMIT_PORT": "9", "REMIT_NAME": "x", "REMIT_CA": ""}
    add_environment(options, RUN, environment | {"REMIT_SESSION": "never"})
    assert options == {"user": "ann", "port": "9"}


def test_settings() -> None:
    settings = Settings({"timeout": "1h30m", "port": "9", "json": "yes"})
    assert (settings.timeout, settings.port, settings.json, settings.user) == (5400, 9, True, "")


@pytest.mark.parametrize(
    "option, value",
    [
        ("port", "ssh"),
        ("timeout", "soon"),
        ("timeout", "0"),
        ("idle-timeout", "5w"),
        ("idle-timeout", "5m3"),
        ("fingerprint", "SHA256:short"),
        ("fingerprint", "MD5:00"),
        ("name", "Up"),
        ("name", "1st"),
        ("user", "a\nb"),
    ],
)
def test_settings_are_refused(option: str, value: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        Settings({option: value})
    assert f"--{option}" in caught.value.message


@pytest.mark.parametrize("text, seconds", [("90", 90), ("90s", 90), ("2h", 7200), ("1d1m", 86460)])
def test_span(text: str, seconds: int) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1.5h", "m", "²s", "1" * 30, "99999d"])
def test_no_span(text: str) -> None:
    assert parse_span(text) is None


def test_help_has_every_verb_and_option() -> None:
    assert all(verb.summary in render_help() for verb in VERBS.values())
    for verb in VERBS.values():
        text = render_verb_help(verb)
        assert all(f"--{name}" in text and OPTIONS[name].summary in text for name in verb.options)
        assert max(map(len, text.splitlines())) <= 100
