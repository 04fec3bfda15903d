"""Burgers' equation refined for many initial values over dask, by one worker and by two.

    python docs/experiments/many_refinements.py 100 500

takes the number of instances and the rank. It starts a scheduler and workers of one thread by
dask's own commands, and prints the seconds of all instances with one worker, with two, and with two
of which one is killed in the middle, together with the scheduler; the call is then made again with
new ones, and goes on from the file. The operator is untrained. Needs `pip install "pdelsr[dask]"`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from dask.distributed import Client

import pdelsr as pl

BURGERS = Path(__file__).resolve().parents[2] / "problems" / "parametric" / "burgers.py"


@contextmanager
def cluster(workers: int) -> Iterator[tuple[Client, list[subprocess.Popen[bytes]]]]:
    """A client of a scheduler with so many workers, and their processes, scheduler first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    port, quiet = address.rpartition(":")[2], {"stderr": subprocess.DEVNULL}
    one = {**os.environ, "OMP_NUM_THREADS": "1"}
    dask = [sys.executable, "-m", "dask"]
    started = [
        subprocess.Popen(
            [*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"],
            env=one,
            **quiet,
        )
    ]
    options = ["--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    started += [
        subprocess.Popen([*dask, "worker", address, *options], env=one, **quiet)
        for _ in range(workers)
    ]
    try:
        with Client(address, timeout=60) as client:
            client.wait_for_workers(workers, timeout=120)
            yield client, started
    finally:
        for process in started:
            process.kill()
            process.wait()


def seconds(operator: torch.nn.Module, count: int, rank: int, workers: int) -> float:
    """Of all instances, after a warm-up of every worker."""
    problem = pl.load_problem(BURGERS)
    with cluster(workers) as (client, _):
        pl.refine_many(operator, problem, 2 * workers, executor=client, rank=50, function_seed=9)
        begin = time.perf_counter()
        pl.refine_many(operator, problem, count, executor=client, rank=rank)
        return time.perf_counter() - begin


def interrupted(operator: torch.nn.Module, count: int, rank: int, path: Path) -> tuple[int, int]:
    """Rows in the file when worker and scheduler are killed, and at the end."""
    problem = pl.load_problem(BURGERS)
    with cluster(2) as (client, started):

        def kill() -> None:
            while not path.exists() or len(path.read_text().splitlines()) < count // 3:
                time.sleep(0.2)
            os.kill(started[1].pid, signal.SIGKILL)
            while len(path.read_text().splitlines()) < 2 * count // 3:
                time.sleep(0.2)
            os.kill(started[0].pid, signal.SIGKILL)

        threading.Thread(target=kill, daemon=True).start()
        with suppress(Exception):  # the scheduler is gone
            pl.refine_many(operator, problem, count, executor=client, rank=rank, path=path)
    before = len(path.read_text().splitlines())
    with cluster(2) as (client, _):
        pl.refine_many(operator, problem, count, executor=client, rank=rank, path=path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    indices = [row["index"] for row in rows if "index" in row]
    assert sorted(indices) == list(range(count)), "a row is lost, or there twice"
    return before, len(indices)


def main(count: int, rank: int) -> None:
    torch.manual_seed(0)
    sensors = np.linspace(0, 1, 32, endpoint=False)
    operator = pl.operators.PIDeepONet(sensors, 2, (50,) * 4, "modified_mlp")
    one, two = (seconds(operator, count, rank, workers) for workers in (1, 2))
    print(f"{count} instances: {one:.0f} s by one worker, {two:.0f} by two, {one / two:.2f} times")
    with TemporaryDirectory() as folder:
        before, after = interrupted(operator, count, rank, Path(folder) / "rows.jsonl")
    print(f"a worker and the scheduler killed: {before} lines then, {after} rows at the end")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("instances", type=int)
    parser.add_argument("rank", type=int)
    main(*vars(parser.parse_args()).values())
