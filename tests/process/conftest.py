"""A worker and a client of it, for the tests of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.worker_process import Peer, WorkerProcess, policy_frame


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path, policy_frame()) as worker:
        yield worker


@pytest.fixture
def client(worker: WorkerProcess) -> Peer:
    """Attached; closed with the worker."""
    return worker.attach()
