"""Periodic semilinear equations u_t = L u + N(u) by Fourier series and ETDRK4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import sympy as sp
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike

from pdelsr.errors import ProblemError
from pdelsr.reference.checks import (
    VARIABLE,
    as_function,
    require_count,
    require_interval,
    require_number,
    require_one_variable,
    require_points,
    require_within,
)
from pdelsr.reference.dense import GAPS, Panel, panel_lengths
from pdelsr.reference.etdrk4 import Nonlinear, coefficients, step
from pdelsr.reference.fourier import Fourier
from pdelsr.reference.given import Bounds, Formula, Number
from pdelsr.reference.kink import Kink
from pdelsr.reference.resolution import (
    require_finite,
    require_modes,
    require_panels,
    require_steps,
)

HALVINGS = 9  # of the first panel of time if the initial condition has a kink


@dataclass(frozen=True)
class Spectral:
    """The periodic solution on x in [a, b), computed at the first call and then kept.

        u_t = Σ_k c_k ∂_x^k u + Σ_j ∂_x^j g_j(u),    u(x, t0) = u0(x)

    Space: ``modes`` wave numbers on a grid of 3 × modes points (the 2/3 rule). Time:
    ETDRK4 from one Chebyshev time to the next, interpolated on ``panels`` panels of degree 16. At
    t0 the initial condition itself is evaluated. A slope that jumps across the seam is treated
    in closed form (`Kink`) if the equation is a reaction-diffusion one. A solution that modes,
    steps or panels do not resolve to 1e-10 is refused, because a reference must be better than the
    solver.

    Args:
        linear: pairs (k, c_k).
        nonlinear: pairs (j, g_j), g_j an expression in `VARIABLE`.
        initial: u0, an expression in `VARIABLE`.
        x: the period (a, b).
        t: the times (t0, t1).
        modes: wave numbers kept.
        steps: least number of time steps.
        panels: panels of time for the dense output.
    """

    linear: tuple[tuple[int, float], ...]
    nonlinear: tuple[tuple[int, sp.Expr], ...]
    initial: sp.Expr
    x: tuple[float, float]
    t: tuple[float, float]
    modes: int
    steps: int
    panels: int

    def __post_init__(self) -> None:
        require_interval(self.x, "spectral: x")
        require_interval(self.t, "spectral: t")
        for name, least in (("modes", 4), ("steps", 1), ("panels", 1)):
            require_count(getattr(self, name), f"spectral: {name}", least)
        for order, _ in (*self.linear, *self.nonlinear):
            require_count(order, "spectral: order of a derivative", 0)
        require_continuous(self.initial, self.x)

    def __call__(self, points: ArrayLike) -> Float[np.ndarray, " n"]:
        """Values of u.

        Args:
            points: (n, 2), columns x (any, the solution is periodic) and t within [t0, t1].

        Returns:
            u at the points, (n,).

        Raises:
            ProblemError: the shape is wrong, a coordinate is not finite, t is outside of [t0, t1],
                or modes, steps or panels do not resolve the solution.
        """
        rows = require_points(points, "spectral", 2)
        a, b = self.x
        t = require_within(rows[:, 1], *self.t, "spectral", "t")
        x = a + (rows[:, 0] - a) % (b - a)
        starts = np.array([panel.start for panel in self.solution])
        owner = np.searchsorted(starts, t, side="right") - 1
        u = np.empty(len(rows))
        for i in np.unique(owner):
            at = owner == i
            u[at] = self.solution[i](2 * np.pi * (x[at] - a) / (b - a), t[at])
        if self.kink is not None:
            u += self.kink(x, t - self.t[0])
        return np.where(t == self.t[0], as_function(self.initial)(x), u)

    def doubled(self) -> Spectral:
        """The same reference at doubled resolution in space and time, to check this one against."""
        return replace(self, modes=2 * self.modes, steps=2 * self.steps, panels=2 * self.panels)

    @cached_property
    def kink(self) -> Kink | None:
        """The kink to subtract: a jump of slope at the seam, under diffusion and reaction alone."""
        (a, b), linear = self.x, dict(self.linear)
        ends = np.array([a, b])
        slope = as_function(sp.diff(self.initial, VARIABLE))(ends)
        jump = float(slope[0] - slope[1])
        reactive = {order for order, _ in self.nonlinear} <= {0} and set(linear) <= {0, 2}
        if abs(jump) < 1e-12 * max(1.0, abs(slope).max()) or not reactive or linear.get(2, 0) <= 0:
            return None
        rate = linear.get(0, 0.0) + self._reaction_slope(as_function(self.initial)(ends)[:1])
        return Kink(jump, linear[2], rate, a, b - a)

    @cached_property
    def solution(self) -> tuple[Panel, ...]:
        """The panels of the dense output, computed at the first access.

        It takes half as much work again to check that the time steps are short enough.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # a blow-up is refused in words
            coarse, fine = self._march(1), self._march(2)
        require_steps(coarse, fine, self.steps)
        return fine

    def _march(self, halves: int) -> tuple[Panel, ...]:
        """ETDRK4 from one Chebyshev time to the next, in ``halves`` / 2 × steps or more."""
        v, N, L = self._start(), self._nonlinear(), self._symbol()
        stepping = lru_cache(maxsize=None)(lambda h: coefficients(L, h))
        total = self.t[1] - self.t[0]
        halvings = HALVINGS if self.kink is not None else 0
        panels, start = [], self.t[0]
        for length in panel_lengths(total, self.panels, halvings):
            levels, t = [v], start
            for gap in GAPS * length:
                count = halves * int(np.ceil(gap * self.steps / (2 * total)))
                c = stepping(gap / count)
                for _ in range(count):
                    v, t = step(v, t, N, c), t + c.h
                levels.append(v)
            panel = Panel(float(start), float(length), np.array(levels))
            require_finite(panel, self.steps)
            require_modes(panel, self.modes)
            require_panels(panel, self.panels)
            panels.append(panel.trimmed())
            start += length
        return tuple(panels)

    @cached_property
    def _fourier(self) -> Fourier:
        return Fourier(self.x, self.modes)

    def _symbol(self) -> Complex[np.ndarray, " m"]:
        """L as a function of the wave number."""
        L = np.zeros(self.modes, dtype=complex)
        for order, factor in self.linear:
            L += factor * self._fourier.derivative(order)
        return L

    def _start(self) -> Complex[np.ndarray, " m"]:
        u = as_function(self.initial)(self._fourier.grid)
        return self._fourier.transform(u if self.kink is None else u - self._kink_at(self.t[0]))

    def _kink_at(self, t: float) -> Float[np.ndarray, " g"]:
        assert self.kink is not None
        return self.kink.at(self._from_seam, np.full(len(self._from_seam), t - self.t[0]))

    @cached_property
    def _from_seam(self) -> Float[np.ndarray, " g"]:
        assert self.kink is not None
        return self.kink.from_seam(self._fourier.grid)

    def _nonlinear(self) -> Nonlinear:
        """N of v = u - w, with w the kink: Σ ∂^j g_j(v + w), less R'(u(a)) w in the j = 0 term."""
        space = self._fourier
        terms = [(space.derivative(order), as_function(g)) for order, g in self.nonlinear]

        @lru_cache(maxsize=4)  # stages share their times
        def kink_at(t: float) -> tuple[np.ndarray, np.ndarray]:
            w = self._kink_at(t)
            return w, slope * space.transform(w)

        def total(u: Float[np.ndarray, " g"]) -> Complex[np.ndarray, " m"]:
            parts = (derivative * space.transform(g(u)) for derivative, g in terms)
            return sum(parts, np.zeros(self.modes, dtype=complex))

        def smooth(v: Complex[np.ndarray, " m"], t: float) -> Complex[np.ndarray, " m"]:
            return total(space.values(v))

        def kinked(v: Complex[np.ndarray, " m"], t: float) -> Complex[np.ndarray, " m"]:
            w, linear = kink_at(t)
            return total(space.values(v) + w) - linear

        if self.kink is None:
            return smooth
        slope = self.kink.rate - dict(self.linear).get(0, 0.0)
        return kinked

    def _reaction_slope(self, u: Float[np.ndarray, " 1"]) -> float:
        """R'(u), the derivative of the undifferentiated nonlinear term."""
        slopes = (as_function(sp.diff(g, VARIABLE))(u)[0] for _, g in self.nonlinear)
        return float(sum(slopes))


