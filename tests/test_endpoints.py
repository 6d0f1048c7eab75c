"""The shipped endpoints and roles: they load, they admit nobody by themselves, and for each a table
of calls that must be allowed and of calls that must be refused, decided as a session decides."""

from __future__ import annotations

import os
import shlex
import tomllib

import pytest

from remit.policy.access import Admitted, Caller, NotAdmitted, admit
from remit.policy.catalogue import DIRECTORIES, ENDPOINTS, Catalogue, Host, make_catalogue
from remit.policy.command import Policy
from remit.policy.decide import Allowed, Refused, decide
from remit.policy.effective import effective_policy
from tests.tree import ROOT

SHIPPED = ROOT / "endpoints"
SYSUSERS = ROOT / "systemd" / "remit.sysusers"
PEOPLE = "adm sudo users wheel staff root"


def catalogue() -> Catalogue:
    """As remitd would load it on a host with all programs and accounts."""
    files: dict[str, dict[str, bytes]] = {directory: {} for directory in DIRECTORIES}
    for kind in ("endpoints", "roles"):
        found = {file.name: file.read_bytes() for file in (SHIPPED / kind).iterdir()}
        files[f"/usr/lib/remit/{kind}"] = found
    return make_catalogue(files, Host(lambda _: True, lambda _: True, lambda _: None))


CATALOGUE = catalogue()


def policy(name: str, *groups: str) -> Policy:
    caller = Caller("anna", 1000, "/home/anna", frozenset(groups))
    answer = effective_policy(CATALOGUE.loaded[name], caller, "192.0.2.1", "0" * 32)
    assert isinstance(answer, Policy)
    return Policy.from_json(answer.to_json())


def test_all_are_sound() -> None:
    assert [str(problem) for problem in CATALOGUE.problems] == []
    assert set(CATALOGUE.states.values()) == {"loaded"}
    assert CATALOGUE.states.keys() == {file.stem for file in (SHIPPED / "endpoints").iterdir()}


def test_every_role_is_used() -> None:
    used = {name for each in CATALOGUE.endpoints.values() for name in each.role_names()}
    assert used == {file.stem for file in (SHIPPED / "roles").iterdir()}


@pytest.mark.parametrize("name", sorted(CATALOGUE.endpoints))
def test_nothing_is_granted_by_default(name: str) -> None:
    """Not to root, nor to the groups that people are in; only to a group of the endpoint's own."""
    endpoint = CATALOGUE.endpoints[name]
    for user, uid in (("root", 0), ("anna", 1000)):
        caller = Caller(user, uid, "/", frozenset(PEOPLE.split()))
        assert isinstance(admit(endpoint, caller, None), NotAdmitted)
    own = Caller("anna", 1000, "/", frozenset({f"remit-{name}"}))
    assert isinstance(admit(endpoint, own, None), Admitted)
    assert set(endpoint.roles) == {f"@remit-{name}"}


def test_the_package_makes_their_groups() -> None:
    lines = [line.split() for line in SYSUSERS.read_text().splitlines()]
    made = {words[1] for words in lines if words[:1] == ["g"]}
    assert made == {f"remit-{name}" for name in CATALOGUE.endpoints}


@pytest.mark.parametrize("file", sorted(SHIPPED.rglob("*.toml")), ids=lambda file: file.name)
def test_every_file_says_what_it_is_for(file: os.PathLike[str]) -> None:
    with open(file, "rb") as opened:
        assert tomllib.load(opened)["description"]


HOST_STATUS_ALLOWED = """
uptime
uptime -p
/usr/bin/uptime --since
df
df -h
df -hT
df -T -h
df -h -x tmpfs -x devtmpfs
df --output=source,pcent,target
df --output
free
free -h
free -m -t -w
free -s 2 -c 3
ps
ps aux
ps aux --sort=-pcpu
ps auxww --no-headers
ps -ef
ps -ef --forest
ps -e -o pid,user,args --sort=-rss
ps -u root,postgres -f
ps -p 1
ps -C sshd -o pid,args
lscpu
lscpu -J
lscpu --extended
lsblk
lsblk -f
lsblk -o NAME,SIZE,FSUSE%,MOUNTPOINTS -p
ip -br addr
ip -br -4 addr
ip a
ip addr show dev eth0
ip addr show eth0
ip -j link
ip -s link show up
ip route
ip -6 route show dev eth0
ip neigh
hostnamectl
hostnamectl status
hostnamectl --json=short
hostnamectl --json=pretty status
systemctl
systemctl --failed
systemctl list-units --type=service --state=failed,running
systemctl list-units -t service --all
systemctl status
systemctl status ssh
systemctl status -l -n 50 ssh.service cron.service
systemctl status --lines=0 user@1000.service
systemctl is-active ssh
systemctl is-failed -q ssh
systemctl list-timers --all
systemctl list-unit-files --state=masked --type=service
systemctl list-unit-files
systemctl list-dependencies --reverse ssh.service
systemctl show -p ActiveState,SubState ssh
systemctl show --property=MainPID --value ssh
systemctl is-system-running
systemctl list-jobs
journalctl
journalctl -u ssh
journalctl -u ssh -u cron -n 100 --since today
journalctl --unit=ssh.service --since=-1h -p err
journalctl -u ssh --since '2 hours ago' --until '10 minutes ago'
journalctl --since '2026-11-23 04:05' --until '2026-11-23 05:00:00'
journalctl -n 20 -u ssh -r
journalctl -b
journalctl -b -1 -p warning
journalctl --boot=-2 -k
journalctl -f -u ssh
journalctl -o json -n 5
journalctl -t sshd -g 'Failed password'
journalctl --list-boots
journalctl --disk-usage
"""

