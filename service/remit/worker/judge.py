"""Whether a request may run here: decided by the policy, its obligations discharged by the host.

Loaded after `ready`: what decides takes 8 ms to load, which nobody has to wait for.
"""

from __future__ import annotations

from remit.policy.command import Policy
from remit.policy.decide import Allowed, Refused, decide
from remit.policy.refusal import render
from remit.worker.obligation import discharge, is_relative


class Refusal:
    """A problem code, the request as far as it may be shown, and the text for the person."""

    __slots__ = ("argv", "code", "text")

    def __init__(self, code: str, argv: tuple[str, ...], text: str) -> None:
        self.code = code
        self.argv = argv
        self.text = text


def judge(policy: Policy, argv: list[str], directory: str) -> Allowed | Refusal:
    """`directory` is the session's, from which relative paths are looked up."""
    answer = decide(policy, argv, lambda obligation: discharge(obligation, directory))
    if isinstance(answer, Refused):
        text = render(answer).removeprefix("remit: ")  # the client puts it before every message
        return Refusal(answer.code, answer.argv, text)
    if answer.directory and any(map(is_relative, answer.obligations)):
        # It was looked up from the session's directory and would be opened from the command's.
        text = "refused: this command runs in another directory and takes absolute paths only"
        return Refusal("refused", answer.request, text)
    return answer
