"""Burgers' equation on a period, from an initial value that is an input function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Complex

from pdelsr.reference.checks import Function, require_function, require_positive
from pdelsr.reference.fourier import Fourier
from pdelsr.reference.periodic import PeriodicMarch, march_settings


@dataclass(frozen=True, eq=False)
class PeriodicBurgers(PeriodicMarch):
    """The reference that `periodic_burgers` makes."""

    title: ClassVar[str] = "periodic_burgers"

    nu: float

    def linear(self, space: Fourier) -> Complex[np.ndarray, "k m"]:
        return self.nu * space.derivative(2)[None]

    def nonlinear(
        self, space: Fourier, v: Complex[np.ndarray, "k m"]
    ) -> Complex[np.ndarray, "k m"]:
        return -space.derivative(1) * space.transform(space.values(v) ** 2 / 2)


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
        (require_function(a, "periodic_burgers: a"),),
        *march_settings("periodic_burgers", x, time, modes, steps, panels),
        require_positive(nu, "periodic_burgers: nu"),
    )
