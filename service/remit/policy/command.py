"""Commands, roles and the effective policy of one session, and their JSON.

remitd makes a Policy from files when a session opens and sends it to the worker, which reads it
back with `Policy.from_json`. Usages are compiled at their first use, so that a worker with many
commands starts fast; whoever loads files calls `Policy.compile` and learns of every error then.
"""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.document import Document
from remit.policy.errors import PolicyError, UsageError
from remit.policy.parameter import Parameter, parse_parameter, read_parameter
from remit.policy.structure import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from remit.policy.usage import Usage

LANGUAGES = ("command", "pipeline", "shell")
MAX_USAGES = 64
ANY_HELPERS = "any"


class Command(Value):
    """One command of one role. `usages` are texts with fragments already expanded.

    `helpers` is a tuple of paths, or `"any"` for no kernel limit; `timeout` is in seconds, 0 for
    none; `directory` is "" for the session's; `record` is "" for what the endpoint says.
    """

    __slots__ = (
        "name", "exec", "usages", "insert", "append", "environment", "accept", "directory",
        "timeout", "stdin", "tty", "helpers", "read", "write", "capabilities", "record", "summary",
        "role",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        exec: str,
        usages: tuple[str, ...],
        *,
        insert: tuple[str, ...] = (),
        append: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        accept: tuple[str, ...] = (),
        directory: str = "",
        timeout: float = 0,
        stdin: bool = False,
        tty: bool = False,
        helpers: tuple[str, ...] | str = (),
        read: tuple[str, ...] = (),
        write: tuple[str, ...] = (),
        capabilities: tuple[str, ...] = (),
        record: str = "",
        summary: str = "",
        role: str = "",
    ) -> None:
        self.name = name
        self.exec = exec
        self.usages = usages
        self.insert = insert
        self.append = append
        self.environment = dict(environment or {})
        self.accept = accept
        self.directory = directory
        self.timeout = timeout
        self.stdin = stdin
        self.tty = tty
        self.helpers = helpers
        self.read = read
        self.write = write
        self.capabilities = capabilities
        self.record = record
        self.summary = summary
        self.role = role

    def to_json(self) -> dict[str, object]:
        """A plain dict; the role is left out, since the role holds the command."""
        table: dict[str, object] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            table[name] = list(value) if isinstance(value, tuple) else value
        del table["role"]
        return table

    @classmethod
    def from_json(cls, data: object, role: str = "") -> Command:
        """Raises PolicyError unless `data` has exactly the keys of `to_json`, of their types."""
        document = Document(data, set(cls.__slots__) - {"role"})
        free = document.data["helpers"] == ANY_HELPERS
        return cls(
            document.text("name"),
            document.text("exec"),
            document.texts("usages"),
            insert=document.texts("insert"),
            append=document.texts("append"),
            environment=document.mapping("environment"),
            accept=document.texts("accept"),
            directory=document.text("directory"),
            timeout=document.number("timeout"),
            stdin=document.boolean("stdin"),
            tty=document.boolean("tty"),
            helpers=ANY_HELPERS if free else document.texts("helpers"),
            read=document.texts("read"),
            write=document.texts("write"),
            capabilities=document.texts("capabilities"),
            record=document.text("record"),
            summary=document.text("summary"),
            role=role,
        )


class Role(Value):
    """A role: its parameters (its own, never another role's) and its commands, in written order."""

    __slots__ = ("name", "parameters", "commands", "_compiled")

    def __init__(
        self, name: str, parameters: Mapping[str, Parameter], commands: Mapping[str, Command]
    ) -> None:
        self.name = name
        self.parameters = dict(parameters)
        self.commands = dict(commands)
        self._compiled: dict[str, tuple[Usage, ...]] = {}

    def usages(self, command: str) -> tuple[Usage, ...]:
        """The command's usages, parsed; UsageError when one cannot be. Compiled once."""
        compiled = self._compiled.get(command)
        if compiled is None:
            compiled = tuple(self._compile(self.commands[command]))
            self._compiled[command] = compiled
        return compiled

    def _compile(self, command: Command) -> list[Usage]:
        count = len(command.usages)
        if not 1 <= count <= MAX_USAGES:
            raise UsageError(
                f"commands.{command.name}.usage",
                f"{count} usages",
                f'1 to {MAX_USAGES}; for a command without arguments write usage = [""]',
            )
        from remit.policy.usage import parse_usage  # not before the first use: 4 ms

        usages = []
        for number, text in enumerate(command.usages):
            try:
                usages.append(parse_usage(text, self.parameters))
            except PolicyError as error:
                raise error.at(f"commands.{command.name}.usage[{number}]") from None
        return usages

    def named(self, word: str) -> list[Command]:
        """The commands that `word` names: by name, or by exactly the program's path."""
        return [c for c in self.commands.values() if word in (c.name, c.exec)]

    def to_json(self) -> dict[str, object]:
        """A plain dict."""
        return {
            "name": self.name,
            "parameters": {name: p.table for name, p in self.parameters.items()},
            "commands": [command.to_json() for command in self.commands.values()],
        }

    @classmethod
    def from_json(cls, data: object) -> Role:
        """Raises PolicyError unless `data` has exactly the keys of `to_json`, of their types."""
        document = Document(data, {"name", "parameters", "commands"})
        name = document.text("name")
        parameters = {
            key: read_parameter(key, table) for key, table in document.tables("parameters").items()
        }
        commands = [Command.from_json(entry, name) for entry in document.array("commands")]
        by_name = {command.name: command for command in commands}
        if len(by_name) != len(commands):
            raise PolicyError("commands", "a name that occurs twice", "each command once")
        return cls(name, parameters, by_name)


class Policy(Value):
    """What one session may do: the caller's roles in the order in which they are asked.

    `fields` holds the values of `{caller} {uid} {home} {endpoint} {session}`.
    """

    __slots__ = ("endpoint", "language", "roles", "fields")

    def __init__(
        self, endpoint: str, language: str, roles: tuple[Role, ...], fields: Mapping[str, str]
    ) -> None:
        self.endpoint = endpoint
        self.language = language
        self.roles = roles
        self.fields = dict(fields)

    def compile(self) -> None:
        """Parse every pattern and usage now; raises the first PolicyError with its dotted key."""
        for role in self.roles:
            for name, parameter in role.parameters.items():
                parse_parameter(name, parameter.table)
            for name in role.commands:
                role.usages(name)

    def to_json(self) -> dict[str, object]:
        """A plain dict that `from_json` reads back to an equal Policy."""
        return {
            "endpoint": self.endpoint,
            "language": self.language,
            "roles": [role.to_json() for role in self.roles],
            "fields": dict(self.fields),
        }

    @classmethod
    def from_json(cls, data: object) -> Policy:
        """Raises PolicyError unless `data` has exactly the keys of `to_json`, of their types."""
        document = Document(data, {"endpoint", "language", "roles", "fields"})
        language = document.text("language")
        if language not in LANGUAGES:
            raise PolicyError("language", repr(language), " or ".join(LANGUAGES))
        roles = tuple(Role.from_json(entry) for entry in document.array("roles"))
        return cls(document.text("endpoint"), language, roles, document.mapping("fields"))
