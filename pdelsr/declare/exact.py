"""The reference solution of a problem: its accepted forms, and its values at points."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.evaluate import evaluate, require_finite
from pdelsr.declare.expressions import as_expression, jets
from pdelsr.declare.long_sums import short_text
from pdelsr.declare.system import System, parameter_symbols
from pdelsr.errors import PdelsrError, ProblemError, described
from pdelsr.reference import Parametric


def require_reference(reference: Any, system: System) -> None:
    """Refuse a reference that does not give every unknown, or uses undeclared symbols."""
    if isinstance(reference, Parametric):
        reference.require(system.parameters)
    _require_made(reference)
    if reference is None or (callable(reference) and not isinstance(reference, sp.Basic)):
        return
    if isinstance(reference, Mapping):
        strangers = [str(key) for key in reference if key not in system.unknowns]
        if strangers:
            raise ProblemError(
                f"reference: {strangers[0]} is not an unknown of the problem; it has "
                f"{_listed(system)}."
            )
    for u, given in zip(system.unknowns, by_unknown(reference, system), strict=True):
        _require_made(given)
        if not callable(given) or isinstance(given, sp.Basic):
            _require_expression(given, system, f"reference of {u}")


def reference_values(
    reference: Any, system: System, points: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, "n k"]:
    """The values of the reference, one column for each unknown.

    Args:
        reference: expression, callable, mapping from unknowns to these, or sequence of these.
        system: the problem.
        points: points, (n, d), columns in the order of the coordinates.

    Raises:
        ProblemError: there is no reference, it has the wrong shape, or a value is not finite.
    """
    if reference is None:
        raise ProblemError("the problem has no reference; give Problem(..., reference=...).")
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != system.domain.dim:
        raise ProblemError(
            f"reference: points have shape {points.shape}; expected (n, {system.domain.dim})."
        )
    if isinstance(reference, Parametric):
        reference = reference.bind(system.parameters)
    if callable(reference) and not isinstance(reference, sp.Basic):
        return _call(reference, system, points, len(system.unknowns), "reference")
    columns = [
        _column(given, system, points, f"reference of {u}")
        for u, given in zip(system.unknowns, by_unknown(reference, system), strict=True)
    ]
    return np.stack(columns, axis=1)


def by_unknown(reference: Any, system: System) -> tuple[Any, ...]:
    """One expression or callable for each unknown."""
    if isinstance(reference, Mapping):
        missing = [u for u in system.unknowns if u not in reference]
        if missing:
            raise ProblemError(
                f"reference: nothing is given for {missing[0]}; give an expression or a callable "
                f"for each of {_listed(system)}."
            )
        return tuple(reference[u] for u in system.unknowns)
    given = tuple(reference) if isinstance(reference, list | tuple) else (reference,)
    if len(given) != len(system.unknowns):
        raise ProblemError(
            f"reference: {len(given)} given for {len(system.unknowns)} unknowns; expected a "
            f"mapping {{unknown: expression}} for {_listed(system)}."
        )
    return given


def _column(
    given: Any, system: System, points: Float[np.ndarray, "n d"], what: str
) -> Float[np.ndarray, " n"]:
    if isinstance(given, Parametric):
        given = given.bind(system.parameters)
    if callable(given) and not isinstance(given, sp.Basic):
        return _call(given, system, points, 1, what)[:, 0]
    expression = system.substituted(as_expression(given, what))
    return evaluate(expression, system.coordinates, points, what)


def _call(
    function: Callable[..., Any],
    system: System,
    points: Float[np.ndarray, "n d"],
    k: int,
    what: str,
) -> Float[np.ndarray, "n k"]:
    """Call a reference with the points, or with one column for each coordinate."""
    arguments = tuple(points.T) if _takes(function, points.shape[1]) else (points,)
    try:
        with np.errstate(all="ignore"):
            given = function(*arguments)
        given = given.detach().cpu().numpy() if hasattr(given, "detach") else given
        values = np.asarray(given)
    except PdelsrError:
        raise
    except (Exception, SystemExit) as error:  # anything a user's function raises
        shapes = " and ".join(str(a.shape) for a in arguments)
        raise ProblemError(
            f"{what}: the function fails with {described(error)}; it is called with arrays of "
            f"shape {shapes}. Mend it there, or leave the reference out."
        ) from error
    if values.dtype.kind not in "fiub":
        raise ProblemError(
            f"{what}: the function returned values of type {values.dtype}; expected real numbers, "
            "one for each point."
        )
    if values.shape != (len(points), k) and not (k == 1 and values.shape == (len(points),)):
        raise ProblemError(
            f"{what}: the function returned shape {values.shape} for {len(points)} points; "
            f"expected ({len(points)}, {k})."
        )
    values = values.astype(np.float64).reshape(len(points), k)
    return require_finite(values, points, system.coordinates, what)


def _takes(function: Callable[..., Any], d: int) -> bool:
    """Whether the function takes d > 1 positional arguments: f(x, t), not f(points)."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    required = [p for p in parameters if p.default is p.empty and p.kind in (0, 1)]
    return d > 1 and len(required) == d


def _require_made(given: Any) -> None:
    """Refuse a maker of references, such as a class or `pl.reference.cole_hopf`, for a reference.

    The package's own references are not evaluated at declaration, so no other check would find it.
    """
    if inspect.isclass(given) and not given.__module__.startswith("pdelsr."):
        name = given.__name__
        raise ProblemError(f"reference: {name} is a class; give an object of it, {name}(...)")
    makes = inspect.isclass(given) or (inspect.isfunction(given) and "." not in given.__qualname__)
    if makes and given.__module__.startswith("pdelsr.reference."):
        name = given.__name__
        raise ProblemError(
            f"reference: {name} makes a reference and is none itself; give what it returns, as "
            f"pl.reference.{name}(...) does."
        )


def _require_expression(given: Any, system: System, what: str) -> None:
    expression = as_expression(given, what)
    if jets(expression):
        raise ProblemError(
            f"{what}: {short_text(expression)} contains an unknown; expected an expression in the "
            "coordinates."
        )
    free = parameter_symbols(system.substituted(expression), system.coordinates)
    if free and free[0].name in {c.name for c in system.coordinates}:
        raise ProblemError(
            f"{what}: its symbol {free[0]} has the name of a coordinate but other assumptions; use "
            "the one symbol from pl.coordinates everywhere."
        )
    if free:
        raise ProblemError(
            f"{what}: the symbol {free[0]} is neither a coordinate nor a parameter with a value; "
            f"give it in parameters={{'{free[0]}': ...}}."
        )


def _listed(system: System) -> str:
    return ", ".join(map(str, system.unknowns))
