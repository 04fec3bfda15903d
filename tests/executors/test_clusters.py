"""Executors of other packages, where they are installed."""

from __future__ import annotations

import os
import signal
import socket
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


COMMANDS = """
import os, sys, time
from dask.distributed import Client
from pdelsr.executors import outcomes

def main(address, folder, kills):
    def job(index):
        if kills == "True" and index == 3 and not os.path.exists(os.path.join(folder, "killed")):
            open(os.path.join(folder, "killed"), "w").close()
            os.kill(os.getpid(), 9)
        time.sleep(0.05)
        return index**2

    with Client(address, timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        print(sorted(outcomes(client, job, range(8))))

main(*sys.argv[1:])
"""


@pytest.mark.parametrize("kills", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_dask_by_its_own_commands(tmp_path: Path, kills: bool) -> None:
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    dask, quiet = [sys.executable, "-m", "dask"], {"stderr": subprocess.DEVNULL}
    listening = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = [f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    started = [subprocess.Popen([*dask, "scheduler", *listening], **quiet)]
    started += [subprocess.Popen([*dask, "worker", *worker], **quiet) for _ in range(2)]
    script = tmp_path / "script.py"
    script.write_text(COMMANDS)
    try:
        call = [sys.executable, str(script), worker[0], str(tmp_path), str(kills)]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=120)
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert str([(i, i**2) for i in range(8)]) in done.stdout, done.stderr
    assert (tmp_path / "killed").exists() is kills


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
