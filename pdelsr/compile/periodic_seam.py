"""A jump of the initial slope across the seam of a period, smoothed as the equation does.

Data such as x² cos(πx) on [-1, 1] are continuous as a periodic function, but their slope is not.
Diffusion rounds the kink off at once, in a layer that no smooth network follows. With coefficients
frozen at the seam, the layer is known in closed form, and the lift takes it over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import sympy as sp

from pdelsr.declare.domains.exact_number import exact_number
from pdelsr.declare.evaluate import evaluate
from pdelsr.declare.expressions import at, derivative, gradient, jets, multi_index
from pdelsr.declare.symbols import Coefficient
from pdelsr.declare.system import System

EARLIEST = sp.Float("1e-18", 30)  # of the time span: gives the layer a width at t0
NEGLIGIBLE = 1e-13  # of the largest slope; smaller jumps are rounding errors of smooth data
DIGITS = 30  # of the numbers at the seam
SAMPLES = 65  # where the largest slope is looked for
REACH = 12  # widths of the layer beyond which it is below rounding
MOST_IMAGES = 8  # periods that the layer may cross


@dataclass(frozen=True)
class FrozenEquation:
    """u_t + c u_x = D u_xx + r u + …, the equation linearized at the seam at the initial time."""

    velocity: sp.Expr
    diffusion: sp.Expr
    rate: sp.Expr


def seam_layer(system: System, initial: sp.Expr, axis: sp.Symbol) -> sp.Expr | None:
    """w(x, t) - w(x, t0) for the solution w of the frozen equation that starts with the kink.

        w = J e^{rτ} [ Σ_m κ(ζ - mP, τ) - const + ζ/2 - ζ²/(2P) - Dτ/P ],   ζ = x - a - cτ
        κ(ζ, τ) = ζ/2 erf(ζ / 2σ) + σ/√π exp(-ζ²/4σ²),   σ² = Dτ,   τ = t - t0

    κ is |ζ|/2 smoothed by the heat kernel (Crank 1975, section 2.1), J the jump of the slope.
    Added to initial data it leaves them alone at t0 and makes their slope periodic after it.

    Returns None if there is no jump, or if the equation is not scalar, of first order in time, with
    diffusion along one coordinate.
    """
    if initial.free_symbols != {axis}:
        return None
    low, high = map(exact_number, system.domain.bounds(axis))
    slope = derivative(initial, (1,), (axis,))
    roughly, size = _jump(slope, axis, low, high)
    if roughly <= 0.5 * NEGLIGIBLE * size:  # spares long data the exact size
        return None
    jump = _number(at(slope, axis, low) - at(slope, axis, high))
    if jump is None or abs(float(jump)) <= NEGLIGIBLE * size:
        return None
    frozen = frozen_equation(system, initial, axis)
    if frozen is None:
        return None
    t = cast(sp.Symbol, system.domain.time)
    start, end = map(exact_number, system.domain.bounds(t))
    c, D, r = frozen.velocity, frozen.diffusion, frozen.rate
    P, tau = high - low, t - start
    reach = REACH * sp.sqrt(D * (end - start)) + abs(c) * (end - start)
    images = int(sp.ceiling((reach / P).evalf()))
    if images > MOST_IMAGES:
        return None
    # τ itself would be below zero where t is t0 up to rounding.
    sigma = sp.sqrt(D * sp.sqrt(tau**2 + (EARLIEST * (end - start)) ** 2))
    z, moved = axis - low, axis - low - c * tau
    kinks = sp.Add(*(_smoothed(moved - m * P, sigma) for m in range(-images, images + 2)))
    constant = P * sp.Integer(images + 1) ** 2 / 2
    later = kinks - constant + _parabola(moved, P) - D * tau / P
    return cast(sp.Expr, jump * (sp.exp(r * tau) * later - _parabola(z, P)))


def frozen_equation(system: System, initial: sp.Expr, axis: sp.Symbol) -> FrozenEquation | None:
    """The coefficients at the seam, with the mean slope and curvature of both sides."""
    t = system.domain.time
    if t is None or len(system.unknowns) != 1 or len(system.equations) != 1:
        return None
    u = system.unknowns[0]
    if system.domain.space.coordinates != (axis,):
        return None
    residual = system.substituted(system.equations[0].residual)
    if residual.has(Coefficient) or system.order(u, axis) != 2 or system.order(u) != 2:
        return None
    if system.order(u, t) != 1:
        return None
    low, high = map(exact_number, system.domain.bounds(axis))
    variables = {j: sp.Dummy(f"u{i}", real=True) for i, j in enumerate(jets(residual))}
    slopes = gradient(residual, variables)
    at_seam: dict[sp.Basic, sp.Expr] = {}
    for jet, symbol in variables.items():
        index = multi_index(jet, (axis, t))
        slope = derivative(initial, (index[0],), (axis,))
        ends = at(slope, axis, low) + at(slope, axis, high)
        mean = sp.Integer(0) if index[1] else _number(ends / 2)
        if mean is None:
            return None
        at_seam[symbol] = mean
    here = {**at_seam, axis: low, t: exact_number(system.domain.bounds(t)[0])}
    coefficients: dict[tuple[int, ...], sp.Expr] = {}
    for j, slope in slopes.items():
        coefficient = _number(slope.subs(here))
        if coefficient is None:
            return None
        coefficients[multi_index(j, (axis, t))] = coefficient
    zero = sp.Integer(0)
    inertia, diffusion = coefficients.get((0, 1), zero), coefficients.get((2, 0), zero)
    if inertia.is_zero or not (-diffusion / inertia).is_positive:
        return None
    return FrozenEquation(
        coefficients.get((1, 0), zero) / inertia,
        -diffusion / inertia,
        -coefficients.get((0, 0), zero) / inertia,
    )


def _number(expression: sp.Expr) -> sp.Expr | None:
    """The value of an expression without symbols, exact if rational; None if there are symbols.

    It is evaluated, not simplified: simplification has no bound on its cost.
    """
    value = expression if expression.is_Rational else expression.evalf(DIGITS)
    is_value = isinstance(value, sp.Rational | sp.Float) and value.is_finite
    return cast(sp.Expr, value) if is_value else None


def _jump(slope: sp.Expr, axis: sp.Symbol, low: sp.Expr, high: sp.Expr) -> tuple[float, float]:
    """The difference of the slopes at both ends, up to rounding, and the largest slope."""
    places = np.linspace(float(low), float(high), SAMPLES)[:, None]
    values = evaluate(slope, (axis,), places, "initial data")
    return float(abs(values[0] - values[-1])), float(np.abs(values).max())


def _parabola(z: sp.Expr, period: sp.Expr) -> sp.Expr:
    """The part of the periodic kink |z|/2 - z²/(2P) that the smoothed images do not hold."""
    return z / 2 - z**2 / (2 * period)


def _smoothed(z: sp.Expr, sigma: sp.Expr) -> sp.Expr:
    s = z / (2 * sigma)
    return z / 2 * sp.erf(s) + sigma / sp.sqrt(sp.pi) * sp.exp(-(s**2))
