"""References along characteristics: the integral of an input, and advection by it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from pdelsr.errors import ProblemError
from pdelsr.reference.checks import Function, require_function, require_points, require_within
from pdelsr.reference.piecewise import MOST_PIECES, Piecewise, piecewise, unit_breaks

NEWTON_STEPS = 60  # or bisections, which reach rounding by themselves


@dataclass(frozen=True, eq=False)
class Antiderivative:
    """The reference that `antiderivative` makes."""

    a: Function

    def __call__(self, points: ArrayLike) -> Float[np.ndarray, " n"]:
        x = require_points(points, "antiderivative", 1)[:, 0]
        return self.integral(require_within(x, 0.0, 1.0, "antiderivative", "x"))

    @cached_property
    def integral(self) -> Piecewise:
        return piecewise(self.a, "antiderivative", unit_breaks(self.a)).integral()


def antiderivative(a: Function) -> Antiderivative:
    """The integral of an input function, to about 1e-14 of its largest value.

        s' = a on [0, 1],    s(0) = 0

    Args:
        a: a function of numpy arrays. Pieces end at its kinks, given by its attribute `nodes` or
            `knots`.

    Returns:
        A callable of points (n, 1) that gives s, (n,).

    Raises:
        ProblemError: a is no function; at the first call, a is not finite or not resolved.
    """
    return Antiderivative(require_function(a, "antiderivative: a"))


@dataclass(frozen=True, eq=False)
class Advection:
    """The reference that `advection` makes."""

    a: Function
    initial: Function
    inflow: Function

    def __call__(self, points: ArrayLike) -> Float[np.ndarray, " n"]:
        rows = require_points(points, "advection", 2)
        x = require_within(rows[:, 0], 0.0, 1.0, "advection", "x")
        t = require_within(rows[:, 1], 0.0, np.inf, "advection", "t")
        later = t - self.travel(x)
        s = np.empty(len(rows))
        s[later > 0] = self.inflow(later[later > 0])
        s[later <= 0] = self.initial(self.place(-later[later <= 0]))
        return s

    @cached_property
    def slowness(self) -> Piecewise:
        """1/a."""
        breaks = unit_breaks(self.a)
        x = np.union1d(breaks, np.linspace(0, 1, MOST_PIECES + 1))
        values = np.asarray(self.a(x), dtype=float)
        if not (values > 0).all():
            i = int(np.argmin(values > 0))
            raise ProblemError(
                f"advection: the velocity is a({x[i]:g}) = {values[i]:g}; expected a > 0, so that "
                f"all characteristics leave x = 0. Shift the function, e.g. to a - min a + 1."
            )
        return piecewise(lambda x: 1 / self.a(x), "advection", breaks)

    @cached_property
    def travel(self) -> Piecewise:
        """The travel time τ from 0 to x."""
        return self.slowness.integral()

    def place(self, time: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The x reached in a given time, by Newton's method within a bracket."""
        breaks, low, high = self.travel.breaks, np.zeros_like(time), np.ones_like(time)
        x = np.interp(time, self.travel(breaks), breaks)
        for _ in range(NEWTON_STEPS):
            excess = self.travel(x) - time
            low, high = np.where(excess < 0, x, low), np.where(excess > 0, x, high)
            newton = x - excess / self.slowness(x)
            moved = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
            moved = np.where(excess == 0, x, moved)
            done = abs(moved - x).max(initial=0) < 1e-15
            x = moved
            if done:
                break
        return x


def advection(a: Function, initial: Function, inflow: Function) -> Advection:
    """Transport with variable velocity, along characteristics, to about 1e-13.

        s_t + a(x) s_x = 0 on [0, 1],    s(x, 0) = initial(x),    s(0, t) = inflow(t)

    With the travel time τ(x) = ∫_0^x dξ / a(ξ) the solution is inflow(t - τ(x)) for t > τ(x), and
    initial(τ⁻¹(τ(x) - t)) otherwise.

    Args:
        a: the velocity, a positive function of numpy arrays. Pieces end at its kinks, given by its
            attribute `nodes` or `knots`.
        initial: a function of numpy arrays x, (n,).
        inflow: a function of numpy arrays t, (n,).

    Returns:
        A callable of points (n, 2), columns x and t, that gives s, (n,).

    Raises:
        ProblemError: an argument is no function; at the first call, the velocity is not positive or
            not resolved.
    """
    for name, f in (("a", a), ("initial", initial), ("inflow", inflow)):
        require_function(f, f"advection: {name}")
    return Advection(a, initial, inflow)
