"""The record of a run for other programs: plain numbers and strings, as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from typing import Any

from pdelsr.results.accuracy import UnknownError
from pdelsr.results.base import BaseSolution
from pdelsr.results.reference_errors import known_errors
from pdelsr.results.uniqueness import not_unique

NO_REFERENCE = dict.fromkeys(field.name for field in fields(UnknownError))


def record(solution: BaseSolution) -> dict[str, Any]:
    """The record of a solution.

    "parameters" counts those of the network, "points" the training points of all blocks. "absolute"
    says that the "relative_l2" of an unknown is an absolute error, because its reference is zero.
    "estimate_relative_to_variation" is the estimated error relative to ‖u − mean u‖, the largest
    over the unknowns; "next_step" is the step that would have come next if the time was up. "ended"
    is why the run stopped, and "not_unique" says in words what may be added to the solution.
    "vanishing" names unknowns that cannot be told from zero; their errors are relative to the
    largest one.

    Args:
        solution: evaluated against its reference on 10,000 points; without a reference, or if it
            fails, the errors are None.
    """
    errors = known_errors(solution)
    return {
        "problem": solution.problem.name,
        "method": solution.method.name,
        "status": solution.status.value,
        "ended": None if solution.ended is None else solution.ended.value,
        "advice": solution.advice,
        "not_unique": not_unique(solution.problem, solution.estimate.open),
        "unknowns": {
            name: asdict(errors[name]) if name in errors else NO_REFERENCE
            for name in solution.names
        },
        "blocks": {name: asdict(residual) for name, residual in solution.blocks.items()},
        "error_estimate": solution.error_estimate,
        "estimate_relative_to_variation": _estimate_of_variation(solution),
        "estimate_is_reliable": solution.estimate_is_reliable,
        "estimate_is_absolute": solution.estimate.absolute,
        "vanishing": list(solution.estimate.vanishing),
        "doubts": list(solution.doubts),
        "rank": solution.rank,
        "effective_rank": solution.effective_rank,
        "condition": solution.condition,
        "parameters": solution.parameters,
        "points": sum(solution.points.values()),
        "dtype": str(solution.settings.dtype).removeprefix("torch."),
        "device": str(solution.settings.device),
        "seed": solution.settings.seed,
        "iterations": solution.iterations,
        "best_iteration": solution.best_iteration,
        "next_step": solution.next_step,
        "seconds": solution.seconds,
        "peak_memory_bytes": solution.peak_memory_bytes,
    }


def _estimate_of_variation(solution: BaseSolution) -> float | None:
    """The estimate relative to ‖u − mean u‖, which an offset such as 300 K does not make small."""
    value = solution.error_estimate
    return None if value is None else value * solution.estimate.variation


def json_text(values: dict[str, Any]) -> str:
    """Strict JSON; NaN and infinity, which it lacks, become null."""
    return json.dumps(_finite(values), indent=2, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
