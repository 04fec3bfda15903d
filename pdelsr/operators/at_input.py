"""An operator at its input functions, as a network, and the checks of its arguments."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.declare import Problem
from pdelsr.errors import SettingsError, described
from pdelsr.networks.generic import require_deterministic
from pdelsr.operators.physics import PIDeepONet
from pdelsr.operators.sensors import Sensors, read_sensors, require_sensors_of, values_at


def network_at(operator: nn.Module, problem: Problem, sensors: Sensors | None = None) -> nn.Module:
    """The map from points to the output functions, at the input functions of an instance.

    Raises:
        SettingsError: there are no input functions, no sensors or sensors of other functions, or
            the operator has another number of outputs than the problem has unknowns.
    """
    missing = problem.missing_inputs
    if missing:
        every = ", ".join(f"{name}={name}" for name in missing)
        raise SettingsError(
            f"{problem.name} is parametric: an operator is refined for one instance, "
            f"problem.at({missing[0] if len(missing) == 1 else every})."
        )
    if not problem.instance:
        raise SettingsError(
            f"{problem.name} has no input function: an operator maps input functions to solutions. "
            'Declare one by pl.input_function("a", x), and give it by problem.at(a).'
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
    where = operator.sensor_sets if isinstance(operator, PIDeepONet) else read_sensors(sensors)
    require_sensors_of(problem, list(problem.instance), where)
    values = values_at(problem.instance, where)
    given = torch.from_numpy(values).to(parameter_of(operator))
    if isinstance(operator, PIDeepONet):
        require_outputs(operator, problem)
        return operator.at(given)
    require_deterministic(operator)
    require_callable_at(operator, given, len(problem.coordinates), len(problem.unknowns))
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


def require_outputs(operator: PIDeepONet, problem: Problem) -> None:
    """Refuse an operator for another number of unknowns.

    Raises:
        SettingsError: it has another number of outputs.
    """
    count = len(problem.unknowns)
    if operator.outputs != count:
        raise SettingsError(
            f"the operator has {operator.outputs} output function(s), and {problem.name} has "
            f"{count} unknown(s): build it with outputs={count}."
        )


def require_callable_at(operator: nn.Module, values: Tensor, d: int, k: int = 1) -> None:
    """Refuse a module that is no operator.

    Raises:
        SettingsError: it fails on two points, or does not give k values per point.
    """
    name = type(operator).__name__
    call = f"{name}(values (2, {len(values)}), points (2, {d}))"
    points = torch.full((2, d), 0.5).to(values)
    try:
        with torch.no_grad():
            found = operator(values.expand(2, -1), points)
    except Exception as error:  # anything a user's module raises
        raise SettingsError(
            f"{call} fails with {described(error)}. An operator takes the values of its input "
            "functions at the sensors, one function after the other, and a point, row by row."
        ) from error
    shape = tuple(getattr(found, "shape", ()))
    if shape != (2, k) and not (k == 1 and shape == (2,)):
        expected = "(2,) or (2, 1)" if k == 1 else f"(2, {k}), a column for each unknown"
        raise SettingsError(f"{call} gives the shape {shape}: expected {expected}.")


class AtInput(nn.Module):
    """A module of (values, points) at one choice of its input functions.

    Args:
        operator: the module.
        values: the input functions at the sensors, one after the other.
    """

    values: Tensor

    def __init__(self, operator: nn.Module, values: Float[Tensor, " s"]) -> None:
        super().__init__()
        self.operator = operator
        self.label: str = f"{type(operator).__name__} at one instance"  # in summaries
        self.register_buffer("values", values)

    def forward(self, points: Float[Tensor, "n d"]) -> Tensor:
        return self.operator(self.values.expand(len(points), -1), points)


def parameter_of(operator: nn.Module) -> Tensor:
    found = next(operator.parameters(), None)
    if found is None:
        raise SettingsError(f"{type(operator).__name__} has no parameters.")
    return found
