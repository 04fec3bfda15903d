"""Checks that modes, panels and steps resolve a Fourier solution."""

from __future__ import annotations

import numpy as np
import scipy

from pdelsr.errors import ProblemError
from pdelsr.reference.dense import DEGREE, Panel

TOLERANCE = 1e-10  # of each estimated error, relative to the sum of the Fourier amplitudes
TINY = 1e-300


def require_finite(panel: Panel, steps: int, title: str = "spectral") -> None:
    """Refuse a panel with a value that is not finite."""
    if not np.isfinite(panel.coefficients).all():
        raise ProblemError(
            f"{title}: the solution is not finite {_times(panel)}. Either it blows up, or "
            f"steps={steps} are too few: try steps={4 * steps}."
        )


def require_modes(panel: Panel, modes: int, title: str = "spectral", floor: float = TINY) -> None:
    """Refuse a panel where the last tenth of the wave numbers still contributes.

    Amplitudes are relative to their sum or to `floor`, whichever is larger.
    """
    size = abs(panel.coefficients)
    tail = size[:, -max(1, modes // 10) :].sum(axis=1).max() / max(amplitude(panel), floor)
    if tail > TOLERANCE:
        raise ProblemError(
            f"{title}: modes={modes} do not resolve the solution {_times(panel)} (the last "
            f"tenth of them contributes {tail:.0e}). Try modes={2 * modes}; that helps only "
            f"where the initial condition is smooth as a periodic function."
        )


def require_panels(panel: Panel, panels: int, title: str = "spectral", floor: float = TINY) -> None:
    """Refuse a panel where the last two Chebyshev coefficients in time still contribute."""
    in_time = np.asarray(scipy.fft.dct(panel.coefficients, type=1, axis=0)) / DEGREE
    tail = abs(in_time[-2:]).sum(axis=1).max() / max(amplitude(panel), floor)
    if tail > TOLERANCE:
        raise ProblemError(
            f"{title}: panels={panels} do not resolve the solution {_times(panel)} (the last "
            f"Chebyshev coefficients in time contribute {tail:.0e}). Try panels={2 * panels}."
        )


def require_steps(
    coarse: tuple[Panel, ...],
    fine: tuple[Panel, ...],
    steps: int,
    title: str = "spectral",
    floor: float = TINY,
) -> None:
    """Refuse a solution that differs by 15 tolerances from the one with half the steps."""
    error = max(_distance(a, b, floor) for a, b in zip(coarse, fine, strict=True)) / 15
    if error > TOLERANCE:
        enough = int(np.ceil(steps * (4 * error / TOLERANCE) ** 0.25))
        raise ProblemError(
            f"{title}: steps={steps} leave an error of about {error:.0e}. Try steps={enough}."
        )


def _distance(a: Panel, b: Panel, floor: float) -> float:
    """The sum of the differences of the Fourier coefficients, relative, at its largest."""
    m = min(a.coefficients.shape[1], b.coefficients.shape[1])
    difference = abs(a.coefficients[:, :m] - b.coefficients[:, :m])
    return difference.sum(axis=1).max() / max(amplitude(b), floor)


def amplitude(panel: Panel) -> float:
    """The largest sum of the Fourier amplitudes, a bound of the values."""
    return float(abs(panel.coefficients).sum(axis=1).max())


def _times(panel: Panel) -> str:
    return f"between t = {panel.start:g} and t = {panel.start + panel.length:g}"
