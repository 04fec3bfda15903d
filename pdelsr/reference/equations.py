"""Named periodic equations: Burgers, Allen-Cahn, Korteweg-de Vries."""

from __future__ import annotations

import numpy as np

from pdelsr.reference.checks import (
    VARIABLE,
    as_function,
    require_interval,
    require_number,
    require_one_variable,
    require_positive,
)
from pdelsr.reference.given import Bounds, Formula, Number
from pdelsr.reference.parametric import parametric
from pdelsr.reference.spectral import Spectral, spectral


@parametric("nu")
def burgers(
    nu: Number,
    initial: Formula,
    x: Bounds = (-1, 1),
    t: Bounds = (0, 1),
    modes: int | None = None,
    steps: int = 8000,
    panels: int = 32,
) -> Spectral:
    """Burgers' equation u_t + u u_x = ν u_xx, periodic in x.

    For the initial condition -sin(πx), `cole_hopf` is faster and closer to rounding.

    Args:
        nu: viscosity, a positive number or sympy constant.
        initial: u(x, t0), a sympy expression in one symbol, smooth as a periodic function.
        x: the period (a, b).
        t: the times (t0, t1).
        modes: wave numbers kept; by default as many as the steepest possible front needs.
        steps: least number of time steps.
        panels: panels of time for the dense output.

    Raises:
        ProblemError: as `spectral`.
    """
    viscosity = require_positive(nu, "burgers: nu")
    u0 = require_one_variable(initial, "burgers: initial")
    period = require_interval(x, "burgers: x")
    if modes is None:
        modes = front_modes(viscosity, as_function(u0)(np.linspace(*period, 1025)), period)
    nonlinear = {1: -(VARIABLE**2) / 2}
    return spectral({2: viscosity}, nonlinear, u0, period, t, modes, steps, panels)


def front_modes(nu: float, u0: np.ndarray, x: tuple[float, float]) -> int:
    """Wave numbers that resolve the steepest front.

    A front of height 2M is M tanh(M x / 2ν): its poles lie πν/M away from the real line, so its
    coefficients fall like exp(-k πν/M), to 1e-16 at k = 37 M / (πν).
    """
    half_height = (u0.max() - u0.min()) / 2
    wave_number = 37 * half_height / (np.pi * nu)
    return 64 * max(1, int(np.ceil(wave_number * (x[1] - x[0]) / (2 * np.pi * 64))))


@parametric("diffusion", "reaction")
def allen_cahn(
    diffusion: Number,
    reaction: Number,
    initial: Formula,
    x: Bounds = (-1, 1),
    t: Bounds = (0, 1),
    modes: int = 2048,
    steps: int = 4000,
    panels: int = 16,
) -> Spectral:
    """The Allen-Cahn equation u_t = D u_xx + c (u - u³), periodic in x.

    The benchmark u_t - 1e-4 u_xx + 5u³ - 5u = 0 with u(x, 0) = x² cos(πx) is
    ``allen_cahn(1e-4, 5, x**2 * sp.cos(sp.pi * x))``. Its slope jumps from -2 to 2 at x = ±1,
    which `Spectral` follows in closed form. For other reactions use `spectral`.

    Args:
        diffusion: D, a positive number.
        reaction: c, a number.
        initial: u(x, t0), a sympy expression in one symbol; its slope may jump at x = a, b.
        x: the period (a, b).
        t: the times (t0, t1).
        modes: wave numbers kept.
        steps: least number of time steps.
        panels: panels of time for the dense output.

    Raises:
        ProblemError: as `spectral`.
    """
    D = require_positive(diffusion, "allen_cahn: diffusion")
    c = require_number(reaction, "allen_cahn: reaction")
    nonlinear = {0: c * (VARIABLE - VARIABLE**3)}
    u0 = require_one_variable(initial, "allen_cahn: initial")
    return spectral({2: D}, nonlinear, u0, x, t, modes, steps, panels)


@parametric("advection", "dispersion")
def kdv(
    advection: Number,
    dispersion: Number,
    initial: Formula,
    x: Bounds = (-1, 1),
    t: Bounds = (0, 1),
    modes: int = 192,
    steps: int = 8000,
    panels: int = 32,
) -> Spectral:
    """The Korteweg-de Vries equation u_t + α u u_x + δ u_xxx = 0, periodic in x.

    The benchmark of Raissi et al. (2019) is ``kdv(1, 0.0025, sp.cos(sp.pi * x))``, the one of
    solitons ``kdv(6, 1, ...)``.

    Args:
        advection: α, a number.
        dispersion: δ, a number.
        initial: u(x, t0), a sympy expression in one symbol, smooth as a periodic function.
        x: the period (a, b).
        t: the times (t0, t1).
        modes: wave numbers kept.
        steps: least number of time steps.
        panels: panels of time for the dense output.

    Raises:
        ProblemError: as `spectral`.

    Source: Zabusky and Kruskal (1965), Phys. Rev. Lett. 15, 240.
    """
    alpha = require_number(advection, "kdv: advection")
    delta = require_number(dispersion, "kdv: dispersion")
    u0 = require_one_variable(initial, "kdv: initial")
    return spectral({3: -delta}, {1: -alpha * VARIABLE**2 / 2}, u0, x, t, modes, steps, panels)
