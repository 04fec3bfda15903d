"""Pairs (initial value, solution at t = 1) of the periodic Burgers equation, by our own solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.reference.etdrk4 import coefficients, step
from pdelsr.reference.fourier import Fourier

DOMAIN = (-1.0, 1.0)


@dataclass(frozen=True)
class OperatorData:
    """Input functions at sensors, and output functions at points.

    Args:
        points: x_j, (p, 1), of inputs and outputs alike.
        inputs: a_i(x_j), (n, p).
        outputs: q_i(x_j), (n, p).
    """

    points: Float[Tensor, "p 1"]
    inputs: Float[Tensor, "n p"]
    outputs: Float[Tensor, "n p"]

    def __len__(self) -> int:
        return len(self.inputs)


def periodic_burgers(
    count: int,
    points: int = 128,
    nu: float = 0.1 / np.pi,
    time: float = 1.0,
    seed: int = 0,
    modes: int = 192,
    steps: int = 800,
    odd: bool = True,
    interval: int | float = 1.0,
) -> OperatorData:
    """u_t + u u_x = ν u_xx on [−1, 1], periodic, from random initial values to t = 1.

    The initial values have the distribution N(0, 49² (−Δ + 49 I)⁻²), truncated to the modes that
    `points` resolve. By default they are odd, and Δ is that of an interval of length 1 stretched to
    [−1, 1], like the published data as far as their figures and losses show. The solver is Fourier
    in space and ETDRK4 in time.

    Args:
        count: pairs.
        points: p, of the grid of inputs and outputs.
        nu: viscosity.
        time: of the outputs.
        seed: equal seeds give equal pairs.
        modes: number of wave numbers of the solver.
        steps: of the solver.
        odd: draw the sines only. The cosines move the fronts by up to the whole domain, and a
            thousand pairs then do not suffice to learn the operator.
        interval: length of the period that Δ refers to; 2 for that of x.

    Raises:
        SettingsError: a number is not positive, or the points resolve more modes than there are.
    """
    if min(count, points, modes, steps) < 1 or min(nu, time, interval) <= 0:
        raise SettingsError("count, points, modes, steps, nu, time, interval must be positive.")
    if 2 * modes < points:
        raise SettingsError(f"{modes} modes for {points} points: give at least {points // 2}.")
    fourier = Fourier(DOMAIN, modes)
    x = np.linspace(*DOMAIN, points, endpoint=False)
    start = initial_modes(count, points, modes, np.random.default_rng(seed), odd, interval)
    c = coefficients(nu * fourier.derivative(2), time / steps)
    slope = fourier.derivative(1)

    def nonlinear(v: Complex[np.ndarray, "n m"], t: float) -> Complex[np.ndarray, "n m"]:
        return -slope * fourier.transform(fourier.values(v) ** 2 / 2)

    v = start
    for k in range(steps):
        v = step(v, k * time / steps, nonlinear, c)
    first, last = (torch.from_numpy(at_points(w, points)) for w in (start, v))
    return OperatorData(torch.from_numpy(x)[:, None], first, last)


def initial_modes(
    count: int,
    points: int,
    modes: int,
    rng: np.random.Generator,
    odd: bool,
    interval: int | float,
) -> Complex[np.ndarray, "n m"]:
    """Fourier coefficients of N(0, 49² (−Δ + 49 I)⁻²) on [−1, 1].

    In the orthonormal basis 1/√2, cos πk(x+1), sin πk(x+1) the standard deviations are
    49 / ((2πk / interval)² + 49); `odd` leaves the sines.
    """
    used = (points + 1) // 2
    k = np.arange(used)
    deviation = 49 / ((2 * np.pi * k / interval) ** 2 + 49)
    cosine, sine = deviation * rng.standard_normal((2, count, used))
    if odd:
        cosine = np.zeros_like(cosine)
    v = np.zeros((count, modes), dtype=complex)
    v[:, :used] = (cosine - 1j * sine) / 2
    v[:, 0] = cosine[:, 0] / np.sqrt(2)
    return v


def at_points(v: Complex[np.ndarray, "n m"], points: int) -> Float[np.ndarray, "n p"]:
    """Values on an equidistant grid of any size."""
    k = np.arange(v.shape[1])
    waves = np.exp(2j * np.pi * np.outer(k, np.arange(points)) / points)
    waves[1:] *= 2
    return np.real(v @ waves)