def spectral(
    linear: Mapping[int, Number],
    nonlinear: Mapping[int, Formula],
    initial: Formula,
    x: Bounds = (-1, 1),
    t: Bounds = (0, 1),
    modes: int = 256,
    steps: int = 8000,
    panels: int = 32,
) -> Spectral:
    """A periodic semilinear equation in one space dimension, by Fourier series and ETDRK4.

        u_t = Σ_k c_k ∂_x^k u + Σ_j ∂_x^j g_j(u),    u(x, t0) = u0(x)

    For example Burgers' equation is ``spectral({2: nu}, {1: -u**2 / 2}, -sp.sin(sp.pi * x))``.

    Args:
        linear: {k: c_k}, numbers by order of derivative.
        nonlinear: {j: g_j}, sympy expressions in one symbol or unknown, by order of derivative.
        initial: u0, a sympy expression in one symbol, continuous as a periodic function.
        x: the period (a, b).
        t: the times (t0, t1).
        modes: wave numbers kept.
        steps: least number of time steps over [t0, t1].
        panels: panels of time for the dense output.

    Returns:
        A callable of points (n, 2), columns x and t, giving u (n,). ``.doubled()`` is the same
        at doubled resolution.

    Raises:
        ProblemError: a symbol is foreign, an interval is empty, or the initial value jumps across
            the seam; at the first call, the solution is not resolved.

    Source: Kassam and Trefethen (2005), SIAM J. Sci. Comput. 26, 1214.
    """
    return Spectral(
        tuple((k, require_number(c, f"spectral: linear[{k}]")) for k, c in linear.items()),
        tuple(
            (j, require_one_variable(g, f"spectral: nonlinear[{j}]")) for j, g in nonlinear.items()
        ),
        require_one_variable(initial, "spectral: initial"),
        require_interval(x, "spectral: x"),
        require_interval(t, "spectral: t"),
        modes,
        steps,
        panels,
    )


def require_continuous(initial: sp.Expr, x: tuple[float, float]) -> None:
    """Refuse an initial condition whose value jumps across the seam of the period."""
    with np.errstate(all="ignore"):
        values = as_function(initial)(np.linspace(*x, 257))
    if not np.isfinite(values).all():
        raise ProblemError(f"spectral: the initial condition {initial} is not finite on {x}.")
    if abs(values[-1] - values[0]) > 1e-10 * max(1.0, abs(values).max()):
        raise ProblemError(
            f"spectral: the initial condition is {values[0]:g} at x = {x[0]:g} and "
            f"{values[-1]:g} at x = {x[1]:g}; expected equal values, as it repeats."
        )
