"""`python3 -m remit.control` is remitctl."""

from __future__ import annotations

import sys

from remit.control.cli import main

if __name__ == "__main__":
    sys.exit(main())
