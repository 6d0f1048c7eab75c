"""Messages: read strictly, or not at all."""

from __future__ import annotations

import json

import pytest

from remit.wire.frame import CONTROL, DATA, Frame, FrameReader
from remit.wire.message import MESSAGES, Message, parse_message
from remit.wire.problem import CODES, Problem, ProtocolProblem


def read(text: str | bytes) -> Message:
    body = text if isinstance(text, bytes) else text.encode()
    return parse_message(Frame(CONTROL, body=body))


def test_what_is_encoded_is_read_back() -> None:
    sent = Message("run", id="r1", argv=["echo", "ä\n", ""], stdin=False)
    (frame,) = FrameReader().feed(sent.encode())
    found = parse_message(frame)
    assert (found.type, found.fields) == (sent.type, sent.fields)


def test_optional_fields_may_be_left_out_and_no_others() -> None:
    assert not read('{"type":"open","endpoint":"e","kept":true,"attach":false}').has("name")
    with pytest.raises(ProtocolProblem, match="open: no kept; expected true or false"):
        read('{"type":"open","endpoint":"e","attach":false}')


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "not strict JSON"),
        ("GET / HTTP/1.1", "not strict JSON"),
        (b'{"type":"\xff"}', "not strict JSON"),
        ("[]", "not a JSON object"),
        ("{}", "unknown type"),
        ('{"type":1}', "unknown type"),
        ('{"type":"nonsense"}', "unknown type"),
        ('{"type":"list","type":"list"}', "a key twice"),
        ('{"type":"host-status","status":{"a":1,"a":2}}', "a key twice"),
        ('{"type":"list","x":1}', "unknown field"),
        ('{"type":"open","endpoint":"e","kept":1,"attach":false}', "kept is not true or false"),
        ('{"type":"hello","versions":[true],"software":"x"}', "versions is not a list"),
        ('{"type":"hello","versions":[1.0],"software":"x"}', "not a whole number"),
        ('{"type":"hello","versions":[NaN],"software":"x"}', "not a whole number"),
        ('{"type":"hello","versions":[-Infinity],"software":"x"}', "not a whole number"),
        ('{"type":"hello","versions":[' + "9" * 5000 + '],"software":"x"}', "JSON"),
        ('{"type":"answer","text":"\\ud800"}', "text is not text"),
        ('{"type":"host-status","status":{"a":["\\udfff"]}}', "status is not an object"),
        ('{"type":"answer","text":"' + "x" * 4097 + '"}', "at most 4096"),
        ('{"type":"failed","code":"nonsense","message":""}', "code is not a problem code"),
        ('{"type":"answer","text":' + "[" * 100_000 + "]" * 100_000 + "}", "too deeply"),
    ],
)
def test_everything_else_is_one_clear_error(text: str | bytes, found: str) -> None:
    with pytest.raises(ProtocolProblem, match=found):
        read(text)


def test_data_is_no_message() -> None:
    with pytest.raises(ProtocolProblem, match="kind 2"):
        parse_message(Frame(DATA, body=b"{}"))


def test_our_own_mistakes_are_found_when_a_message_is_made() -> None:
    with pytest.raises(ProtocolProblem, match="unknown field"):
        Message("list", nonsense=1)


def test_a_message_shows_no_contents() -> None:
    assert "secret" not in repr(Message("answer", text="secret"))


def test_every_message_can_be_told_from_every_other() -> None:
    assert all(type_ == type_.lower() and json.dumps(type_) for type_ in MESSAGES)


def test_problems_have_codes_of_the_closed_list_only() -> None:
    assert Problem("refused", "no").status == 126
    with pytest.raises(ValueError, match="unknown problem code"):
        Problem("nonsense", "no")
    assert set(CODES.values()) <= {2, 125, 126, 127, 255}
