"""What makes two runs the same run: problem, method, options and first weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from pdelsr.declare import Problem
from pdelsr.errors import FileFormatError
from pdelsr.results import Solution
from pdelsr.results.identity import problem_lines
from pdelsr.results.plain import method_to_plain, to_plain
from pdelsr.solvers.method import Method
from pdelsr.solvers.settings import RunSettings

PARTS = ("problem", "method", "network", "start")
FREE = (  # options that a run may go on with when they have changed
    *("time_limit", "max_iterations", "tolerance", "refine", "verbose", "memory_budget"),
    *("callback", "checkpoint", "checkpoint_every", "network"),
)


def fingerprint(
    problem: Problem, method: Method, settings: RunSettings, start: Solution | None = None
) -> dict[str, Any]:
    """Everything that decides what a run does, as plain data.

    Raises:
        SettingsError: the method is of a class that files cannot name.
    """
    options = to_plain(replace(settings, network=None, callback=None))
    own = {k: v for k, v in method_to_plain(method).items() if k not in ("class", "suggested")}
    return {
        "problem": problem_lines(problem),
        "method": method.name,
        "options": {**own, **{k: v for k, v in options.items() if k not in (*FREE, "class")}},
        "network": None if settings.network is None else digest(settings.network),
        "start": None if start is None or start.delta is None else digest_of([start.delta]),
    }


def digest(module: nn.Module) -> str:
    """Of all parameters and buffers."""
    return digest_of(module.state_dict().values())


def digest_of(tensors: Any) -> str:
    """SHA-256 of the bytes of some tensors."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(_bytes(tensor))
    return found.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()


def require_same_run(path: Path, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a file of another run, and say in what it differs.

    Raises:
        FileFormatError: the runs differ.
    """
    differ = [name for name in PARTS if saved.get(name) != now[name]]
    old, new = saved.get("options", {}), now["options"]
    differ += [name for name in {**old, **new} if old.get(name, ...) != new.get(name, ...)]
    if differ:
        raise FileFormatError(
            f"{path} is the checkpoint of a run that differs in {', '.join(differ)}: give another "
            "path, or remove the file to start anew."
        )
