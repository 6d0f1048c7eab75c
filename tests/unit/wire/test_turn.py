"""Whose turn it is: conversations that go well, and everything else."""

from __future__ import annotations

import pytest

from remit.wire.message import MESSAGES
from remit.wire.problem import ProtocolProblem
from remit.wire.turn import CLIENT_TURNS, HOST_TURNS, SESSION_ANSWERS, SESSION_REQUESTS, Turn

# (who, what): c for the client, h for the host
REMOTE = "c:hello h:welcome c:authenticate h:prompt c:answer h:authenticated"
CONVERSATIONS = [
    f"{REMOTE} c:endpoints h:endpoint-list c:goodbye",
    f"{REMOTE} c:open h:attached h:released c:list h:session-list c:goodbye",
    f"{REMOTE} c:open h:failed c:open h:opened c:remove h:removed",
    "c:hello h:welcome c:authenticate h:prompt c:answer h:failed c:authenticate h:authenticated",
    "c:hello h:welcome h:authenticated c:open h:prompt c:answer h:attached h:released",
    "c:hello h:failed",
    "h:failed",
]
REFUSED = [
    ("", "c:authenticate"),
    ("", "c:open"),
    ("c:hello", "c:hello"),
    ("c:hello h:welcome", "c:open"),
    ("c:hello h:welcome", "c:answer"),
    ("c:hello h:welcome c:authenticate", "c:answer"),
    ("c:hello h:welcome c:authenticate h:failed", "c:endpoints"),
    (f"{REMOTE} c:open", "c:open"),
    (f"{REMOTE} c:open h:attached", "c:list"),
    (f"{REMOTE} c:goodbye", "c:list"),
    (REMOTE, "h:attached"),
    ("c:hello h:welcome c:authenticate", "h:attached"),
    ("c:hello h:welcome c:authenticate", "h:endpoint-list"),
]


def say(turn: Turn, words: str) -> None:
    for word in words.split():
        who, _, type_ = word.partition(":")
        (turn.client_says if who == "c" else turn.host_says)(type_)


@pytest.mark.parametrize("words", CONVERSATIONS)
def test_a_conversation_that_goes_well(words: str) -> None:
    say(Turn(), words)


@pytest.mark.parametrize(("before", "word"), REFUSED)
def test_a_word_out_of_turn(before: str, word: str) -> None:
    turn = Turn()
    say(turn, before)
    with pytest.raises(ProtocolProblem, match="out of turn"):
        say(turn, word)


def test_nothing_but_authentication_leads_from_a_stranger_to_a_request() -> None:
    known = {"new", "greeting", "greeted", "authenticating", "asked", "over"}
    for (state, word), following in {**CLIENT_TURNS, **HOST_TURNS}.items():
        if state in known and following not in known:
            assert word == "authenticated"


def test_the_tables_name_messages_only() -> None:
    words = {word for _, word in [*CLIENT_TURNS, *HOST_TURNS]}
    assert words | SESSION_REQUESTS | SESSION_ANSWERS <= set(MESSAGES)
