"""What makes two runs the same run: problem, method, options, functions, first weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pdelsr.errors import FileFormatError
from pdelsr.files.identity import problem_lines
from pdelsr.files.seal import digest_of_tensors
from pdelsr.linearize.block_digest import PROBES, digest_of_values, digests_of_blocks
from pdelsr.linearize.points import PointPlan
from pdelsr.lstsq import LeastSquares
from pdelsr.networks import Activation
from pdelsr.results.plain_data import is_code, to_plain
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.run.predecessor import Predecessor
from pdelsr.subspace import Basis

COMPARED = ("problem", "method", "network", "start")
FREE = (  # options that may change before a run goes on
    *("time_limit", "max_iterations", "tolerance", "refine", "verbose"),
    *("callback", "checkpoint", "checkpoint_every", "network"),
)


def fingerprint(job: Job) -> dict[str, Any]:
    """What decides a run: plain data, and digests of weights."""
    problem, method, settings, start = job.problem, job.method, job.settings, job.start
    options = to_plain(replace(settings, network=None, callback=None))
    of_problem = {
        "points": to_plain(problem.points),
        "sampler": part_text(problem.sampler),
        "weights": to_plain(problem.weights),
    }
    if settings.points is not None:
        del of_problem["points"]
    begin = None if start is None else [start.rounds, digest_of_tensors(_delta(start))]
    return {
        "problem": problem_lines(problem),
        "method": method.name,
        "options": {
            **_options(method),
            **{k: v for k, v in options.items() if k not in (*FREE, "class")},
            "sampler": part_text(settings.sampler),
            **{f"{name} of the problem": value for name, value in of_problem.items()},
        },
        "network": None if settings.network is None else of_module(settings.network),
        "start": begin,
    }


def _options(method: Method) -> dict[str, Any]:
    """The options of a method; parts of a user's own as text, and other code left out."""
    options = {f.name: getattr(method, f.name) for f in fields(method) if f.name != "suggested"}
    plain = {name: to_plain(value) for name, value in options.items()}
    for name, value in options.items():
        if is_code(plain[name]) and isinstance(value, Basis | LeastSquares):
            plain[name] = part_text(value)
    return {name: value for name, value in plain.items() if not is_code(value)}


def part_text(given: Any) -> str:
    """A part of a run as text: by its class, if it has no text of its own, which an address is not.

    Samplers may be given by block. The points that they draw are compared separately.
    """
    if isinstance(given, Mapping):
        return str({name: part_text(part) for name, part in given.items()})
    own = type(given).__repr__ is object.__repr__
    return f"{type(given).__module__}.{type(given).__qualname__}" if own else repr(given)


def values_digest(job: Job, plan: PointPlan) -> dict[str, str]:
    """Digests of the functions of every block and of a user-defined activation, at fixed points.

    Coefficients and observations are code and data that the text of a problem does not show.
    """
    found = digests_of_blocks(job.compiled.blocks, plan)
    activation = job.method.activation
    if isinstance(activation, Activation):
        z = torch.linspace(-2.0, 2.0, PROBES, dtype=torch.float64)
        found["activation"] = digest_of_values([activation(z)])
    return found


def of_module(module: nn.Module) -> list[str]:
    """A module as text, and a digest of its weights."""
    return [repr(module), digest_of_tensors(module.state_dict().values())]


def _delta(start: Predecessor) -> list[Tensor]:
    return [] if start.delta is None else [start.delta]


def require_same_run(path: Path, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a file of another run, and say what differs.

    Raises:
        FileFormatError: the runs differ.
    """
    differ = [
        _told(name, saved.get(name), now[name]) for name in COMPARED if saved.get(name) != now[name]
    ]
    old, new = saved.get("options", {}), now["options"]
    differ += [name for name in {**old, **new} if old.get(name, ...) != new.get(name, ...)]
    if differ:
        raise other_run(path, differ)


def _told(name: str, old: Any, new: Any) -> str:
    """The message on a part that differs; for a problem, its first line that differs."""
    if name != "problem" or not isinstance(old, list):
        return name
    here = next((line for line in new if line not in old), "")
    there = next((line for line in old if line not in new), "")
    return f"the problem ('{there.strip()}' there, '{here.strip()}' here)"


def other_run(path: Path, differ: Iterable[str]) -> FileFormatError:
    """The refusal of a checkpoint that differs in something."""
    return FileFormatError(
        f"{path} is the checkpoint of a run that differs in {', '.join(differ)}: give another "
        "path, or remove the file to start anew."
    )
