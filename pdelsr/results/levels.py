"""The part of an unknown that the equations leave open: a constant or a function of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pdelsr.declare import Problem
from pdelsr.declare.levels import positions_of_levels

DEGREE = 40  # of the polynomials in time that stand for any function of time
BEYOND_CHANCE = 4.0  # times the size of a coefficient from the scatter of the values
POINTS_PER_COEFFICIENT = 20  # points per coefficient, at least


@dataclass(frozen=True)
class OpenPart:
    """A constant or a polynomial in time for every unknown: ℓ_k(t) = Σ_i c_ik P_i(t).

    Args:
        time: position of time among the coordinates; None without time.
        span: its first and last value, between which the P_i are those of Legendre.
        coefficients: c; zero for an unknown without an open part.
    """

    time: int | None
    span: tuple[float, float]
    coefficients: Float[np.ndarray, "c k"]

    def at(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """ℓ at points."""
        t = _scaled(points, self.time, self.span)
        return np.polynomial.legendre.legval(t, self.coefficients).T


def open_part(
    problem: Problem, points: Float[np.ndarray, "n d"], values: Float[np.ndarray, "n k"]
) -> OpenPart:
    """The least-squares fit to some values by functions that the equations do not see.

    Args:
        problem: whose unknowns these are.
        points: spread over the domain.
        values: of the unknowns at the points, or of their errors.
    """
    domain = problem.domain
    time = None if domain.time is None else domain.coordinates.index(domain.time)
    low, high = (0.0, 1.0) if time is None else map(float, domain.bounding_box[time])
    t = _scaled(points, time, (low, high))
    coefficients = np.zeros((DEGREE + 1, len(problem.unknowns)))
    for k, over in positions_of_levels(problem.system).items():
        if over is None:
            coefficients[0, k] = values[:, k].mean()
        else:
            found = _in_time(t, values[:, k])
            coefficients[: len(found), k] = found
    return OpenPart(time, (low, high), coefficients)


def _in_time(
    t: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " c"]:
    """The polynomial in time up to the last coefficient that chance does not explain.

    Higher coefficients would follow the scatter of the values.
    """
    degree = max(0, min(DEGREE, len(t) // POINTS_PER_COEFFICIENT - 1))
    Q, R = np.linalg.qr(np.polynomial.legendre.legvander(t, degree))
    c = Q.T @ values
    chance = np.linalg.norm(values - Q @ c) / len(t) ** 0.5
    kept = 1 + int(np.flatnonzero(np.abs(c) > BEYOND_CHANCE * chance).max(initial=0))
    return np.linalg.solve(R[:kept, :kept], c[:kept])


def nothing_open(problem: Problem) -> OpenPart:
    """Zero for every unknown."""
    return OpenPart(None, (0.0, 1.0), np.zeros((1, len(problem.unknowns))))


def without_open_part(
    problem: Problem, points: Float[np.ndarray, "n d"], values: Float[np.ndarray, "n k"]
) -> Float[np.ndarray, "n k"]:
    """The values less their open part."""
    return values - open_part(problem, points, values).at(points)


def _scaled(
    points: Float[np.ndarray, "n d"], time: int | None, span: tuple[float, float]
) -> Float[np.ndarray, " n"]:
    """Time scaled to [−1, 1]; zeros without time."""
    if time is None:
        return np.zeros(len(points))
    low, high = span
    return 2 * (points[:, time] - low) / (high - low) - 1
