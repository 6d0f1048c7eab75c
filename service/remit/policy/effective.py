"""A caller's effective policy: the roles that he has at an endpoint, his fields filled in.

Owns the way from an endpoint in force to what one session may do. Roles stay whole and in order;
no usage of one is ever mixed with another's parameters.
"""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.access import Caller, NotAdmitted, admit
from remit.policy.command import Policy, Role
from remit.policy.field import fill_table
from remit.policy.joining import Loaded, Offer
from remit.policy.parameter import read_parameter


def effective_policy(
    loaded: Loaded, caller: Caller, address: str | None, session_id: str
) -> Policy | NotAdmitted:
    """What a session of this caller may do, who comes from an address or this host (None)."""
    endpoint = loaded.endpoint
    answer = admit(endpoint, caller, address)
    if isinstance(answer, NotAdmitted):
        return answer
    fields = {
        "caller": caller.user,
        "uid": str(caller.uid),
        "home": caller.place,
        "endpoint": endpoint.name,
        "session": session_id,
    }
    roles = tuple(_fill_role(loaded.offers[name], fields) for name in answer.roles)
    return Policy(endpoint.name, endpoint.session.language, roles, fields)


def _fill_role(offer: Offer, fields: Mapping[str, str]) -> Role:
    parameters = {
        name: read_parameter(name, fill_table(table, fields))
        for name, table in offer.params.items()
    }
    return Role(offer.name, parameters, offer.commands)
