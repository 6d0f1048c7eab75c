"""What a test host consists of: packages, masked units, files. Data and nothing else.

The name of a cached image carries a hash of this file: whatever changes here makes new images.
"""

from __future__ import annotations

# A fresh Debian server, as far as remit can tell.
PACKAGES = (
    "apt",
    "dbus",
    "init-system-helpers",
    "iproute2",
    "less",
    "libnss-systemd",
    "libpam-modules",
    "libpam-systemd",
    "login",
    "openssh-server",
    "passwd",
    "procps",
    "python3",
    "systemd",
    "systemd-sysv",
    "util-linux",
)

# What the packages of remit depend on: downloaded in a `plain` host, installed in a `ready` one.
DEPENDENCIES = (
    "python3-cryptography",
    "python3-gi",
    "python3-pampy",
    "python3-pydbus",
    "python3-sdnotify",
    "python3-six",
)

# Programs that `Host.run` starts are put into this unit's control group: to whoever asks, they are
# somebody's shell, not a part of any service under test.
SHELL_UNIT = "host-shell.service"

MASKED = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "systemd-networkd-wait-online.service",
)

FILES = {
    f"/etc/systemd/system/{SHELL_UNIT}": """\
[Unit]
Description=Shell of the test harness
[Service]
Slice=user.slice
Delegate=yes
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
""",
    "/etc/systemd/journald.conf.d/volatile.conf": """\
[Journal]
Storage=volatile
""",
    # Images are thrown away: nothing in them has to reach the disk.
    "/etc/dpkg/dpkg.cfg.d/unsafe-io": "force-unsafe-io\n",
    "/etc/apt/apt.conf.d/offline": 'APT::Periodic::Enable "0";\n',
}

LINKS = {
    f"/etc/systemd/system/multi-user.target.wants/{SHELL_UNIT}": f"../{SHELL_UNIT}",
    **{f"/etc/systemd/system/{unit}": "/dev/null" for unit in MASKED},
}
