"""The start of a run, a solution that it goes on from, and what the run takes from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from pdelsr.declare import Problem
from pdelsr.files.identity import is_same_problem
from pdelsr.networks import MLP, Network
from pdelsr.networks.hard import inner_network
from pdelsr.networks.registry import can_widen
from pdelsr.solvers.run.context import Earlier
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.settings import RunSettings


@runtime_checkable
class Predecessor(Protocol):
    """A solution that another run can go on from; `Solution` documents the properties."""

    @property
    def problem(self) -> Problem: ...

    @property
    def method(self) -> Method: ...

    @property
    def settings(self) -> RunSettings: ...

    @property
    def network(self) -> Network: ...

    @property
    def delta(self) -> Tensor | None: ...

    @property
    def candidate(self) -> Candidate: ...

    @property
    def weights(self) -> Mapping[str, float]: ...

    @property
    def rounds(self) -> int: ...

    @property
    def heldout_start(self) -> float: ...

    @property
    def history(self) -> Sequence[Record]: ...


def first_candidate(start: Predecessor, discretization: Discretization) -> Candidate:
    """θ and δ of the start, in the dtype and on the device of this run."""
    found, like = start.candidate, discretization.heldout.like
    delta = None if found.delta is None else found.delta.to(like)
    return Candidate(discretization.network, found.theta.to(like), delta)


def earlier_run(start: Predecessor, problem: Problem, discretization: Discretization) -> Earlier:
    """Facts about the start's run, for a run on this problem in this discretization."""
    same, refined = is_same_problem(start.problem, problem), start.delta is not None
    objective = 0.0
    if same and _close(start.weights, discretization.plan.weights):
        objective = start.heldout_start
    elif refined:
        network = replace(first_candidate(start, discretization), delta=None)
        objective = discretization.heldout_norm(network)
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


def _last_iteration(start: Predecessor) -> float:
    """Seconds of the last outer iteration of a run."""
    ends = [0.0, *(r.seconds for r in start.history if r.heldout is not None)]
    return ends[-1] - ends[-2] if len(ends) > 1 else 0.0
