"""The estimated error of a solution, and the reasons to doubt it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import StackedResidual
from pdelsr.networks import closure
from pdelsr.results.open_functions import in_words, place_text
from pdelsr.solvers.refinement.sensitivity import Modes
from pdelsr.solvers.refinement.waves import Leftover
from pdelsr.solvers.run.assessed import RESOLVED, Assessed

UNREFINED = "nothing was refined"  # the doubt about a network without its refinement
ESTIMATED_ON = 4096  # held-out points on which the nested refinement is compared
LARGEST_CLAIMED = 0.3  # bound of the error above which nothing is claimed
APART = 1e5  # ratio of the two estimates above which neither is trusted
OPEN = 1e4  # epsilons: |F| relative to its terms, of a function that the equations do not see
ILL_POSED = 1e-7  # the same, below which data say little about the solution
BROKEN, NOT_SMALL = 0.3, 0.1  # of the terms at a point, and of the terms elsewhere
HARDLY = 0.1  # of the terms: above it nothing is solved
COORDINATES = 4.0  # about the relative slope of a function of one wave
VANISHING_SHARE = 1e-3  # an unknown below this share of the largest one may be zero up to its error
HELD_WAVES = 3.0  # times what the directions leave of a wave: what they resolve reliably
ZERO = 1e4  # epsilons of the network's values: a solution below them is zero up to rounding
LEVEL_DEGREE = 12  # of polynomials in time, if the level of an unknown is open at all times


@dataclass(frozen=True)
class ErrorEstimate:
    """The estimated relative L2 error, the largest over the unknowns.

    There are two estimates, one often too small and the other usually too large. `low` is the
    distance from the refinement in a part of the directions. `high` is the norm of the residual on
    held-out points times the stability constant of the linearized problem. The estimate is their
    geometric mean. The error may lie outside of the two: on smooth problems it may be below both,
    because the directions that the nested refinement lacks carry digits.

    If the refinement was cut short there is no nested one, and the estimate is `high`.

    Args:
        low: from the nested refinement; None if there is none.
        high: from the residual; None if nothing was refined, the solver keeps no factors, or there
            was no time.
        variation: factor on the estimate relative to ‖u − mean u‖ instead of ‖u‖.
        doubts: why no error is claimed; empty if one is.
        open: functions that may be added to the solution without a change of the residual, in
            words.
        few_points: whether the refinement had fewer equations than directions.
        holds: whether the equations hold, judged by the size of their terms and data.
        absolute: whether the solution is zero up to rounding, and the estimate absolute.
        vanishing: names of unknowns that cannot be told from zero; their errors are relative to the
            largest unknown.
    """

    low: float | None = None
    high: float | None = None
    variation: float = 1.0
    doubts: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    few_points: bool = False
    holds: bool = True
    absolute: bool = False
    vanishing: tuple[str, ...] = ()

    @property
    def value(self) -> float | None:
        """The estimate; None if none can be trusted."""
        if self.doubts or self.high is None:
            return None
        return self.high if self.low is None else math.sqrt(self.low * self.high)


def estimated(
    best: Assessed,
    heldout: StackedResidual,
    train: float,
    levels: Mapping[int, int | None],
    names: tuple[str, ...],
    coordinates: tuple[str, ...],
) -> ErrorEstimate:
    """The estimate for a refined state.

    If the residual is larger on held-out points than on those of the fit, the nested refinement,
    fitted to the same points, is too close by that factor.

    Args:
        best: the state, with the report of its refinement.
        heldout: the residual on held-out points.
        train: ‖f‖ on the points of the fit.
        levels: unknowns that are open up to a constant, by position, with the position of time if
            the constant may change over time.
        names: of the unknowns.
        coordinates: their names.
    """
    report = best.report
    if report is None and best.candidate.delta is not None:
        return ErrorEstimate(doubts=("the method gives no report of its refinement to tell it by",))
    if report is None:
        return ErrorEstimate(doubts=("nothing was refined, and only a refinement tells its error",))
    found = report.sensitivity
    if found is None:
        return ErrorEstimate(doubts=("the least-squares solver keeps no factors to tell it by",))
    points, values, parts = _values(best, heldout)
    values = _without_levels(values, points, levels)
    eps = torch.finfo(values.dtype).eps
    open_levels = _level_functions(found.points, len(names), levels)
    sizes, absolute = _sizes(values, parts)
    vanishing = sizes < VANISHING_SHARE * sizes.max()
    if bool(vanishing.any()) and _solved(best, heldout):
        # needs its own singular values, so only if asked for
        bounds = best.objective * found.constants(len(names), open_levels)
        vanishing &= LARGEST_CLAIMED * sizes < bounds
        sizes = torch.where(vanishing, sizes.max(), sizes)
    else:
        vanishing = torch.zeros_like(vanishing)
    modes = found.modes(sizes, open_levels)
    terms = best.resolved_terms(eps)
    seen = _seen(modes, terms)
    # in its own units a tiny unknown is hardly seen; open is only what stays unseen at full size
    unequal = sizes.clamp(min=VANISHING_SHARE * sizes.max().item())
    differ = bool((unequal > sizes).any())
    openness = found.modes(unequal, open_levels) if differ else modes
    low, high = None, modes.largest * best.objective
    if report.nested is not None:
        overfit = max(1.0, best.objective / train) if train > 0 else 1.0
        others = _without_levels(_nested(best, report.nested, points), points, levels)
        low = overfit * ((values - others).square().mean(0).sqrt() / sizes).max().item()
    few = report.rank > found.equations  # then the points leave functions open, not the equations
    tells = OPEN * eps < ILL_POSED  # whether this dtype tells unseen from hardly seen functions
    unseen = int((_seen(openness, terms) < OPEN * eps).sum()) if tells and not few else 0
    open_now = ()
    if unseen:
        open_now = in_words(openness, unseen, unequal, found.points, names, coordinates)
    rounded = _coordinate_rounding(points)
    low, high = None if low is None else max(low, rounded), max(high, rounded)
    enough = max(ILL_POSED, OPEN * eps)
    doubts = _doubts(low, high, seen[0].item(), open_now, enough)
    if not open_now and seen[0] < enough <= _seen(openness, terms)[0]:
        small = names[int(sizes.argmin())]
        doubts = (
            f"{small} is {(sizes.min() / sizes.max()).item():.0e} of the largest unknown, too "
            "little for its own digits: give it in units in which both are of one size",
        )
    doubts = doubts or _unheld(found.waves, sizes, modes.largest)
    doubts = doubts or _violated(best, heldout, coordinates)
    if absolute and heldout.data_norm() > 0:
        doubts = (
            "the solution is below the rounding errors of the network: give the unknowns in "
            "units in which they are near one",
        )
    if few and doubts:
        doubts = (
            f"the refinement has {found.equations:,} equations for {report.rank:,} directions: "
            "take more points, or a narrower network",
        )
    # the open part of a linear problem makes its terms large, but not its data
    data = heldout.data_norm() if unseen and heldout.is_linear else 0.0
    return ErrorEstimate(
        low,
        high,
        _variation(values),
        doubts,
        open_now,
        few,
        holds=best.objective <= HARDLY * min(terms, data or terms),
        absolute=absolute,
        vanishing=tuple(n for n, v in zip(names, vanishing.tolist(), strict=True) if v),
    )


def _doubts(
    low: float | None, high: float, seen: float, open_now: tuple[str, ...], enough: float
) -> tuple[str, ...]:
    """The reasons not to trust the estimates."""
    if open_now:
        return (f"the solution is not unique: {'; '.join(open_now)}",)
    if not high < LARGEST_CLAIMED:
        size = f"{high:.0%}" if high < 10 else f"{high:.0e} times the solution"
        return (f"the residual is too large to tell: it allows an error of {size}",)
    if seen < enough:
        change = (
            "there is a change of the solution by its own size that changes the terms of the "
            f"equations by a share of {seen:.0e} only"
        )
        if seen < ILL_POSED:
            return (f"the problem is ill-posed or nearly so: {change}",)
        return (f"float32 does not tell how far off the solution is: {change}",)
    if low is not None and high > APART * low:
        return (
            f"two estimates disagree: {low:.0e} by fewer directions, {high:.0e} by the residual",
        )
    return ()


def _seen(modes: Modes, terms: float) -> Float[Tensor, " q"]:
    """The residuals of functions as large as the solution, relative to the terms."""
    return 1 / (modes.amplifications * terms).clamp(min=torch.finfo(modes.scaled.dtype).tiny)


def _unheld(
    waves: Sequence[Leftover], sizes: Float[Tensor, " k"], largest: float
) -> tuple[str, ...]:
    """Waves that nearly solve the equations and that the directions do not represent well enough.

    The part of a wave that they miss is the least residual they show for a sum of such waves, even
    one that satisfies all equations and conditions. A stability constant of that size says nothing.
    """
    left = [HELD_WAVES * largest * wave.relative(sizes) for wave in waves]
    if not left or max(left) < 1:
        return ()
    length = waves[left.index(max(left))].length
    return (
        f"waves of length {length:.2g} nearly solve the equations without their data, and the "
        "network does not hold such waves well enough to tell whether one may be added: take a "
        "wider one",
    )


def _solved(best: Assessed, heldout: StackedResidual) -> bool:
    """Whether the residual of every block is small compared with its terms, or the network's."""
    predictor, network = best.candidate.predictor(), best.candidate.at_theta()
    share = torch.finfo(heldout.like.dtype).eps ** RESOLVED
    return all(
        _rms(b.evaluate(predictor))
        <= HARDLY
        * torch.maximum(_rms(b.terms(predictor)), share * _rms(b.terms(predictor, network)))
        for b in heldout.blocks
    )


