"""Processes that are killed at random moments (SIGKILL), and go on to the same result.

    pytest -m slow tests/checkpoint/test_kill.py -s

runs 200 trials. In each one a run is killed once or more, at random moments, until it ends.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import RUNS, outcome

from pdelsr.checkpoint import RunFile
from pdelsr.files.container import read

KILLED = ("ilsr", "widened", "untrained", "published", "dense basis", "lsr", "pinn", "tsonn")
MOST_KILLS = 4  # in one trial
TIMEOUT = 120.0


@dataclass(frozen=True)
class Trial:
    """One run that was killed now and then.

    Args:
        kills: how often.
        lost: seconds of the run's clock from the last checkpoint to the last step before a kill
            that was not the one in hand, at most.
        found: what came out in the end.
    """

    kills: int
    lost: float
    found: dict[str, Any]


def child(name: str, folder: Path, every: float) -> None:
    """The run, in a process of its own; every step leaves its time on the clock behind."""
    keep = RunFile.keep

    def noted(self: RunFile, context: Any, standing: Any) -> None:
        with (folder / "steps").open("a") as file:
            file.write(f"{context.clock.seconds}\n")
        keep(self, context, standing)

    RunFile.keep = noted
    torch.set_num_threads(1)
    found = RUNS[name].solve(checkpoint=folder / "run", checkpoint_every=every)
    text = json.dumps(outcome(found))
    (folder / "part").write_text(text)
    os.replace(folder / "part", folder / "found")
    os._exit(0)


def lost_seconds(folder: Path) -> float:
    """Between the last checkpoint and the last but one step: the last one may not have ended."""
    steps = [float(line) for line in (folder / "steps").read_text().splitlines()[:-1]]
    if not steps or not (folder / "run").exists():
        return 0.0
    return steps[-1] - read(folder / "run").document["seconds"]


def killed_now_and_then(name: str, folder: Path, every: float, span: float, seed: int) -> Trial:
    """Run, kill after a random part of `span`, and run again, until the run ends by itself."""
    draw, kills, lost = random.Random(seed), 0, 0.0
    processes = multiprocessing.get_context("fork")
    while not (folder / "found").exists():
        (folder / "steps").write_text("")
        process = processes.Process(target=child, args=(name, folder, every))
        process.start()
        process.join(draw.uniform(0, span) if kills < MOST_KILLS else TIMEOUT)
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            kills += 1
            lost = max(lost, lost_seconds(folder))
        else:
            assert process.exitcode == 0
    return Trial(kills, lost, json.loads((folder / "found").read_text()))


def expected(name: str, folder: Path) -> tuple[dict[str, Any], float]:
    """What the run finds without a break, and the seconds that it takes."""
    folder.mkdir()
    begin = time.perf_counter()
    trial = killed_now_and_then(name, folder, every=1e9, span=TIMEOUT, seed=0)
    assert trial.kills == 0
    return trial.found, time.perf_counter() - begin


def run_trials(names: tuple[str, ...], count: int, folder: Path) -> list[Trial]:
    trials = []
    for name in names:
        found, seconds = expected(name, folder / f"{name} whole")
        for seed in range(count):
            place = folder / f"{name} {seed}"
            place.mkdir()
            every = seconds * random.Random(seed).choice([0.0, 0.02, 0.1, 0.3])
            trial = killed_now_and_then(name, place, every, 0.8 * seconds, seed)
            assert trial.found == found, f"{name}, seed {seed}: another result"
            assert trial.lost <= every, f"{name}, seed {seed}: lost {trial.lost} of {every}"
            trials.append(trial)
    return trials


def test_killed_runs_go_on_to_the_same_result(tmp_path: Path) -> None:
    assert sum(trial.kills for trial in run_trials(("ilsr", "pinn"), 1, tmp_path)) > 0


@pytest.mark.slow
def test_two_hundred_killed_runs(tmp_path: Path) -> None:
    trials = run_trials(KILLED, 25, tmp_path)
    kills = [trial.kills for trial in trials]
    print(f"\n{len(trials)} trials, {sum(kills)} kills, {kills.count(0)} trials without one")
    assert len(trials) == 200
    assert sum(kills) > 200
