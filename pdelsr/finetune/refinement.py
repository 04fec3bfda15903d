"""`refine`: a module on data, or an operator for one instance of a parametric problem."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.batch import refine as refine_on_data
from pdelsr.batch.checks import require_known
from pdelsr.declare import Problem
from pdelsr.declare.inputs import bounds_of, coordinate_of
from pdelsr.errors import PdelsrError, SettingsError
from pdelsr.networks.generic import require_deterministic
from pdelsr.operators.physics import PIDeepONet, read_sensors
from pdelsr.results import Solution
from pdelsr.solve import solve
from pdelsr.solvers.lsr import LSR
from pdelsr.subspace import Basis

RANK = 1500
SLACK = 1e-6  # of the domain's length, by which sensors may leave it: they may be float32
POINTS = 8  # of the equations, a direction: with fewer the residual is small between them only


def refine(model: nn.Module, inputs: Any, targets: Any = None, **options: Any) -> Any:
    """Refine a trained module in one shot: on data, or for one instance of a parametric problem.

    On data, `refine(model, inputs, targets, rank=…)` or `refine(model, loader, rank=…)`, with the
    options of `pl.batch.refine`; for an instance, `refine(operator, problem.at(a), rank=…)`, with
    those of `pl.finetune.refine_instance`. The model is not changed.

    Returns:
        A `RefinedModule` on data, a `Solution` for an instance.

    Raises:
        SettingsError: options, data, module or problem that do not fit.
    """
    if isinstance(inputs, Problem):
        if targets is not None:
            raise SettingsError("targets belong to data: a problem has none.")
        require_options(options)
        return refine_instance(model, inputs, **options)
    return refine_on_data(model, inputs, targets, **options)


def refine_instance(
    operator: nn.Module,
    problem: Problem,
    *,
    rank: int | None = RANK,
    newton_steps: int = 5,
    passes: int = 1,
    basis: str | Basis = "coordinate",
    points: int | None = None,
    weights: Mapping[str, int | float] | None = None,
    sensors: Any = None,
    seed: int = 0,
    dtype: str = "float64",
    tolerance: int | float = 0.0,
    memory_budget: int | None = None,
    verbose: bool = False,
) -> Solution:
    """A physics-informed operator for one input function: no labels, no training.

    min_y ‖ f(q + J V y) ‖ over the residual of the instance, q being the operator at its input
    function, with Newton steps in the tangent space. On held-out points the result is never worse
    than the operator itself: where it would be, the operator comes back (`solution.delta` is None).

    Args:
        operator: a `PIDeepONet`, or a module of (values (n, s), points (n, d)) with outputs (n,)
            or (n, 1).
        problem: of one instance, `problem.at(a)`.
        rank: r; None for a choice by doubling, on held-out points.
        newton_steps: in the tangent space; 1 is the published method.
        passes: refinements; each one after the first is made on points drawn where the residual
            of the best one so far is large. A second one helps where the solution has a kink, as
            those of transport have.
        basis: of the tangent space: "coordinate" (parameters drawn at random, fastest), "output",
            "gaussian", "residual", or a `Basis`.
        points: of the equations; 8 r by default, and those of `LSR` where r is chosen.
        weights: factors on the weights of blocks, by name, beyond those of the problem.
        sensors: of a module that is no `PIDeepONet`: where it reads the input function, (s,).
        seed: of points and basis.
        dtype: of the refinement; single precision keeps few digits.
        tolerance: of the largest held-out root mean square of a block, for the status.
        memory_budget: bytes of one chunk of rows; None for a share of what is free.
        verbose: show progress.

    Raises:
        SettingsError: an operator, sensors or options that do not fit the problem, or a rank far
            above the number of parameters.
        ProblemError: the input function is missing or fails.
    """
    method = LSR(basis=basis, rank=rank, newton_steps=newton_steps, passes=passes)
    network = network_at(operator, problem, sensors)
    m = sum(p.numel() for p in network.parameters())
    if rank is not None and rank > max(m, RANK):
        raise SettingsError(f"rank is {rank}: the operator at one function has {m} parameters.")
    if rank is not None and points is None:
        points = POINTS * min(rank, m)
    return solve(
        problem,
        method,
        network=network,
        points=points,
        weights=weights,
        seed=seed,
        tolerance=tolerance,
        memory_budget=memory_budget,
        verbose=verbose,
        hard=False,
        dtype=dtype,
        device=str(_parameter(operator).device),
    )


DEFAULTS = {
    name: p.default for name, p in list(inspect.signature(refine_instance).parameters.items())[2:]
}


def require_options(options: Mapping[str, Any]) -> None:
    """Refuse options that `refine_instance` does not have, with the nearest name.

    Raises:
        SettingsError: there is one.
    """
    require_known({name: v for name, v in options.items() if name not in DEFAULTS}, list(DEFAULTS))


def network_at(operator: nn.Module, problem: Problem, sensors: Any = None) -> nn.Module:
    """The map from points to the output function, at the input function of an instance.

    Raises:
        SettingsError: a problem with several unknowns or input functions, or without sensors.
    """
    if len(problem.unknowns) != 1 or len(problem.instance) != 1:
        raise SettingsError(
            f"{problem.name} has {len(problem.unknowns)} unknown(s) and {len(problem.instance)} "
            "given input function(s): an operator maps one function to one function; give it by "
            "problem.at(a)."
        )
    require_soft(problem)
    if not isinstance(operator, nn.Module):
        raise SettingsError(f"the operator is {operator!r:.60}: give a torch.nn.Module.")
    own = isinstance(operator, PIDeepONet)
    if own == (sensors is not None):
        raise SettingsError(
            "sensors are part of a PIDeepONet: leave them out."
            if own
            else f"{type(operator).__name__} does not say where it reads input functions: give "
            "sensors=."
        )
    where = operator.sensors if own else read_sensors(sensors)
    (function,) = problem.instance.values()
    places = where.detach().cpu().double().numpy()
    require_known_sensors(problem, places)
    values = sensor_values(function, places)
    given = torch.from_numpy(values).to(_parameter(operator))
    if own:
        return operator.at(given)
    require_deterministic(operator)
    require_callable_at(operator, given, len(problem.coordinates))
    return AtInput(operator, given)


def require_soft(problem: Problem) -> None:
    """Refuse hard conditions: an operator is the solution itself, not a factor of it.

    Raises:
        SettingsError: a condition is declared with hard=True.
    """
    if any(getattr(condition, "hard", False) for condition in problem.conditions):
        raise SettingsError(
            f"{problem.name} has a condition with hard=True, which an operator cannot take: its "
            "values are the solution itself. Leave hard out."
        )


def sensor_values(function: Any, sensors: Float[np.ndarray, "s c"]) -> Float[np.ndarray, " s"]:
    """An input function at sensors.

    Raises:
        SettingsError: it takes other arguments than the sensors have coordinates, or gives
            another number of values, or some that are not finite.
    """
    try:
        values = np.broadcast_to(np.asarray(function(*sensors.T), np.float64), len(sensors)).copy()
    except PdelsrError:
        raise
    except Exception as error:  # whatever a user's function raises
        raise SettingsError(f"the input function fails at the sensors: {error}") from error
    if not np.isfinite(values).all():
        raise SettingsError("the input function is not finite at the sensors.")
    return values


def require_callable_at(operator: nn.Module, values: Tensor, d: int) -> None:
    """Refuse a module that is no operator.

    Raises:
        SettingsError: it fails on two points, or gives another shape than one value a point.
    """
    name = type(operator).__name__
    call = f"{name}(values (2, {len(values)}), points (2, {d}))"
    points = torch.full((2, d), 0.5).to(values)
    try:
        with torch.no_grad():
            found = operator(values.expand(2, -1), points)
    except Exception as error:  # whatever a user's module raises
        raise SettingsError(
            f"{call} fails with {type(error).__name__}: {error}. An operator takes an input "
            "function at the sensors and a point, row by row."
        ) from error
    shape = tuple(getattr(found, "shape", ()))
    if shape not in ((2,), (2, 1)):
        raise SettingsError(f"{call} gives the shape {shape}: expected (2,) or (2, 1).")


def require_known_sensors(problem: Problem, sensors: Float[np.ndarray, "s c"]) -> None:
    """Refuse sensors where the input function is not known.

    Raises:
        SettingsError: they have several coordinates where it has one, or leave the domain.
    """
    (name,) = problem.instance
    coordinate = coordinate_of(name, problem.system)
    if coordinate is None:
        return
    if sensors.shape[1] != 1:
        raise SettingsError(
            f"sensors have {sensors.shape[1]} coordinates, and {name} has one: give (s,)."
        )
    low, high = map(float, bounds_of(coordinate, problem.system))
    slack = SLACK * (high - low)
    if sensors.min() < low - slack or sensors.max() > high + slack:
        raise SettingsError(
            f"sensors reach from {sensors.min():g} to {sensors.max():g}, and {name} is known for "
            f"{low:g} <= {coordinate} <= {high:g}."
        )


class AtInput(nn.Module):
    """A module of (values, points) at one input function.

    Args:
        operator: the module.
        values: the input function at the sensors.
    """

    values: Tensor

    def __init__(self, operator: nn.Module, values: Float[Tensor, " s"]) -> None:
        super().__init__()
        self.operator = operator
        self.label = f"{type(operator).__name__} at one input function"  # in summaries
        self.register_buffer("values", values)

    def forward(self, points: Float[Tensor, "n d"]) -> Tensor:
        return self.operator(self.values.expand(len(points), -1), points)


def _parameter(operator: nn.Module) -> Tensor:
    found = next(operator.parameters(), None)
    if found is None:
        raise SettingsError(f"{type(operator).__name__} has no parameters.")
    return found
