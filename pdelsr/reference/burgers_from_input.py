"""Burgers' equation on a period, from an initial value that is an input function."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike

from pdelsr.errors import ProblemError
from pdelsr.reference.checks import (
    Function,
    require_count,
    require_function,
    require_interval,
    require_points,
    require_positive,
    require_within,
)
from pdelsr.reference.dense import Panel, panel_lengths
from pdelsr.reference.fourier import Fourier
from pdelsr.reference.march import along_panels, march
from pdelsr.reference.resolution import (
    require_finite,
    require_modes,
    require_panels,
    require_steps,
)

HALVINGS = 5  # of the first panel, in which the high modes of the initial value decay
MOST_DOUBLED = 16  # times the given steps


@dataclass(frozen=True, eq=False)
class PeriodicBurgers:
    """The reference that `periodic_burgers` makes."""

    a: Function
    nu: float
    x: tuple[float, float]
    time: float
    modes: int
    steps: int
    panels: int

    def __call__(self, points: ArrayLike) -> Float[np.ndarray, " n"]:
        rows = require_points(points, "periodic_burgers", 2)
        t = require_within(rows[:, 1], 0.0, self.time, "periodic_burgers", "t")
        return along_panels(self.solution, rows[:, 0], t, self._evaluate)

    def doubled(self) -> PeriodicBurgers:
        """The same reference at doubled resolution, to check this one against."""
        return replace(self, modes=2 * self.modes, steps=2 * self.steps, panels=2 * self.panels)

    @cached_property
    def solution(self) -> tuple[Panel, ...]:
        """Panels of the Fourier coefficients of u, refused where they are not resolved."""
        with np.errstate(over="ignore", invalid="ignore"):  # a blow-up is refused in words
            panels = self._in_time(self._march(self.steps // 2), self.steps)
        for panel in panels:
            require_modes(panel, self.modes, "periodic_burgers")
            require_panels(panel, self.panels, "periodic_burgers")
        return tuple(panel.trimmed() for panel in panels)

    def _in_time(self, coarse: tuple[Panel, ...], steps: int) -> tuple[Panel, ...]:
        """The march in `steps` steps, doubled until half of them would almost suffice."""
        fine = self._march(steps)
        try:
            for panel in fine:
                require_finite(panel, steps, "periodic_burgers")
            require_steps(coarse, fine, steps, "periodic_burgers")
        except ProblemError:
            if steps >= MOST_DOUBLED * self.steps:
                raise
            return self._in_time(fine, 2 * steps)
        return fine

    def _march(self, steps: int) -> tuple[Panel, ...]:
        space = Fourier(self.x, self.modes)
        slope, L = space.derivative(1), self.nu * space.derivative(2)

        def N(v: Complex[np.ndarray, " m"], t: float) -> Complex[np.ndarray, " m"]:
            return -slope * space.transform(space.values(v) ** 2 / 2)

        start = space.transform(np.asarray(self.a(space.grid), dtype=float))
        return march(start, L, N, panel_lengths(self.time, self.panels, HALVINGS), steps)

    def _evaluate(
        self, panel: Panel, x: Float[np.ndarray, " n"], t: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        low, high = self.x
        return panel(2 * np.pi * (x - low) / (high - low), t)


def periodic_burgers(
    a: Function,
    nu: int | float = 0.01,
    x: tuple[int | float, int | float] = (0, 1),
    time: int | float = 1.0,
    modes: int = 128,
    steps: int = 400,
    panels: int = 16,
) -> PeriodicBurgers:
    """Burgers' equation on a period, from an input function, by Fourier series and ETDRK4.

        u_t + u u_x = ν u_xx,    u(x, 0) = a(x)

    Measured for ``PeriodicField(625, 5, 4)`` and ν = 0.01: doubling modes, steps and panels
    changes the values by 1e-10.

    Args:
        a: the initial value, a function of numpy arrays that is smooth on the period.
        nu: ν, positive.
        x: the period (low, high).
        time: final time, positive.
        modes: wave numbers kept.
        steps: least number of time steps; they are doubled up to four times, until they suffice.
        panels: panels of time for the dense output, of which the first is split towards t = 0.

    Returns:
        A callable of points (n, 2), columns x (any) and t, that gives u, (n,). ``.doubled()``
        is the same at doubled resolution.

    Raises:
        ProblemError: a is no function, or a number is wrong; at the first call, modes, steps or
            panels do not resolve the solution to 1e-10.
    """
    return PeriodicBurgers(
        require_function(a, "periodic_burgers: a"),
        require_positive(nu, "periodic_burgers: nu"),
        require_interval(x, "periodic_burgers: x"),
        require_positive(time, "periodic_burgers: time"),
        require_count(modes, "periodic_burgers: modes", 4),
        require_count(steps, "periodic_burgers: steps", 2),
        require_count(panels, "periodic_burgers: panels", 1),
    )
