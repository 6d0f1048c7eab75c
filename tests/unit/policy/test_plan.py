"""The units of a session, as data: what every session gets, and what depends on its account."""

from __future__ import annotations

import pytest

from remit.policy import plan
from remit.policy.endpoint import Endpoint, parse_endpoint
from remit.policy.plan import Plan, plan_session

SESSION = "0123456789abcdef" * 2
BASE = {"access": {"allow": ["ann"]}, "roles": {"ann": ["some"]}}


def endpoint(name: str = "web-admin", /, **tables: object) -> Endpoint:
    found, problems = parse_endpoint(name, "test.toml", {**BASE, **tables})
    assert found is not None, problems
    return found


def planned(uid: int = 1000, **tables: object) -> Plan:
    return plan_session(endpoint(**tables), SESSION, "ann", uid, {})


def values(found: Plan) -> dict[str, object]:
    return {each.name: each.value for each in found.properties}


def hidden(found: Plan) -> set[str]:
    named: set[str] = set()
    for each in found.properties:
        if each.name == "InaccessiblePaths":
            named |= {path.removeprefix("-") for path in each.value}
    return named


def test_names_are_made_of_the_id_and_the_endpoint() -> None:
    found = planned()
    assert found.service == f"remit-session-{SESSION}.service"
    assert found.socket == f"remit-session-{SESSION}.socket"
    assert values(found)["Slice"] == r"remit-web\x2dadmin.slice", "one level, not two"


def test_the_pair_of_units_lives_and_dies_together() -> None:
    found = planned()
    assert values(found)["Requires"] == values(found)["After"] == [found.socket]
    socket = {each.name: each.value for each in found.socket_properties}
    assert socket["BindsTo"] == [found.service]
    assert socket["RemoveOnStop"] is True
    assert socket["SocketMode"] == 0o600
    assert socket["CollectMode"] == values(found)["CollectMode"] == "inactive-or-failed"


def test_the_worker_is_started_by_a_constant_vector() -> None:
    command = values(planned())["ExecStart"]
    assert command == [(plan.WORKER, ["remit-worker"], False)]


def test_a_virtual_account_is_its_callers_and_its_endpoints_own() -> None:
    accounts = {
        plan_session(endpoint(name), SESSION, user, uid, {}).account
        for name in ("web", "db")
        for user, uid in (("ann", 1000), ("bob", 1001))
    }
    assert len(accounts) == 4
    assert all(each.startswith("remit-v-") and len(each) <= 31 for each in accounts)
    assert planned().account == planned().account


@pytest.mark.parametrize(
    ("run_as", "account"), [("caller", "ann"), ("postgres", "postgres"), ("root", "root")]
)
def test_other_accounts_are_taken_as_they_are(run_as: str, account: str) -> None:
    found = values(planned(session={"run_as": run_as}))
    assert found["User"] == account
    assert "DynamicUser" not in found


def test_every_session_has_the_walls_that_no_endpoint_can_take_down() -> None:
    for session in ({}, {"run_as": "caller"}, {"run_as": "root"}):
        found = values(planned(session=session))
        assert {each.name for each in plan.ALWAYS} <= found.keys()
        assert found["CapabilityBoundingSet"] == 0
        assert found["NoNewPrivileges"] is True
        assert {"/run/remit", "/run/systemd/journal", plan.BUS} <= hidden(planned(session=session))


def test_the_bus_is_shown_where_the_endpoint_says_so_and_nowhere_else() -> None:
    assert plan.BUS in hidden(planned())
    assert plan.BUS not in hidden(planned(session={"dbus": True}))


@pytest.mark.parametrize(
    ("run_as", "uid", "powerful"),
    [("virtual", 1000, False), ("caller", 1000, False), ("caller", 0, True), ("root", 1000, True),
     ("postgres", 1000, True)],
)  # fmt: skip
def test_what_file_modes_do_not_keep_from_an_account_mounts_do(
    run_as: str, uid: int, powerful: bool
) -> None:
    found = planned(uid, session={"run_as": run_as})
    assert (set(plan.SECRET) <= hidden(found)) is powerful
    assert ("ProtectKernelTunables" in values(found)) is powerful
    assert set(plan.SECRET).isdisjoint(hidden(found)) is not powerful


def test_the_sandbox_of_the_endpoint_replaces_the_defaults_and_adds_paths() -> None:
    table = {"MemoryMax": "64M", "PrivateNetwork": False, "ReadWritePaths": ["/srv"]}
    found = planned(sandbox=table)
    memory = [each.value for each in found.properties if each.name == "MemoryMax"]
    assert memory == [64 << 20]
    paths = [each.value for each in found.properties if each.name == "ReadWritePaths"]
    assert ["/srv"] in paths
    assert len(paths) == 2, "and its own control group"


def test_run_is_read_only_although_systemd_forgets_it() -> None:
    found = [each.value for each in planned().properties if each.name == "ReadOnlyPaths"]
    assert found == [["/run"]]
    open_wide = planned(session={"run_as": "caller"}, sandbox={"ProtectSystem": False})
    assert "ReadOnlyPaths" not in values(open_wide)


def test_nothing_of_an_account_is_removed_with_its_session() -> None:
    assert "RemoveIPC" not in values(planned(session={"run_as": "postgres"}))


def test_the_worker_is_told_to_find_what_was_ordered() -> None:
    found = planned()
    assert found.expected["read_only"] == ["/usr", "/etc", "/var", "/run"]
    assert set(found.private) == {"mnt", "net", "ipc", "uts"}
    assert set(map(str, found.expected["hidden"])) == hidden(found)  # type: ignore[call-overload]
    open_wide = {"PrivateNetwork": False, "PrivateIPC": False, "ProtectSystem": "full"}
    found = planned(session={"run_as": "caller"}, sandbox=open_wide)
    assert found.expected["read_only"] == ["/usr", "/etc"]
    assert set(found.private) == {"mnt", "uts"}
