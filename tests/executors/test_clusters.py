"""Executors of other packages, where they are installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pdelsr.executors import outcomes

DASK = """
from dask.distributed import Client, LocalCluster
from pdelsr.executors import outcomes

def main():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        c = 3
        print(sorted(outcomes(client, lambda index: c * index, range(5))))

if __name__ == "__main__":
    main()
"""


def test_dask(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(DASK))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "[(0, 0), (1, 3), (2, 6), (3, 9), (4, 12)]" in done.stdout, done.stderr


def test_submitit(tmp_path: Path) -> None:
    submitit: Any = pytest.importorskip("submitit")
    executor = submitit.LocalExecutor(folder=tmp_path / "jobs")
    executor.update_parameters(timeout_min=5)
    mark = tmp_path / "mark"

    def job(index: int) -> int:
        if index == 1 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return index**2

    assert dict(outcomes(executor, job, range(2))) == {0: 0, 1: 1}
    assert mark.exists()
