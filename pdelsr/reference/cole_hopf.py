"""The solution of Burgers' equation on the line by the Cole-Hopf transformation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import sympy as sp
from jaxtyping import Float
from numpy.typing import ArrayLike

from pdelsr.errors import ProblemError
from pdelsr.reference.checks import (
    PATIENCE,
    VARIABLE,
    as_function,
    require_one_variable,
    require_points,
    require_positive,
    require_within,
)
from pdelsr.reference.given import Formula, Number
from pdelsr.reference.parametric import parametric
from pdelsr.resources.deadline import given_up_after

GAUSSIAN_REACH = 6.5  # exp(-6.5²) = 4e-19: beyond it the Gaussian is below rounding
BLOCK = 1_000_000  # entries (points × nodes) of a work array


@dataclass(frozen=True)
class ColeHopf:
    """Burgers' solution as a quotient of two integrals, by the trapezoidal rule.

        u_t + u u_x = ν u_xx,    u(x, 0) = u0(x),    U0' = u0

        u(x, t) = ∫ u0(y) exp(E) ds / ∫ exp(E) ds,
        E = -s² - U0(y) / (2ν),    y = x - sqrt(4νt) s

    Both integrands are entire and decay like a Gaussian, so the trapezoidal rule converges faster
    than geometrically, and its nodes can cheaply spread as wide as the front needs: |s| <= 6.5 +
    max|u0| sqrt(t / 4ν). Gauss-Hermite needs as many nodes for that reach, and its weights
    underflow. The largest E of each point is subtracted before the exponential. With u0 instead of
    (x - y) / t, the quotient also holds at t = 0.

    Args:
        nu: viscosity.
        initial: u0, an expression in `VARIABLE`, periodic.
        refinement: divides the spacing of the nodes (1 suffices; 2 to check).

    Source: Cole (1951), Quart. Appl. Math. 9, 225; Hopf (1950), Comm. Pure Appl. Math. 3, 201;
        trapezoidal rule: Trefethen and Weideman (2014), SIAM Review 56, 385.
    """

    nu: float
    initial: sp.Expr
    refinement: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self.nu, "cole_hopf: nu")
        require_positive(self.refinement, "cole_hopf: refinement")

    def __call__(self, points: ArrayLike) -> Float[np.ndarray, " n"]:
        """Values of u.

        Args:
            points: (n, 2), columns x and t.

        Returns:
            u at the points, (n,).

        Raises:
            ProblemError: wrong shape, coordinates that are not finite, or t < 0.
        """
        rows = require_points(points, "cole_hopf", 2)
        x, t = rows[:, 0], require_within(rows[:, 1], 0.0, np.inf, "cole_hopf", "t")
        if len(rows) == 0:
            return np.zeros(0)
        s = self._nodes(float(t.max()))
        size = max(1, BLOCK // len(s))
        blocks = [slice(i, i + size) for i in range(0, len(rows), size)]
        return np.concatenate([self._quotient(x[b], t[b], s) for b in blocks])

    def doubled(self) -> ColeHopf:
        """The same reference with twice as many nodes, to check this one against."""
        return replace(self, refinement=2 * self.refinement)

    def _nodes(self, t: float) -> Float[np.ndarray, " q"]:
        """Equally spaced nodes that resolve the integrand up to time t.

        The exponent's curvature is at most 2 (1 + t max|u0'|); the initial condition itself
        oscillates in s with frequency (max|u0'| / max|u0|) sqrt(4νt).
        """
        speed, slope = self._speed_and_slope
        frequency = slope / speed * np.sqrt(4 * self.nu * t) if speed else 0.0
        spacing = np.pi / (9 * np.sqrt(1 + slope * t) + 2 * frequency) / self.refinement
        reach = GAUSSIAN_REACH + speed * np.sqrt(t / (4 * self.nu))
        m = int(np.ceil(reach / spacing))
        return spacing * np.arange(-m, m + 1)

    def _quotient(
        self, x: Float[np.ndarray, " n"], t: Float[np.ndarray, " n"], s: Float[np.ndarray, " q"]
    ) -> Float[np.ndarray, " n"]:
        u0, potential = self._functions
        y = x[:, None] - np.sqrt(4 * self.nu * t)[:, None] * s
        exponent = -(s**2) - potential(y) / (2 * self.nu)
        exponent -= exponent.max(axis=1, keepdims=True)
        weight = np.exp(exponent)
        return (weight * u0(y)).sum(axis=1) / weight.sum(axis=1)

    @property
    def _functions(self) -> tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]:
        """u0 and its antiderivative as numpy functions."""
        return as_function(self.initial), as_function(antiderivative(self.initial))

    @cached_property
    def _speed_and_slope(self) -> tuple[float, float]:
        """max|u0| and max|u0'| over a period."""
        y = np.linspace(0.0, period_of(self.initial), 4097)
        slope = as_function(sp.diff(self.initial, VARIABLE))
        return float(abs(self._functions[0](y)).max()), float(abs(slope(y)).max())


@parametric("nu")
def cole_hopf(nu: Number, initial: Formula | None = None) -> ColeHopf:
    """Burgers' equation u_t + u u_x = ν u_xx from a periodic initial condition, to about 1e-14.

    Args:
        nu: viscosity, a positive number, sympy constant, or parameter of the problem.
        initial: u(x, 0), a periodic sympy expression in one symbol with an antiderivative in
            closed form; -sin(πx) by default.

    Returns:
        A callable of points (n, 2), columns x (any) and t >= 0, giving u (n,).

    Raises:
        ProblemError: nu is not a positive number; the initial condition has other symbols, is
            not periodic, or sympy finds no antiderivative.

    Source: Cole (1951), Quart. Appl. Math. 9, 225; Basdevant et al. (1986), Comput. Fluids 14, 23
        (the default problem, at ν = 0.01/π).
    """
    viscosity = require_positive(nu, "cole_hopf: nu")
    if initial is None:
        initial = -sp.sin(sp.pi * VARIABLE)
    expression = require_one_variable(initial, "cole_hopf: initial")
    period_of(expression)
    antiderivative(expression)
    return ColeHopf(viscosity, expression)


def period_of(initial: sp.Expr) -> float:
    """The period of the initial condition, 0 if it is constant."""
    period = None
    with given_up_after(PATIENCE, alone=True):
        period = sp.periodicity(initial, VARIABLE)
    if period is None:
        raise ProblemError(
            f"cole_hopf: the initial condition {initial} has no period that sympy finds; expected "
            f"one such as -sin(pi*x). For another initial condition use pl.reference.burgers on an "
            f"interval."
        )
    return float(period)


@lru_cache(maxsize=64)
def antiderivative(initial: sp.Expr) -> sp.Expr:
    """∫ u0 in closed form."""
    integral = None
    with given_up_after(PATIENCE, alone=True):
        integral = sp.integrate(initial, VARIABLE)
    if integral is None or integral.has(sp.Integral):
        raise ProblemError(
            f"cole_hopf: sympy finds no antiderivative of the initial condition {initial} "
            f"within {PATIENCE:g} s. "
            f"Use pl.reference.burgers, which needs none."
        )
    return integral
