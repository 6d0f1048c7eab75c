"""One PAM transaction: authenticate, account, password change, credentials.

python-pam's own `authenticate()` answers every prompt with one password, so its bound calls are
driven here with a conversation function of ours; pam_get_item and pam_chauthtok, which it does
not bind, are bound beside them. Owns no policy and no I/O of its own: prompts go to a callback.
Sources: pam(3), pam_conv(3), pam_fail_delay(3).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import NamedTuple

import pam.__internals as internals

SUCCESS = internals.PAM_SUCCESS
CONVERSATION_FAILED = internals.PAM_CONV_ERR
NEW_TOKEN_REQUIRED = internals.PAM_NEW_AUTHTOK_REQD
CHANGE_EXPIRED = 0x20  # PAM_CHANGE_EXPIRED_AUTHTOK of Linux-PAM; python-pam has another number
DISALLOW_NULL = internals.PAM_DISALLOW_NULL_AUTHTOK
FAIL_DELAY = 10  # the item that holds the delay function
STYLES = {1: "secret", 2: "visible", 3: "error", 4: "info"}
MAX_TEXT = 4096  # bytes of one prompt or answer

Prompt = Callable[[str, str], str]  # style, text -> answer


class BadAnswer(ValueError):
    """An answer that PAM cannot be given: a denial, nothing more."""


class Verdict(NamedTuple):
    """What PAM said: the user that it ended up with, and the reason in its own words."""

    granted: bool
    user: str
    reason: str


class _Handle(NamedTuple):
    calls: internals.PamAuthenticator
    handle: internals.PamHandle
    library: ctypes.CDLL
    conversation: _Conversation


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _no_delay(_status: int, _microseconds: int, _data: int) -> None:
    """remitd delays every refusal by the same time; PAM's own delay would tell them apart."""


class Transaction:
    """PAM loaded and ready; `run` performs one transaction for one user."""

    def __init__(self) -> None:
        self._calls = internals.PamAuthenticator()
        self._library = ctypes.CDLL("libpam.so.0")
        self._library.pam_get_item.argtypes = [
            internals.PamHandle,
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_char_p),
        ]
        self._library.pam_chauthtok.argtypes = [internals.PamHandle, ctypes.c_int]
        self._library.pam_setcred.argtypes = [internals.PamHandle, ctypes.c_int]

    def run(self, service: str, user: str, peer: str, authenticate: bool, ask: Prompt) -> Verdict:
        """The whole transaction; without `authenticate` the account phase alone.

        Exceptions of `ask` end the transaction as a failure and are raised again.
        """
        if "\0" in service + user + peer:
            return Verdict(False, "", "a NUL character in the request")
        conversation = _Conversation(ask, self._calls)
        handle = internals.PamHandle()
        status = self._calls.pam_start(
            service.encode(), user.encode(), ctypes.byref(conversation.structure), handle
        )
        if status != SUCCESS:
            return Verdict(False, "", f"pam_start failed with {status}")
        transaction = _Handle(self._calls, handle, self._library, conversation)
        try:
            status = _phases(transaction, peer, authenticate)
            if isinstance(conversation.error, BadAnswer):
                return Verdict(False, "", str(conversation.error))
            if conversation.error is not None:
                raise conversation.error
            reason = self._calls.pam_strerror(handle, status).decode(errors="replace")
            return Verdict(status == SUCCESS, _current_user(transaction), reason)
        finally:
            self._calls.pam_end(handle, status)


def _phases(transaction: _Handle, peer: str, authenticate: bool) -> int:
    calls, handle, library, _ = transaction
    calls.pam_set_item(handle, internals.PAM_RHOST, peer.encode())
    calls.pam_set_item(handle, internals.PAM_TTY, b"remit")
    calls.pam_set_item(handle, FAIL_DELAY, ctypes.cast(_no_delay, ctypes.c_void_p))
    if authenticate:
        status: int = calls.pam_authenticate(handle, DISALLOW_NULL)
        if status != SUCCESS:
            return status
    status = _account(transaction)
    if status == NEW_TOKEN_REQUIRED and authenticate:
        status = library.pam_chauthtok(handle, CHANGE_EXPIRED)
        if status == SUCCESS:
            status = _account(transaction)
    if status == SUCCESS and authenticate:
        status = library.pam_setcred(handle, internals.PAM_ESTABLISH_CRED)
        library.pam_setcred(handle, internals.PAM_DELETE_CRED)
    return status


def _account(transaction: _Handle) -> int:
    """The account phase. What it says to the user comes out only if the user may come in: "your
    account has expired" would tell a stranger that the password was right."""
    calls, handle, _, conversation = transaction
    conversation.hold()
    status: int = calls.pam_acct_mgmt(handle, 0)
    if status in (SUCCESS, NEW_TOKEN_REQUIRED):
        conversation.let_go()
    return status


def _current_user(transaction: _Handle) -> str:
    found = ctypes.c_char_p()
    transaction.library.pam_get_item(transaction.handle, internals.PAM_USER, ctypes.byref(found))
    return (found.value or b"").decode(errors="replace")


class _Conversation:
    """The C conversation function around a callback, and what the callback raised."""

    def __init__(self, ask: Prompt, calls: internals.PamAuthenticator) -> None:
        self._ask = ask
        self._calls = calls
        self.error: Exception | None = None
        self._held: list[tuple[str, str]] | None = None
        self._function = internals.conv_func(self._converse)
        self.structure = internals.PamConv(self._function, None)

    def hold(self) -> None:
        """Keep words that want no answer back until `let_go`."""
        self._held = []

    def let_go(self) -> None:
        held, self._held = self._held or [], None
        for style, text in held:
            self._ask(style, text)

    def _converse(self, count: int, messages: object, response: object, _data: object) -> int:
        try:
            answers = [self._answer(messages[i].contents) for i in range(count)]  # type: ignore[index]
        except Exception as error:  # noqa: BLE001  raised again once PAM's C code has returned
            self.error = error
            return int(CONVERSATION_FAILED)
        array = self._allocate(count * ctypes.sizeof(internals.PamResponse))
        responses = ctypes.cast(array, ctypes.POINTER(internals.PamResponse))
        for i, answer in enumerate(answers):
            text = self._allocate(len(answer) + 1)
            ctypes.memmove(text, answer, len(answer))
            # PAM frees both; a c_char_p field would keep Python's own buffer instead
            ctypes.c_void_p.from_buffer(responses[i]).value = text
        response[0] = responses  # type: ignore[index]
        return int(SUCCESS)

    def _answer(self, message: internals.PamMessage) -> bytes:
        text = (message.msg or b"")[:MAX_TEXT].decode(errors="replace")
        style = STYLES[message.msg_style]
        if self._held is not None and style in ("info", "error"):
            self._held.append((style, text))
            return b""
        answer = self._ask(style, text).encode()
        if len(answer) > MAX_TEXT or b"\0" in answer:
            raise BadAnswer("an answer that is too long or holds NUL")
        return answer

    def _allocate(self, size: int) -> int:
        address = self._calls.calloc(1, size)
        if not address:
            raise MemoryError
        return int(address)
