"""The input functions of a parametric problem: what `Problem` and `Problem.at` accept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from pdelsr.declare.given import Sources
from pdelsr.declare.input_samples import Spline
from pdelsr.declare.symbols import InputFunction
from pdelsr.declare.system import System
from pdelsr.errors import PdelsrError, ProblemError, described


@dataclass(frozen=True)
class OfArrays:
    """A function of arrays that also takes tensors.

    Args:
        name: of the input function.
        function: of arrays (n,), to an array (n,).
    """

    name: str
    function: Callable[..., Any]

    def __call__(self, *x: Any) -> Any:
        """Values at arrays or tensors.

        Raises:
            ProblemError: the function fails, or a value is complex or not finite.
        """
        arrays = [v.detach().cpu().numpy() if hasattr(v, "detach") else v for v in x]
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(self.function(*arrays))
        except PdelsrError:
            raise
        except Exception as error:  # anything a user's function raises
            raise ProblemError(
                f"the input function {self.name} fails with {described(error)}: it is called with "
                "arrays of coordinates."
            ) from error
        if values.dtype.kind not in "fiub":
            raise ProblemError(
                f"the input function {self.name} gives values of type {values.dtype}: expected "
                "real numbers."
            )
        bad = ~np.isfinite(values)
        if bad.any():
            shape = np.broadcast_shapes(values.shape, *(np.shape(v) for v in arrays))
            i = np.unravel_index(np.argmax(np.broadcast_to(bad, shape)), shape)
            at = ", ".join(f"{np.broadcast_to(v, shape)[i]:.6g}" for v in arrays)
            raise ProblemError(
                f"the input function {self.name} is {np.broadcast_to(values, shape)[i]} at {at}: "
                "expected finite values."
            )
        return values


def read_function(name: str, value: Any, system: System) -> Callable[..., Any]:
    """The input function of an instance; an array becomes a spline over the coordinate.

    Raises:
        ProblemError: it is neither a function nor an array of at least four finite values.
    """
    if callable(value):
        return wrapped(name, value)
    try:
        given = value.detach().cpu() if hasattr(value, "detach") else value
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    coordinate = coordinate_of(name, system)
    if coordinate is None or values.ndim != 1 or len(values) < 4 or not np.isfinite(values).all():
        raise ProblemError(
            f"at({name}=...): expected a function of arrays, or for one of a single coordinate an "
            "array of at least four finite values at equidistant sensors, got "
            f"{type(value).__name__}."
        )
    low, high = (float(end) for end in bounds_of(coordinate, system))
    return OfArrays(name, Spline(np.linspace(low, high, len(values)), values))


def wrapped(name: str, function: Any) -> Callable[..., Any]:
    """A function in the form that an instance holds.

    Raises:
        ProblemError: it is no function.
    """
    if isinstance(function, OfArrays) or getattr(function, "is_tensor_function", False):
        return function
    if not callable(function):
        raise ProblemError(
            f"Problem, instance: {name} is {type(function).__name__}, expected a function; give "
            "arrays by problem.at(...)."
        )
    return OfArrays(name, function)


def read_instance(given: Any) -> dict[str, Callable[..., Any]]:
    """The functions of an instance by the name of the input function.

    Raises:
        ProblemError: it is no mapping, or a value is no function.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ProblemError(
            f"Problem, instance: expected a mapping {{a: function}}, got {type(given).__name__}; "
            "problem.at(a=function) makes it."
        )
    return {name: wrapped(name, function) for name, function in (given or {}).items()}


def coordinates_of(name: str, system: System) -> tuple[Any, ...]:
    """The coordinates that an input function is applied to; none if it is to other expressions.

    Numbers among the arguments, as in a(0) beside a(x), do not count.
    """
    applied = [a.args for a in system.input_functions if a.name == name]
    width = max((len(arguments) for arguments in applied), default=0)
    found = []
    for place in range(width):
        here = {args[place] for args in applied if args[place].free_symbols}
        if len(here) != 1 or not here <= set(system.coordinates):
            return ()
        found.append(here.pop())
    return tuple(found) if len(set(found)) == width else ()


def coordinate_of(name: str, system: System) -> Any:
    """The only coordinate among an input function's arguments; None if there are more or none."""
    found = coordinates_of(name, system)
    return found[0] if len(found) == 1 else None


def bounds_of(coordinate: Any, system: System) -> Float[np.ndarray, "2"]:
    """The ends of the domain along a coordinate."""
    return system.domain.bounding_box[system.coordinates.index(coordinate)]


def read_inputs(given: Any) -> Sources:
    """Samplers by the name of the input function.

    Raises:
        ProblemError: a key is not an input function, or a value has no `sample`.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ProblemError(
            f"Problem, inputs: expected a mapping {{a: sampler}}, got {type(given).__name__}."
        )
    found: dict[str, Any] = {}
    for key, sampler in (given or {}).items():
        if not isinstance(key, str | InputFunction):
            raise ProblemError(
                f"Problem, inputs: {key} is not an input function; declare it by "
                'pl.input_function("a", x).'
            )
        name = key if isinstance(key, str) else key.name  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(sampler, type) or not callable(getattr(sampler, "sample", None)):
            raise ProblemError(
                f"Problem, inputs: {name} has {sampler!r}; expected a sampler of functions, such "
                "as GaussianProcess(length_scale=0.2)."
            )
        found[name] = sampler
    return found


def require_input_functions(
    inputs: Mapping[str, Any], instance: Mapping[str, Any], system: System
) -> None:
    """Refuse names that are not input functions of the problem, and one name for two things."""
    applied = system.input_functions
    names = {a.name for a in applied}
    for name in (*inputs, *instance):
        if name not in names:
            raise ProblemError(
                f"Problem, inputs: {name} occurs in no equation or condition as an input function; "
                f"there {listed_names(names)}."
            )
    for name in names:
        if len({len(a.args) for a in applied if a.name == name}) > 1:
            raise ProblemError(
                f"input function {name}: it is applied to different numbers of arguments."
            )


def given_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as the user gave it."""
    return function.function if isinstance(function, OfArrays) else function


def listed_names(names: Iterable[str]) -> str:
    """Names as text for a message."""
    return ", ".join(sorted(names)) or "none"
