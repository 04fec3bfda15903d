"""Measurements as JSON, with the machine on which they were made."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pdelsr.files.atomic import write_whole


def write_runs(path: Path, runs: Sequence[Any], **facts: Any) -> None:
    """Write the text of `runs_text` to a file."""
    write_whole(path, runs_text(runs, **facts))


def runs_text(runs: Sequence[Any], **facts: Any) -> str:
    """Dataclasses, one per run, as strict JSON; numbers that are not finite become null.

    Args:
        runs: dataclass instances of plain values.
        **facts: values that hold for all runs.
    """
    machine = {"processor": platform.machine(), "threads": torch.get_num_threads()}
    content = {
        **facts,
        "machine": machine,
        "torch": torch.__version__,
        "runs": [asdict(run) for run in runs],
    }
    return json.dumps(_plain(content), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
