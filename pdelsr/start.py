"""Going on from a solution: what a run takes over from it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.networks import HardConditions
from pdelsr.results import Solution
from pdelsr.results.identity import is_same_problem
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import Context, Earlier
from pdelsr.solvers.method import Method
from pdelsr.solvers.prepare import can_widen
from pdelsr.solvers.settings import RunSettings

NETWORK_OPTIONS = (
    "network",
    "hidden",
    "activation",
    "weight_scale",
    "first_inputs",
    "initialization",
    "harmonics",
)


def started_options(problem: Problem, start: Solution, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a run that goes on from a solution.

    Raises:
        SettingsError: an option would build another network than that of the start.
    """
    for name in NETWORK_OPTIONS:
        if options.get(name) is not None:
            raise SettingsError(
                f"{name} cannot be combined with start: the network of the start goes on. Leave "
                "one of the two out."
            )
    if "hard" in options and options["hard"] != start.settings.hard:
        raise SettingsError(
            f"hard={options['hard']} does not fit the start, which has "
            f"hard={start.settings.hard}: its network would mean another function. Leave it out."
        )
    inner = start.network
    if isinstance(inner, HardConditions):
        inner = inner.network
    taken = {
        "network": inner,
        "hard": start.settings.hard,
        "dtype": start.settings.dtype,
        "device": start.settings.device,
        "seed": start.settings.seed,
    }
    return {**taken, **{k: v for k, v in options.items() if k not in NETWORK_OPTIONS}}


def same_weights(
    problem: Problem,
    method: Method,
    settings: RunSettings,
    start: Solution,
    options: dict[str, Any],
) -> RunSettings:
    """The same method on the same blocks goes on with the same weights."""
    known = {s.name for s in problem.statements}
    if type(method) is not type(start.method) or not known.issuperset(start.weights):
        return settings
    if "weights" in options or "balance" in options:
        return settings
    return replace(settings, balance=False, weights=dict(start.weights))


def goes_on_growing(problem: Problem, settings: RunSettings, start: Solution) -> bool:
    """Whether sizes that were the method's choice in the run of the start are so still."""
    chosen = settings.points is not None or problem.points is not None
    return bool(start.settings.grow) and not chosen and can_widen(settings.network)


def first_candidate(start: Solution, context: Context) -> Candidate:
    """θ and δ of the start, in the dtype and on the device of this run."""
    found, like = start.candidate, context.heldout.like
    delta = None if found.delta is None else found.delta.to(like)
    return Candidate(context.network, found.theta.to(like), delta)


def earlier_run(problem: Problem, start: Solution, context: Context) -> Earlier:
    """What the run of a start tells about this one."""
    if not is_same_problem(start.problem, problem):
        return Earlier()
    same = start.weights == context.plan.weights
    first = start.heldout_start if same and math.isfinite(start.heldout_start) else None
    seconds = start.seconds / max(start.iterations, 1)
    return Earlier(start.delta is not None, first, seconds)
