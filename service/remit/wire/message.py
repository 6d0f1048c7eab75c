"""Control messages: JSON objects with a `type`, whose fields are checked against one table.

Owns the table of messages and the strict reading of JSON: no duplicate or unknown keys, no NaN,
no lone surrogates, nothing deeper or longer than its field allows. Does not know who may send
what, nor when (turn.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from remit.wire.frame import CONTROL, Frame
from remit.wire.problem import CODES, ProtocolProblem
from remit.wire.strict_json import dumps, loads

Check = Callable[[object], bool]

PROMPT_STYLES = ("secret", "visible", "info", "error")


class Field:
    """One field of a message: what it must be, in words and as a predicate."""

    __slots__ = ("check", "expected", "required")

    def __init__(self, expected: str, check: Check, required: bool = True) -> None:
        self.expected = expected
        self.check = check
        self.required = required


def _is_text(value: object, limit: int) -> bool:
    if not isinstance(value, str) or len(value) > limit:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # lone surrogates come through json's \u escapes
        return False
    return True


def _is_clean(value: object) -> bool:
    """Whether every string in a nested value is sound Unicode; json bounds the depth."""
    if isinstance(value, str):
        return _is_text(value, len(value))
    if isinstance(value, dict):
        return all(_is_clean(key) and _is_clean(item) for key, item in value.items())
    return not isinstance(value, list) or all(map(_is_clean, value))


def text(limit: int) -> Field:
    return Field(f"text of at most {limit} characters", lambda value: _is_text(value, limit))


def number(least: int = 0, most: int = 2**53) -> Field:
    return Field(
        f"a whole number from {least} to {most}",
        lambda value: type(value) is int and least <= value <= most,
    )


def flag() -> Field:
    return Field("true or false", lambda value: isinstance(value, bool))


def texts(count: int, limit: int) -> Field:
    return Field(
        f"a list of at most {count} texts of at most {limit} characters",
        lambda value: (
            isinstance(value, list)
            and len(value) <= count
            and all(_is_text(item, limit) for item in value)
        ),
    )


def numbers(count: int) -> Field:
    return Field(
        f"a list of at most {count} whole numbers",
        lambda value: (
            isinstance(value, list)
            and len(value) <= count
            and all(type(item) is int and 0 <= item <= 2**31 for item in value)
        ),
    )


def table() -> Field:
    return Field("an object", lambda value: isinstance(value, dict) and _is_clean(value))


def tables(count: int) -> Field:
    return Field(
        f"a list of at most {count} objects",
        lambda value: (
            isinstance(value, list)
            and len(value) <= count
            and all(isinstance(item, dict) for item in value)
            and _is_clean(value)
        ),
    )


def optional(field: Field) -> Field:
    return Field(field.expected, field.check, required=False)


NAME = text(64)
USER = text(256)
SENTENCE = text(16384)
REQUEST = text(64)
CODE = Field("a problem code", lambda value: isinstance(value, str) and value in CODES)

MESSAGES: dict[str, dict[str, Field]] = {
    # client -> host
    "hello": {"versions": numbers(16), "software": text(64)},
    "authenticate": {"user": USER},
    "answer": {"text": text(4096)},
    "endpoints": {},
    "commands": {"endpoint": optional(NAME)},
    "open": {
        "endpoint": NAME,
        "name": optional(NAME),
        "idle_timeout": optional(number()),
        "kept": flag(),
        "attach": flag(),
    },
    "attach": {"session": NAME},
    "list": {},
    "remove": {"session": NAME},
    "goodbye": {},
    # host -> client
    "welcome": {"version": number(), "software": text(64)},
    "prompt": {
        "style": Field("secret, visible, info or error", lambda value: value in PROMPT_STYLES),
        "text": text(4096),
    },
    "authenticated": {"user": USER},
    "endpoint-list": {"endpoints": tables(4096)},
    "command-list": {"endpoint": NAME, "commands": tables(4096)},
    "opened": {"session": NAME, "endpoint": NAME},
    "attached": {"session": NAME, "endpoint": NAME},
    "released": {"session": NAME, "gone": flag(), "reason": text(4096)},
    "session-list": {"sessions": tables(4096)},
    "removed": {"session": NAME},
    "failed": {"code": CODE, "message": SENTENCE, "id": optional(REQUEST)},
    # gate -> remitd, with the accepted socket as ancillary data
    "connection": {},
    # remitd -> worker: the first frame of a connection
    "policy": {
        "session": NAME,
        "policy": table(),
        "sandbox": table(),
        "environment": table(),
        "directory": text(4096),
        "idle_timeout": number(),
        "grace": number(),
        "buffer": number(),
        "when_full": Field("block or drop", lambda value: value in ("block", "drop")),
        "kept": flag(),
    },
    "monitor": {},
    "client": {"attachment": NAME, "user": USER, "peer": text(256)},
    # remitd -> worker: on the monitor connection
    "end": {"reason": text(4096)},
    # worker -> remitd: on the monitor connection
    "ready": {"state": table()},
    "state": {"state": table()},
    "event": {"event": NAME, "fields": table()},
    "ending": {"reason": text(4096)},
    # client -> worker
    "run": {"id": REQUEST, "argv": texts(257, 4096), "stdin": flag()},
    "cancel": {"id": REQUEST},
    "detach": {},
    "close": {},
    "ping": {},
    # worker -> client
    "started": {"id": REQUEST, "channel": number(1, 65535)},
    "exited": {
        "id": REQUEST,
        "channel": number(1, 65535),
        "status": optional(number(0, 255)),
        "signal": optional(number(1, 64)),
        "stdout": number(),
        "stderr": number(),
    },
    "closing": {"reason": text(4096)},
    "detached": {},
    "pong": {},
    # remitd -> remit-auth and back
    "start": {"service": NAME, "user": USER, "peer": text(256), "authenticate": flag()},
    "result": {"granted": flag(), "user": USER, "reason": text(4096)},
    # remitctl -> remitd and back
    "status": {},
    "reload": {},
    "host-status": {"status": table()},
    "reloaded": {"problems": tables(4096)},
}


class Message:
    """One control message whose fields have been checked against MESSAGES."""

    __slots__ = ("fields", "type")

    def __init__(self, type_: str, **fields: object) -> None:
        _check_fields(type_, fields)
        self.type = type_
        self.fields = fields

    def encode(self) -> bytes:
        """The bytes of the whole frame."""
        body = dumps({"type": self.type, **self.fields})
        return Frame(CONTROL, body=body.encode()).encode()

    # The table has checked the types of all fields; asking for another type is a mistake of ours.

    def text(self, key: str, default: str = "") -> str:
        value = self.fields.get(key, default)
        if not isinstance(value, str):
            raise TypeError(f"{self.type}: {key} is not text")
        return value

    def number(self, key: str, default: int = 0) -> int:
        value = self.fields.get(key, default)
        if not isinstance(value, int):
            raise TypeError(f"{self.type}: {key} is not a number")
        return value

    def flag(self, key: str) -> bool:
        return self.fields[key] is True

    def texts(self, key: str) -> list[str]:
        return self._list(key)

    def tables(self, key: str) -> list[dict[str, object]]:
        return self._list(key)

    def table(self, key: str) -> dict[str, object]:
        value = self.fields[key]
        if not isinstance(value, dict):
            raise TypeError(f"{self.type}: {key} is not an object")
        return value

    def _list(self, key: str) -> list:  # type: ignore[type-arg]
        value = self.fields[key]
        if not isinstance(value, list):
            raise TypeError(f"{self.type}: {key} is not a list")
        return value

    def has(self, key: str) -> bool:
        return key in self.fields

    def __repr__(self) -> str:  # never the fields: they may hold a password
        return f"<Message {self.type}>"


def parse_message(frame: Frame) -> Message:
    """Read a control frame. ProtocolProblem says what was found where."""
    if frame.kind != CONTROL:
        raise ProtocolProblem(f"a frame of kind {frame.kind} in place of a control message")
    try:
        content = loads(frame.body.decode())
    except RecursionError:
        raise ProtocolProblem("a control message nested too deeply") from None
    except ValueError as error:  # JSON and UTF-8 errors both
        raise ProtocolProblem(f"a control message that is not strict JSON: {error}") from None
    if not isinstance(content, dict):
        raise ProtocolProblem("a control message that is not a JSON object")
    type_ = content.pop("type", None)
    if not isinstance(type_, str) or type_ not in MESSAGES:
        raise ProtocolProblem("a control message of unknown type")
    return Message(type_, **content)


def _check_fields(type_: str, fields: Mapping[str, object]) -> None:
    known = MESSAGES[type_]
    for key in fields:
        if key not in known:
            raise ProtocolProblem(f"{type_}: an unknown field")
    for key, field in known.items():
        if key not in fields:
            if field.required:
                raise ProtocolProblem(f"{type_}: no {key}; expected {field.expected}")
        elif not field.check(fields[key]):
            raise ProtocolProblem(f"{type_}: {key} is not {field.expected}")
