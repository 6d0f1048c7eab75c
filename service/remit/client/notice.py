"""remit's own words to the person, on standard error."""

from __future__ import annotations

import sys

from remit.client.render import clean_lines


def report(message: str) -> None:
    """Say one thing; further lines of it are indented. Silent where nobody can hear."""
    try:
        sys.stderr.write(f"remit: {clean_lines(message)}\n")
        sys.stderr.flush()
    except OSError:
        pass
