"""What a policy allows, for people: the commands with their usages, in the roles' order.

The worker imports this.
"""

from __future__ import annotations

from remit.policy.command import Policy


def describe_commands(policy: Policy) -> list[dict[str, object]]:
    """One entry for each command name: name, summary, stdin and usages, each "NAME ARGUMENTS"."""
    found: dict[str, dict[str, object]] = {}
    texts: dict[str, dict[str, None]] = {}  # ordered, each once
    for role in policy.roles:
        for command in role.commands.values():
            entry = found.setdefault(
                command.name, {"name": command.name, "summary": command.summary, "stdin": False}
            )
            entry["stdin"] = entry["stdin"] or command.stdin
            texts.setdefault(command.name, {})
            for usage in role.usages(command.name):
                texts[command.name].setdefault(f"{command.name} {usage.text}".rstrip())
    return [{**entry, "usages": list(texts[name])} for name, entry in found.items()]
