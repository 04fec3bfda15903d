"""Where an operator reads its input functions, and their values there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from pdelsr.declare import Problem
from pdelsr.declare.inputs import bounds_of, coordinates_of
from pdelsr.errors import PdelsrError, SettingsError

SLACK = 1e-6  # of the domain's length, by which sensors may leave it: they may be float32
ONLY = ""  # the name of the input function, where there is one and the sensors do not name it

if TYPE_CHECKING:
    Sensors: TypeAlias = ArrayLike | Mapping[str, ArrayLike]
    """An array, a tensor or a list, (s,) or (s, c), or one for each input function by name."""
    SensorSets: TypeAlias = Mapping[str, Tensor]
    """Points (s, c) by the name of the input function."""
else:
    Sensors = SensorSets = object  # checked by read_sensors, in the user's words


def read_sensors(given: Any) -> SensorSets:
    """Sensors as points, by the name of the input function; `ONLY` if they name none.

    Raises:
        SettingsError: they have another shape, or there are none.
    """
    if not isinstance(given, Mapping):
        return {ONLY: _points(given, "sensors")}
    if not given or not all(isinstance(name, str) and name.isidentifier() for name in given):
        raise SettingsError(
            f"sensors are {given!r:.60}: give points by the names of the input functions, as in "
            "sensors={'a': points, 'f': points}."
        )
    return {name: _points(points, f"sensors of {name}") for name, points in given.items()}


def _points(given: Any, what: str) -> Float[Tensor, "s c"]:
    try:
        sensors = torch.as_tensor(given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise SettingsError(f"{what} are {given!r:.60}: give an array of points.") from None
    if sensors.ndim == 1:
        sensors = sensors[:, None]
    if sensors.ndim != 2 or not len(sensors):
        raise SettingsError(f"{what} have shape {tuple(sensors.shape)}: expected (s,) or (s, c).")
    return sensors


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


def values_at(
    functions: Mapping[str, Callable[..., Any]], sensors: SensorSets
) -> Float[np.ndarray, " s"]:
    """The values of all input functions, one after the other in the order of the sensors."""
    named = sensors if ONLY not in sensors else {name: sensors[ONLY] for name in functions}
    return np.concatenate(
        [sensor_values(functions[name], as_array(points)) for name, points in named.items()]
    )


def as_array(points: Tensor) -> Float[np.ndarray, "s c"]:
    """Points of sensors for a user's function."""
    return points.detach().cpu().double().numpy()


def require_sensors_of(problem: Problem, names: Sequence[str], sensors: SensorSets) -> None:
    """Refuse sensors of other input functions than those of a problem, or outside of its domain.

    Args:
        problem: with input functions.
        names: of its input functions.
        sensors: of an operator.

    Raises:
        SettingsError: a name is missing or unknown, sensors have another number of coordinates than
            the function, or they leave the domain.
    """
    listed = ", ".join(sorted(names)) or "none"
    if ONLY in sensors:
        if len(names) != 1:
            raise SettingsError(
                f"{problem.name} has the input functions {listed}: give sensors for each of them, "
                f"as in sensors={{{', '.join(f'{name!r}: points' for name in sorted(names))}}}."
            )
        _require_within(problem, names[0], as_array(sensors[ONLY]))
        return
    if set(sensors) != set(names):
        raise SettingsError(
            f"sensors are given for {', '.join(sensors)}, and {problem.name} has the input "
            f"functions {listed}: give them for these."
        )
    for name, points in sensors.items():
        _require_within(problem, name, as_array(points))


def _require_within(problem: Problem, name: str, sensors: Float[np.ndarray, "s c"]) -> None:
    coordinates = coordinates_of(name, problem.system)
    if not coordinates:
        return
    if sensors.shape[1] != len(coordinates):
        has = "coordinate" if sensors.shape[1] == 1 else "coordinates"
        shape = "(s,)" if len(coordinates) == 1 else f"(s, {len(coordinates)})"
        raise SettingsError(
            f"sensors have {sensors.shape[1]} {has}, and {name} has {len(coordinates)}: give "
            f"{shape}."
        )
    for coordinate, places in zip(coordinates, sensors.T, strict=True):
        low, high = map(float, bounds_of(coordinate, problem.system))
        slack = SLACK * (high - low)
        if places.min() < low - slack or places.max() > high + slack:
            raise SettingsError(
                f"sensors reach from {places.min():g} to {places.max():g}, and {name} is known for "
                f"{low:g} <= {coordinate} <= {high:g}."
            )
