"""Going on from a solution: what a run takes over from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import torch

from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.files.identity import is_same_problem
from pdelsr.networks import MLP, Network
from pdelsr.results import Solution
from pdelsr.results.stored_network import inner_network
from pdelsr.solvers.prepare import can_widen
from pdelsr.solvers.run.context import Earlier
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.settings import RunSettings

NETWORK_OPTIONS = (
    "network",
    "hidden",
    "activation",
    "weight_scale",
    "first_inputs",
    "initialization",
    "harmonics",
)


def started_options(
    method: str | Method, start: Solution, options: dict[str, Any]
) -> dict[str, Any]:
    """The options of a run that goes on from a solution.

    Raises:
        SettingsError: an option would build another network than that of the start.
    """
    for name in NETWORK_OPTIONS:
        if options.get(name) is not None or _asks_for(name, method, start.method):
            raise SettingsError(
                f"{name} cannot be combined with start: the network of the start goes on. Leave "
                "one of the two out."
            )
    if "hard" in options and options["hard"] != start.settings.hard:
        raise SettingsError(
            f"hard={options['hard']} does not fit the start, which has "
            f"hard={start.settings.hard}: its network would mean another function. Leave it out."
        )
    taken = {
        "network": inner_network(start.network),
        "hard": start.settings.hard,
        "dtype": start.settings.dtype,
        "device": start.settings.device,
        "seed": start.settings.seed,
    }
    return {**taken, **{k: v for k, v in options.items() if k not in NETWORK_OPTIONS}}


def _asks_for(name: str, method: str | Method, before: Method) -> bool:
    """Whether an instance of a method has a network option that the run of the start had not."""
    if not isinstance(method, Method) or not hasattr(method, name):
        return False
    default = next(f.default for f in fields(method) if f.name == name)
    return getattr(method, name) not in (default, getattr(before, name))


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


def goes_on_growing(
    problem: Problem, method: Method, settings: RunSettings, start: Solution
) -> bool:
    """Whether sizes that were the method's choice in the run of the start are so still."""
    chosen = settings.points is not None or problem.points is not None
    open_still = method.sizes_open and not chosen and can_widen(settings.network)
    return open_still and bool(start.settings.grow)


def first_candidate(start: Solution, discretization: Discretization) -> Candidate:
    """θ and δ of the start, in the dtype and on the device of this run."""
    found, like = start.candidate, discretization.heldout.like
    delta = None if found.delta is None else found.delta.to(like)
    return Candidate(discretization.network, found.theta.to(like), delta)


def earlier_run(
    problem: Problem,
    start: Solution,
    discretization: Discretization,
    norm: Callable[[Candidate], float],
) -> Earlier:
    """What the run of a start tells about this one, whose ‖f‖ on held-out points is `norm`."""
    same, refined = is_same_problem(start.problem, problem), start.delta is not None
    objective = 0.0
    if same and _close(start.weights, discretization.plan.weights):
        objective = start.heldout_start
    elif refined:
        network = replace(first_candidate(start, discretization), delta=None)
        objective = norm(network)
    return Earlier(
        refined=same and refined,
        untrained=_is_untrained(start.network),
        objective=objective if math.isfinite(objective) else 0.0,
        seconds=_last_iteration(start),
    )


def _close(some: Mapping[str, float], others: Mapping[str, float]) -> bool:
    """Whether two runs have the same weights, up to rounding."""
    return some.keys() == others.keys() and all(
        math.isclose(w, others[name]) for name, w in some.items()
    )


def _is_untrained(network: Network) -> bool:
    """Whether a network has the weights that it was built with."""
    inner = inner_network(network)
    if not can_widen(inner):
        return False
    theta = inner.get_vector()
    built = MLP(**inner.settings(), dtype=theta.dtype, device=theta.device)
    return torch.equal(built.get_vector(), theta)


def _last_iteration(start: Solution) -> float:
    """Seconds of the last outer iteration of a run."""
    ends = [0.0, *(r.seconds for r in start.history if r.heldout is not None)]
    return ends[-1] - ends[-2] if len(ends) > 1 else 0.0
