"""An operator at one input function, as a network, and the checks of its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.declare import Problem
from pdelsr.declare.inputs import bounds_of, coordinate_of
from pdelsr.errors import PdelsrError, SettingsError, described
from pdelsr.networks.generic import require_deterministic
from pdelsr.operators.physics import PIDeepONet, Sensors, read_sensors

SLACK = 1e-6  # of the domain's length, by which sensors may leave it: they may be float32


def network_at(operator: nn.Module, problem: Problem, sensors: Sensors | None = None) -> nn.Module:
    """The map from points to the output function, at the input function of an instance.

    Raises:
        SettingsError: there are several unknowns or input functions, or no sensors.
    """
    if problem.missing_inputs:
        raise SettingsError(
            f"{problem.name} is parametric: an operator is refined for one instance, "
            f"problem.at({problem.missing_inputs[0]})."
        )
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
    given = torch.from_numpy(values).to(parameter_of(operator))
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
        SettingsError: it does not take one argument per coordinate of the sensors, or gives a wrong
            number of values or some that are not finite.
    """
    try:
        values = np.asarray(function(*sensors.T), np.float64)
        if values.size != 1 and values.shape != (len(sensors),):
            raise SettingsError(
                f"the input function gives shape {values.shape} at {len(sensors)} sensors: expected"
                f" one value for each entry of its array, ({len(sensors)},)."
            )
        values = np.broadcast_to(values, len(sensors)).copy()
    except PdelsrError:
        raise
    except Exception as error:  # anything a user's function raises
        raise SettingsError(f"the input function fails at the sensors: {error}") from error
    if not np.isfinite(values).all():
        raise SettingsError("the input function is not finite at the sensors.")
    return values


def require_callable_at(operator: nn.Module, values: Tensor, d: int) -> None:
    """Refuse a module that is no operator.

    Raises:
        SettingsError: it fails on two points, or does not give one value per point.
    """
    name = type(operator).__name__
    call = f"{name}(values (2, {len(values)}), points (2, {d}))"
    points = torch.full((2, d), 0.5).to(values)
    try:
        with torch.no_grad():
            found = operator(values.expand(2, -1), points)
    except Exception as error:  # anything a user's module raises
        raise SettingsError(
            f"{call} fails with {described(error)}. An operator takes an input "
            "function at the sensors and a point, row by row."
        ) from error
    shape = tuple(getattr(found, "shape", ()))
    if shape not in ((2,), (2, 1)):
        raise SettingsError(f"{call} gives the shape {shape}: expected (2,) or (2, 1).")


def require_known_sensors(problem: Problem, sensors: Float[np.ndarray, "s c"]) -> None:
    """Refuse sensors outside of the domain of the input function.

    Raises:
        SettingsError: they have several coordinates and the function has one, or they leave the
            domain.
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
        self.label: str = f"{type(operator).__name__} at one input function"  # in summaries
        self.register_buffer("values", values)

    def forward(self, points: Float[Tensor, "n d"]) -> Tensor:
        return self.operator(self.values.expand(len(points), -1), points)


def parameter_of(operator: nn.Module) -> Tensor:
    found = next(operator.parameters(), None)
    if found is None:
        raise SettingsError(f"{type(operator).__name__} has no parameters.")
    return found
