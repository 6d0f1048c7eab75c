"""Small files of state that are whole or absent, whatever happens.

Source: rename(2). Owns the writing; knows nothing of the contents.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o600, durable: bool = True) -> None:
    """Put a file in place in one step, readable with `mode`; a reader sees the old or the new.

    `durable` waits for the disk; without it a power cut may lose the file, never halve it... on
    file systems that order a rename after its data, which Debian's do.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if durable:
                os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
