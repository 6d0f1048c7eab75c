"""Start remit-gate as systemd does, with a test's settings: SERVICE DESCRIPTOR SETTINGS(JSON)."""

from __future__ import annotations

import json
import os
import sys

service, descriptor, chosen = sys.argv[1:]
sys.path += [service, "/usr/lib/python3/dist-packages"]

from remit.gateway.__main__ import main  # noqa: E402
from remit.gateway.settings import Caps, Deadlines, Settings  # noqa: E402

os.dup2(int(descriptor), 3)
if descriptor != "3":
    os.close(int(descriptor))
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
fields = json.loads(chosen)
caps, deadlines = Caps(**fields.pop("caps")), Deadlines(**fields.pop("deadlines"))
sys.exit(main(Settings(caps=caps, deadlines=deadlines, **fields)))
