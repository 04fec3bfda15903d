"""How far a solution may be from the truth, and whether that can be told at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import StackedResidual
from pdelsr.networks import closure
from pdelsr.results.open_functions import in_words
from pdelsr.solvers.candidate import Assessed
from pdelsr.solvers.method import RankReport
from pdelsr.solvers.sensitivity import Modes, Sensitivity

ESTIMATED_ON = 4096  # held-out points that the nested refinement is compared on
LARGEST = 0.3  # bound of the error from which on nothing is claimed
APART = 1e5  # ratio of the two estimates above which neither is believed
OPEN = 1e4  # epsilons: what a function leaves of its terms, that the equations do not see
ILL_POSED = 1e-7  # the same, below which data say little of the solution
LEVEL_DEGREE = 12  # of polynomials in time, where the level of an unknown is open at all times


@dataclass(frozen=True)
class ErrorEstimate:
    """The estimated relative L2 error, the largest over the unknowns.

    Two estimates are made, of which one is rather too small and the other too large. `low` is the
    distance from the refinement in a part of the directions. `high` is the norm of the residual on
    held-out points times the stability constant of the linearized problem. The estimate is their
    geometric mean.

    Args:
        low: from the nested refinement; None where there is none.
        high: from the residual; None where the solver keeps no factors.
        variation: what the estimate becomes relative to ‖u − mean u‖ instead of ‖u‖, times.
        doubts: why no error is claimed; empty where one is.
        open: what may be added to the solution without the equations seeing it, in words.
    """

    low: float | None = None
    high: float | None = None
    variation: float = 1.0
    doubts: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def value(self) -> float | None:
        """The estimate; None where none can be trusted."""
        if self.doubts or self.low is None or self.high is None:
            return None
        return math.sqrt(self.low * self.high)


def estimated(
    best: Assessed,
    report: RankReport | None,
    heldout: StackedResidual,
    levels: Mapping[int, int | None],
    names: tuple[str, ...],
    coordinates: tuple[str, ...],
) -> ErrorEstimate:
    """The estimate for a refined state.

    Args:
        best: the state.
        report: of its refinement.
        heldout: the residual on held-out points.
        levels: unknowns that are open up to a constant, by position; with the position of time
            where the constant may change over time.
        names: of the unknowns.
        coordinates: their names.
    """
    if report is None:
        return ErrorEstimate(doubts=("nothing was refined, and only a refinement tells its error",))
    found = report.sensitivity
    if report.nested is None or found is None:
        return ErrorEstimate(doubts=("the refinement was cut short, before its error was known",))
    eps = torch.finfo(found.values.dtype).eps
    modes = found.modes(_level_functions(found.points, found.values.shape[1], levels))
    terms = max(best.terms, eps**0.25 * best.parts)
    seen = 1 / (modes.amplifications * terms).clamp(min=torch.finfo(modes.functions.dtype).tiny)
    high = modes.largest * best.objective
    low = _nested_distance(best, report, heldout, levels, found)
    unseen = int((seen < OPEN * eps).sum())
    open_now = in_words(found, modes, unseen, names, coordinates) if unseen else ()
    doubts = _doubts(low, high, seen[0].item(), open_now)
    return ErrorEstimate(low, high, _variation(found), doubts, open_now)


def _doubts(low: float, high: float, seen: float, open_now: tuple[str, ...]) -> tuple[str, ...]:
    """Why the estimates are not to be believed."""
    if open_now:
        return (f"the solution is not unique: {'; '.join(open_now)}",)
    if not high < LARGEST:
        return (
            "the residual is too large to tell: it allows an error of "
            + (f"{high:.0%}" if high < 10 else f"{high:.0e} times the solution"),
        )
    if seen < ILL_POSED:
        return (
            "the problem is ill-posed or nearly so: there is a change of the solution by its own "
            f"size that changes the terms of the equations by a share of {seen:.0e} only",
        )
    if high > APART * low:
        return (
            f"two estimates disagree: {low:.0e} by fewer directions, {high:.0e} by the residual",
        )
    return ()


def _variation(found: Sensitivity) -> float:
    """The largest ‖u‖ / ‖u − mean u‖ over the unknowns that vary."""
    values, mean = found.values, found.values.mean(0)
    size, spread = values.square().mean(0).sqrt(), (values - mean).square().mean(0).sqrt()
    varies = spread > torch.finfo(values.dtype).eps ** 0.5 * size
    return (size[varies] / spread[varies]).max().item() if bool(varies.any()) else 1.0


def _nested_distance(
    best: Assessed,
    report: RankReport,
    heldout: StackedResidual,
    levels: Mapping[int, int | None],
    found: Sensitivity,
) -> float:
    """Distance from the refinement in a part of the directions, relative to the sizes of u."""
    some = heldout.thinned(min(1.0, ESTIMATED_ON / heldout.row_count))
    points = torch.cat([s for b in some.blocks for s in b.sites])
    value = closure(((0,) * points.shape[1],))
    nested = replace(best.candidate, delta=report.nested)
    with torch.no_grad():
        values, others = (c.predictor()(points, value)[0] for c in (best.candidate, nested))
    apart = values - others
    for k in levels:
        columns = _level_functions(points, 1, {0: levels[k]})
        assert columns is not None
        apart[:, k] -= columns @ (columns.T @ apart[:, k])
    return (apart.square().mean(0).sqrt() / found.sizes).max().item()


def _level_functions(
    points: Float[Tensor, "p d"], unknowns: int, levels: Mapping[int, int | None]
) -> Float[Tensor, "q c"] | None:
    """Orthonormal columns of the constants that are open, or of polynomials in time."""
    columns: list[Tensor] = []
    for k, time in levels.items():
        one = torch.ones(len(points), 1)
        if time is not None:
            t = points[:, time].cpu().double().numpy()
            span = max(float(np.ptp(t)), 1e-300)
            scaled = 2 * (t - t.min()) / span - 1
            one = torch.as_tensor(np.polynomial.legendre.legvander(scaled, LEVEL_DEGREE))
        Q = torch.linalg.qr(one.to(points)).Q
        column = points.new_zeros(unknowns, len(points), Q.shape[1])
        column[k] = Q
        columns.append(column.reshape(-1, Q.shape[1]))
    return torch.cat(columns, dim=1) if columns else None