def _violated(
    best: Assessed, heldout: StackedResidual, coordinates: tuple[str, ...]
) -> tuple[str, ...]:
    """The place where a nonlinear equation fails, as at a kink, which no linearization shows.

    A residual counts if it is a large part of the terms at its point, and not small compared with
    those elsewhere. If the terms vanish at the solution, those of the network set the scale.
    """
    predictor, network = best.candidate.predictor(), best.candidate.at_theta()
    share = torch.finfo(heldout.like.dtype).eps ** RESOLVED
    for bound in heldout.blocks:
        if bound.block.linear:
            continue
        found, terms = bound.evaluate(predictor).abs(), bound.terms(predictor)
        usual = torch.maximum(_rms(terms), share * _rms(bound.terms(predictor, network)))
        broken = (found > BROKEN * terms) & (found > NOT_SMALL * usual)
        if bool(broken.any()):
            place = bound.sites[0][int(torch.where(broken, found, 0 * found).argmax())]
            return (
                f"{bound.block.name} does not hold at all near {place_text(place, coordinates)}: "
                "the solution may have a kink there, or there may be several",
            )
    return ()


def _values(
    best: Assessed, heldout: StackedResidual
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Held-out points, and the values of the solution and of its network there."""
    some = heldout.thinned(min(1.0, ESTIMATED_ON / heldout.row_count))
    points = torch.cat([s for b in some.blocks for s in b.sites])
    value = closure(((0,) * points.shape[1],))
    with torch.no_grad():
        values = best.candidate.predictor()(points, value)[0]
        return points, values, best.candidate.at_theta()(points, value)[0]


def _nested(
    best: Assessed, delta: Float[Tensor, " m"], points: Float[Tensor, "n d"]
) -> Float[Tensor, "n k"]:
    """Values of the refinement in a part of the directions."""
    predictor = replace(best.candidate, delta=delta).predictor()
    with torch.no_grad():
        return predictor(points, closure(((0,) * points.shape[1],)))[0]


def _sizes(
    values: Float[Tensor, "n k"], parts: Float[Tensor, "n k"]
) -> tuple[Float[Tensor, " k"], bool]:
    """Root mean square of every unknown, by which its errors are divided.

    If all are zero up to rounding errors of the network's values, the size is 1, and errors are
    absolute.
    """
    sizes, of_parts = (v.square().mean(0).sqrt() for v in (values, parts))
    zero = bool(sizes.max() <= ZERO * torch.finfo(sizes.dtype).eps * of_parts.max())
    return torch.ones_like(sizes) if zero else sizes, zero


def _rms(values: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return values.square().mean().sqrt()


def _coordinate_rounding(points: Float[Tensor, "n d"]) -> float:
    """The relative error of any function by rounding of coordinates far from the origin."""
    span = points.amax(0) - points.amin(0)
    largest = points.abs().amax(0) / torch.where(span > 0, span, points.abs().amax(0) + 1)
    return COORDINATES * torch.finfo(points.dtype).eps * largest.max().item()


def _variation(values: Float[Tensor, "n k"]) -> float:
    """The largest ‖u‖ / ‖u − mean u‖ over the unknowns that vary."""
    size = values.square().mean(0).sqrt()
    spread = (values - values.mean(0)).square().mean(0).sqrt()
    varies = spread > torch.finfo(values.dtype).eps ** 0.5 * size
    return (size[varies] / spread[varies]).max().item() if bool(varies.any()) else 1.0


def _without_levels(
    values: Float[Tensor, "n k"], points: Float[Tensor, "n d"], levels: Mapping[int, int | None]
) -> Float[Tensor, "n k"]:
    """The values less their open part."""
    out = values.clone()
    for k, time in levels.items():
        columns = _level_functions(points, 1, {0: time})
        assert columns is not None
        out[:, k] -= columns @ (columns.T @ out[:, k])
    return out


def _level_functions(
    points: Float[Tensor, "p d"], unknowns: int, levels: Mapping[int, int | None]
) -> Float[Tensor, "q c"] | None:
    """Orthonormal columns that span the open constants, or polynomials in time."""
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
