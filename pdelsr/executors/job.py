"""What travels to a worker, and what it does there.

Only plain data and bytes cross the border before versions are compared: a worker with another
version refuses in words, where unpickling would fail somewhere inside.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypedDict

import cloudpickle

from pdelsr.errors import described
from pdelsr.processes.versions import versions

Task = Callable[[int], Any]
"""A function of the number of a job."""


class Answer(TypedDict, total=False):
    """What a worker sends back: one of these."""

    value: Any
    error: bytes
    refusal: str


def packed(task: Task) -> bytes:
    """A task with all that it holds, lambdas and classes of a notebook among them."""
    return cloudpickle.dumps(task)


def run(there: dict[str, str], task: bytes, index: int) -> Answer:
    """Do one job, in a worker.

    Args:
        there: versions at the end that packed the task.
        task: as `packed` gives it; workers keep the last one that they unpacked.
        index: of the job.
    """
    here = versions()
    if here != there:
        differ = [f"{n} {here[n]} and not {there.get(n)}" for n in here if here[n] != there.get(n)]
        return {"refusal": f"a worker has {', '.join(differ)}: install the same versions there."}
    try:
        return {"value": _unpacked(task)(index)}
    except Exception as error:
        return {"error": _packed_error(error)}


@lru_cache(maxsize=1)
def _unpacked(task: bytes) -> Task:
    return cloudpickle.loads(task)


def _packed_error(error: Exception) -> bytes:
    try:
        data = cloudpickle.dumps(error)
        cloudpickle.loads(data)  # some can be written and not read
    except Exception:
        data = cloudpickle.dumps(RuntimeError(described(error)))
    return data
