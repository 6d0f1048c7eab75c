"""The way of the command line to a host: as `connect`, but with a person who can be asked."""

from __future__ import annotations

from remit.client.connection import Connection
from remit.client.notice import report
from remit.client.opening import own_name, reach
from remit.client.prompt import Prompter
from remit.client.settings import Settings
from remit.client.target import Target
from remit.wire.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from remit.client.trust import Trust

MAX_TRIES = 3  # with a person at the terminal; a file's password does not get better


def enter(settings: Settings, target: Target) -> Connection:
    """A connection on which the user is authenticated. Problem."""
    user = settings.user or own_name()
    prompter = Prompter(f"{user}@{target.address.host or 'this host'}", settings.password_file)
    connection = reach(target, user, prompter.answer, lambda: new_trust(settings))
    try:
        if connection.user != user:
            _authenticate(connection, user, prompter)
    except BaseException:
        connection.close()
        raise
    return connection


def new_trust(settings: Settings) -> Trust:
    from remit.client.known_hosts import KnownHosts, default_path
    from remit.client.prompt import confirm_host
    from remit.client.trust import Trust

    known = KnownHosts(default_path())
    return Trust(known, settings.fingerprint, settings.ca, confirm_host)


def _authenticate(connection: Connection, user: str, prompter: Prompter) -> None:
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            connection.authenticate(user)
        except Problem as problem:
            again = tries_left and prompter.has_asked and connection.may_try_again()
            if problem.code != "denied" or not again:
                raise
            report(f"{problem.message}; try again")
        else:
            return