HOST_STATUS_REFUSED = """
bash
sh -c id
cat /etc/shadow
reboot
/bin/uptime
uptime -p -s
uptime --help
df /etc/shadow
df --output=file
df -h -h
df --sync
free --seconds
free -s 0
ps e
ps auxe
ps aux e
ps eaux
ps -e -o environ
ps -o pid,environ
ps -e -o user=
ps aux --sort=environ
lscpu -s /root
lscpu --sysroot=/root
lsblk --sysroot /root
lsblk --sysroot=/root
lsblk /dev/sda
lsblk -o NAME,PTUUID,,
ip -batch /etc/shadow
ip -b /etc/shadow
ip -force -batch -
ip netns exec x sh
ip vrf exec x sh
ip addr add 192.0.2.1/24 dev eth0
ip link set eth0 down
ip route flush table main
ip route save
ip monitor
ip -n x addr
hostnamectl set-hostname evil
hostnamectl hostname evil
hostnamectl -H root@elsewhere status
hostnamectl -M x status
systemctl start ssh
systemctl stop ssh
systemctl restart ssh
systemctl cat ssh
systemctl edit ssh
systemctl show ssh
systemctl show -p Environment ssh
systemctl show-environment
systemctl status /etc/shadow
systemctl status 'ssh*'
systemctl status -H root@elsewhere ssh
systemctl status -M x ssh
systemctl --root=/tmp list-unit-files
systemctl list-unit-files --root=/tmp
systemctl list-unit-files --roo=/tmp
systemctl --user status
systemctl status --output=../x ssh
systemctl kill ssh
systemctl daemon-reload
journalctl --file=/etc/shadow
journalctl --file /etc/shadow
journalctl --fil=/etc/shadow
journalctl -D /root
journalctl -D/root
journalctl --directory=/root
journalctl --root=/
journalctl --image=/x
journalctl --cursor-file=/tmp/x
journalctl --namespace=remit
journalctl --namespace remit
journalctl --namespace='*'
journalctl -m
journalctl --merge
journalctl -M x
journalctl --vacuum-size=1
journalctl --vacuum-time=1s
journalctl --rotate
journalctl --flush
journalctl --sync
journalctl --setup-keys
journalctl --verify
journalctl --output=../x
journalctl _PID=1
journalctl /usr/bin/bash
journalctl -u 'ssh*'
journalctl -u
journalctl -n all -u ssh
journalctl -n -1
journalctl -nu ssh
journalctl --since "today; id"
journalctl -p err..debug
journalctl -g --file=/etc/shadow
journalctl -r -r
journalctl --no-pager=false
journalctl --pager
"""

TABLES = {"host-status": (HOST_STATUS_ALLOWED, HOST_STATUS_REFUSED)}


def calls(place: int) -> list[tuple[str, str]]:
    return [
        (name, line) for name, table in TABLES.items() for line in table[place].split("\n") if line
    ]


def test_every_endpoint_has_a_table() -> None:
    assert TABLES.keys() == CATALOGUE.endpoints.keys()


@pytest.mark.parametrize("name, line", calls(0))
def test_allowed(name: str, line: str) -> None:
    argv = shlex.split(line)
    answer = decide(policy(name, f"remit-{name}"), argv, lambda _: True)
    assert isinstance(answer, Allowed)
    assert answer.argv[0].startswith("/usr/bin/")
    assert list(answer.argv[1:]) == [*answer.command.insert, *argv[1:]]


@pytest.mark.parametrize("name, line", calls(1))
def test_refused(name: str, line: str) -> None:
    answer = decide(policy(name, f"remit-{name}"), shlex.split(line), lambda _: True)
    assert isinstance(answer, Refused)


@pytest.mark.parametrize("program", ["systemctl", "journalctl"])
def test_no_pager_is_ever_started(program: str) -> None:
    command = policy("host-status", "remit-host-status").roles[0].commands[program]
    assert "--no-pager" in command.insert


def test_every_command_of_every_role_is_tried() -> None:
    for name in TABLES:
        tried = {line.split()[0] for each, line in calls(0) if each == name}
        offers = CATALOGUE.loaded[name].offers.values()
        assert {command for offer in offers for command in offer.commands} <= tried


def test_directories_are_those_that_the_package_fills() -> None:
    assert ENDPOINTS[0] == "/usr/lib/remit/endpoints"
