"""The fit of a module to its data: directions, Newton steps, and the choice of the rank."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.linearize import Columns, Directions, Identity
from pdelsr.lstsq import NotFiniteError, Spectrum
from pdelsr.lstsq.base import Ended
from pdelsr.lstsq.nested import Nested
from pdelsr.regression.data import Batch, Data, over_pieces
from pdelsr.regression.data_problem import DataPlace, DataProblem
from pdelsr.regression.data_rows import DataRows
from pdelsr.regression.memory import fits
from pdelsr.regression.model import Model
from pdelsr.regression.parts import Parts
from pdelsr.regression.products import JacobianTimes
from pdelsr.regression.ranks import geometric
from pdelsr.regression.refined import RankScore, RefinedModule, SmallerRanks
from pdelsr.regression.separable import SeparableTimes, is_separable
from pdelsr.regression.task import Task
from pdelsr.resources.clock import Clock
from pdelsr.solvers.refinement.newton import Leading, Linearization, NewtonSearch, Observer
from pdelsr.solvers.refinement.rank_search import NO_MEMORY, Ranked, RankSearch
from pdelsr.solvers.refinement.reduced import Place
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.refinement.tangent_newton import Refinement
from pdelsr.subspace.base import built, width_of

logger: logging.Logger = logging.getLogger(__name__)

RANKS = 24  # that are compared on held-out data, in geometric progression
DAMPINGS = tuple(10 ** (-i / 2) for i in range(2, 17))  # λ that are compared there as well,
DAMPED_PARTS = (1, 2, 4)  # in all directions, and in the leading half and quarter
NEGLIGIBLE = 1e-3  # part of the residual that components need not show
MOST_ENTRIES = 4096  # numbers of a residual whose components are taken
FIRST_DATA_RANK = 32  # of a rank that is doubled: few, since data are noisy
NONE_BETTER = "no rank is better on held-out data"
SURE = 2.0  # standard errors that a refinement must gain on held-out data


@dataclass(frozen=True)
class Directed:
    """A problem on data in the directions of a basis.

    Args:
        problem: F(q + J V y).
        V: the directions among the parameters that may move.
        values: singular values that they were built from; None where they were not.
    """

    problem: DataProblem
    V: Directions
    values: Float[Tensor, " r"] | None

    @classmethod
    def of(cls, task: Task, parts: Parts, rank: int) -> Directed:
        """That many directions for a task."""
        model, values = task.model, None
        V: Directions = Identity(model.size)
        if rank < model.size:
            found = built(parts.basis, DataRows(task, parts.budget), rank, parts.generator)
            V, values = found.directions, found.singular_values
        if isinstance(V, Columns):  # a smaller map, whose δ has r entries
            order = torch.randperm(len(V.index), generator=parts.generator, device="cpu")
            model = model.moving(V.index[order.to(V.index.device)])
            V = Identity(model.size)
        task, times = replace(task, model=model), products(model, V, parts)
        most = parts.solver.most_rows
        modes = None if most is None or task.rows <= most else components(task, most)
        return cls(DataProblem(task, times, modes), V, values)

    def smaller_ranks(self, leading: Leading) -> SmallerRanks:
        """The refinements in the leading directions."""
        task = self.problem.task
        return SmallerRanks(
            self.V,
            self.values,
            leading,
            task.residual,
            task.total,
            task.given.module,
            task.model.module,
            task.data.smoothing,
        )


class Fit(Observer):
    """A task in directions of a basis, fitted.

    Args:
        task: module, data and residual.
        parts: of the fit.
        rank: r.
    """

    def __init__(self, task: Task, parts: Parts, rank: int) -> None:
        self.directed: Directed = Directed.of(task, parts, rank)
        self.parts = parts
        self.spectrum: Spectrum | None = None

    @property
    def problem(self) -> DataProblem:
        """F(q + J V y)."""
        return self.directed.problem

    def search(self, place: Place | None = None) -> NewtonSearch:
        """A search that begins at a place, by default at the module as it is."""
        begin = place or self.problem.at(self.problem.zeros())
        return NewtonSearch(self.problem, self.parts.solver, begin, self)

    @property
    def steps(self) -> int:
        """The largest number of linearizations."""
        return 1 if self.problem.is_linear else self.parts.newton_steps

    def given(self) -> RefinedModule:
        """The refinement at the rank of the directions, or the module itself if that is better."""
        search = self.search()
        before = self.unrefined(self.problem.task.data, search.place)
        search.run(self.steps)
        self.require_solved(search)
        size, r = search.place.size, self.problem.rank
        length = torch.linalg.vector_norm(search.place.y).item()
        damping = 0.0 if search.solved is None else search.solved.damping
        scores = [
            RankScore(0, before, math.nan, 0.0),
            RankScore(r, size, math.nan, length, damping),
        ]
        better = size < before
        status = "given" if better else self._failure(search)
        return self.refined(search, r if better else 0, scores, status)

    def unrefined(self, data: Data, place: Place) -> float:
        """The residual of the module itself, on its inputs as they are."""
        if self.problem.task.is_changed:
            return unrefined_size(self.problem.task, data)
        if data is self.problem.task.data:
            return place.size
        return self.problem.sizes(data, place.y[:, None])[0]

    def _failure(self, search: NewtonSearch) -> str:
        """Why a refinement is not better than the module."""
        ended = Ended.SOLVED if search.solved is None else search.solved.status
        if ended is not Ended.SOLVED:
            return f"the solution does not lower the residual: {ended.value}"
        return f"rank {self.problem.rank} does not lower the residual: try a smaller one"

    def require_solved(self, search: NewtonSearch) -> None:
        """Refuse a module of which not even the first linear problem is finite.

        Raises:
            SettingsError: the message says what to look for.
        """
        if search.solved is None:
            raise self.not_finite

    @property
    def not_finite(self) -> SettingsError:
        """The refusal of derivatives that are not finite."""
        name = type(self.problem.task.model.module).__name__
        return SettingsError(
            f"the derivatives of {name} or of the residual are not finite on the data: check the "
            "module there, as sqrt has none at 0."
        )

    def refined(
        self, search: NewtonSearch, k: int, scores: list[RankScore], status: str
    ) -> RefinedModule:
        """The module that a search found."""
        found = search.leading
        smaller = None if found is None else self.directed.smaller_ranks(found)
        damping = 0.0 if search.solved is None else search.solved.damping
        return self.module(search.place.y, k, smaller, scores, status, damping)

    def module(
        self,
        y: Float[Tensor, " r"],
        k: int,
        smaller: SmallerRanks | None,
        scores: list[RankScore],
        status: str,
        damping: float = 0.0,
    ) -> RefinedModule:
        """The module with these reduced unknowns; unchanged if k is 0."""
        model = self.problem.task.model
        if not k:
            model = model.inside(self.problem.task.given.module)
        logger.info("%s at rank %d: %s", type(model.module).__name__, k, status)
        delta = self.directed.V.lift(y if k else torch.zeros_like(y))
        return RefinedModule(
            model,
            delta,
            k,
            smaller,
            scores,
            status,
            self.spectrum,
            damping if k else 0.0,
            self.problem.task.data.smoothing if k else None,
            self.problem.modes if k else None,
        )

    def ended(self, now: Linearization, place: Place, converged: bool) -> None:
        """Keep the singular values, unless they are those of the leading directions."""
        if self.parts.solver.leading(now.state) is None:
            self.spectrum = self.parts.solver.spectrum(now.state)


class Fits(Ranked):
    """Fits of one task, at one rank after another.

    Args:
        task: module, data and residual.
        parts: of the fits.
        held: held-out data.
        most: the largest rank, of a basis whose rank is open.
    """

    keeps_interrupted = False  # there is no clock, and Ctrl-C ends the program as elsewhere

    def __init__(self, task: Task, parts: Parts, held: Data, most: int) -> None:
        self.task, self.parts, self.held = task, parts, held
        self._width: int | None = width_of(parts.basis, task.model.module)
        self._most: int = self._width or most
        self.made: dict[int, Fit] = {}
        self.scores: list[RankScore] = []

    @property
    def first(self) -> int:
        return self._width or min(FIRST_DATA_RANK, self._most)

    @property
    def most(self) -> int:
        return self._most

    def at_rank(self, rank: int) -> Refinement:
        fit = Fit(self.task, self.parts, rank)
        search = fit.search()
        if not self.scores:
            train, none = (fit.unrefined(d, search.place) for d in (self.task.data, self.held))
            self.scores.append(RankScore(0, train, none, 0.0))
        search.run(fit.steps)
        fit.require_solved(search)
        self.made[fit.problem.rank] = fit
        y, size = search.place.y, search.place.size
        told = fit.spectrum
        effective = search.rough_rank if told is None else told.effective_rank
        report = RankReport(fit.problem.rank, effective, None, y.new_zeros(0), y=y)
        return Refinement(fit.directed.V.lift(y), size, search.taken, report)

    def heldout_size(self, found: Refinement) -> float:
        y, r = found.report.y, found.report.rank
        assert y is not None
        size = self.made[r].problem.sizes(self.held, y[:, None])[0]
        length = torch.linalg.vector_norm(y).item()
        self.scores.append(RankScore(r, found.train, size, length))
        return size

    def fits(self, rank: int) -> bool:
        return fits(self.task, self.parts, rank)


def chosen(task: Task, parts: Parts, held: Data, most: int) -> RefinedModule:
    """The refinement at the rank that held-out data favour, which may be 0.

    If the solver gives the solutions in all leading directions, or a path of them, they are
    compared with each other; otherwise the rank is doubled as long as that
    pays.

    Args:
        task: module, data and residual.
        parts: of the fit.
        held: held-out data.
        most: the largest rank that is compared.
    """
    if parts.solver.keeps_leading:
        return leading_chosen(Fit(task, parts, most), held)
    if parts.solver.has_path:
        return best_on_path(Fit(task, parts, most), held)
    tried = Fits(task, parts, held, most)
    best = RankSearch(tried, Clock()).run().report
    fit, y = tried.made[best.rank], best.y
    assert y is not None
    if surely_better(fit.problem, held, y):
        status = why(best.rank, tried.scores)
        if best.limit == NO_MEMORY:
            status = f"{status}; {best.limit}"
        return fit.module(y, best.rank, None, tried.scores, status)
    return fit.module(torch.zeros_like(y), 0, None, tried.scores, why(0, tried.scores))


def leading_chosen(fit: Fit, held: Data) -> RefinedModule:
    """The best rank and damping of one linearization on held-out data; further steps at that rank.

    A rank cuts directions off, a damping shrinks those that the data hardly determine. Either may
    be better, so both are compared.
    """
    problem = fit.problem
    zeros, task = problem.zeros(), problem.task
    search = fit.search(DataPlace(zeros, math.nan, problem))
    now = search.linearized()
    nested = None if now is None else fit.parts.solver.leading(now.state)
    fit.require_solved(search)
    assert nested is not None
    tried = [(k, 0.0) for k in (0, *geometric(problem.rank, RANKS))]
    Y = torch.stack([nested.padded(k) if k else zeros for k, _ in tried], dim=1)
    if fit.steps == 1:  # further steps go on from a rank
        widths = sorted({max(1, problem.rank // part) for part in DAMPED_PARTS})
        tried += [(k, damping) for k in widths for damping in DAMPINGS]
        Y = torch.cat([Y, *(nested.damped(k, DAMPINGS) for k in widths)], dim=1)
    train, validation = fitted_sizes(problem, nested, Y), problem.sizes(held, Y)
    if task.is_changed:
        train[0], validation[0] = (unrefined_size(task, data) for data in (task.data, held))
    scores = [
        RankScore(k, a, b, torch.linalg.vector_norm(y).item(), damping)
        for (k, damping), a, b, y in zip(tried, train, validation, Y.T, strict=True)
    ]
    best = min(scores, key=lambda s: s.validation if math.isfinite(s.validation) else math.inf)
    y = Y[:, scores.index(best)]
    if not surely_better(problem, held, y):
        best, y = scores[0], zeros
    k = best.rank
    status = why(k, scores)
    if k and fit.steps > 1:
        narrow = DataProblem(task, problem.times.narrowed(k))
        further = NewtonSearch(narrow, fit.parts.solver, narrow.at(y[:k]))
        further.run(fit.steps - 1)
        found = further.place.y
        size = narrow.sizes(held, found[:, None])[0]
        if size < best.validation:
            y = torch.nn.functional.pad(found, (0, problem.rank - k))
            scores.append(RankScore(k, math.nan, size, torch.linalg.vector_norm(y).item()))
    smaller = fit.directed.smaller_ranks(Leading(nested, torch.zeros_like(y), 1.0))
    return fit.module(y, k, smaller, scores, status, best.damping)


def best_on_path(fit: Fit, held: Data) -> RefinedModule:
    """The solution that held-out data favour among those that fit closer and closer.

    The search ends when several in a row have gained nothing on the best one before. For iterations
    the rank of the result is their number, since it is the dimension of the Krylov space.
    """
    problem, solver = fit.problem, fit.parts.solver
    task, zeros = problem.task, problem.zeros()
    train, validation = (unrefined_size(task, data) for data in (task.data, held))
    scores, best, y = [RankScore(0, train, validation, 0.0)], None, zeros
    behind = 0
    try:
        for found in solver.path(solver.init(problem.at(zeros).system())):
            Y = found.solution[:, None]
            train, validation = problem.sizes(task.data, Y)[0], problem.sizes(held, Y)[0]
            length = torch.linalg.vector_norm(found.solution).item()
            scores.append(RankScore(found.rank, train, validation, length, found.damping))
            behind += 1
            if best is None or scores[-1].validation < best.validation:
                best, y, behind = scores[-1], found.solution.clone(), 0
            if behind == solver.patience:
                break
    except NotFiniteError:
        raise fit.not_finite from None
    if best is None or not surely_better(problem, held, y):
        best, y = scores[0], zeros
    status = why(best.rank, scores)
    return fit.module(y, best.rank, None, scores, status, best.damping)


def components(task: Task, most: int) -> Float[Tensor, "p j"]:
    """The leading principal components of F over its entries, as many as `most` rows allow.

    Components are left out as soon as the rest is below `NEGLIGIBLE` of the root mean square of F.

    Raises:
        SettingsError: there are more samples than rows allowed, or too many entries.
    """
    count, p = most // task.samples, task.entries
    if not task.residual.is_linear:
        raise SettingsError(
            f"a residual of your own with {task.rows:,} rows is too long for a kernel, which takes "
            f"{most:,}: give fewer samples, or take lstsq='lsqr'."
        )
    if not count or p > MOST_ENTRIES:
        what = f"{task.samples:,} samples" if not count else f"{p:,} numbers a sample"
        raise SettingsError(
            f"{what} are too many for a kernel, which takes {most:,} rows: give fewer samples, or "
            "take lstsq='lsqr'."
        )
    gram = torch.zeros(p, p, dtype=torch.float64)

    def squares(batch: Batch) -> Tensor:
        F = task.residual(task.model(batch.inputs), batch.targets).double()
        return (F.T @ F).cpu()

    for batch in task.display.over("components", task.data, task.samples):
        for _, found in over_pieces(batch, squares):
            gram += found
    values, vectors = torch.linalg.eigh(gram)
    rest = values.clamp_min(0).cumsum(0)  # in rising order
    needed = int((rest > NEGLIGIBLE**2 * rest[-1]).sum())
    logger.info("%d of %d components of the residual", min(count, needed), p)
    return vectors[:, p - min(count, max(1, needed)) :].flip(1).to(task.model.like).contiguous()


def fitted_sizes(problem: DataProblem, nested: Nested, Y: Float[Tensor, "r c"]) -> list[float]:
    """Residual norms on the data of the fit; the triangle knows them if F is linear in q."""
    if not problem.is_linear:
        return problem.sizes(problem.task.data, Y)
    return [math.sqrt(nested.squares(y) / problem.task.total) for y in Y.T]


def unrefined_size(task: Task, data: Data) -> float:
    """Root mean square over the samples of ‖F‖ of the module on the inputs as they are."""

    def squares(batch: Batch) -> float:
        return task.residual(task.given(batch.given), batch.targets).square().sum().item()

    def local() -> tuple[float, int]:
        total, count = 0.0, 0
        for batch in task.display.over("residuals", data):
            for length, found in over_pieces(batch, squares):
                total += found
                count += length
        return total, count

    total, count = task.group.together(local)
    whole = task.group.sum(torch.tensor(total, dtype=torch.float64, device="cpu")).item()
    return math.sqrt(whole / sum(task.group.counts(count)))


def why(k: int, scores: list[RankScore]) -> str:
    """Why held-out data favour rank k."""
    if k:
        return "best on held-out data"
    some = any(score.validation < scores[0].validation for score in scores)
    return "no rank is surely better on held-out data" if some else NONE_BETTER


def surely_better(problem: DataProblem, held: Data, y: Float[Tensor, " r"]) -> bool:
    """Whether ‖F‖² falls over the held-out samples, and by no accident.

    The best of many ranks always seems better than none on noisy data. So ‖F‖² or ‖F‖ must fall by
    more than two standard errors; a few samples with large residuals hide the former.
    """
    if not y.any():
        return False
    task = problem.task

    def gains(batch: Batch) -> Float[Tensor, "2 n"]:
        q, refined = task.given(batch.given), problem.predicted(batch, y[:, None])[..., 0]
        before, after = (
            torch.linalg.vector_norm(task.residual(u, batch.targets).double(), dim=1)
            for u in (q, refined)
        )
        return torch.stack([before**2 - after**2, before - after])

    def local() -> Tensor:
        batches = task.display.over("comparison", held)
        return torch.cat([g for batch in batches for _, g in over_pieces(batch, gains)], dim=1)

    found = task.group.together(local)
    count = sum(task.group.counts(found.shape[1]))
    mean = task.group.sum(found.sum(dim=1)) / count
    squares = task.group.sum((found - mean[:, None]).square().sum(dim=1))
    deviation = (squares / count).sqrt() / math.sqrt(max(count - 1, 1))
    return bool(mean[0] > 0 and (mean > SURE * deviation).any())


def products(model: Model, V: Directions, parts: Parts) -> JacobianTimes:
    """J V, formed the way that the user chose, or the fastest way.

    Raises:
        SettingsError: the module has no such way.
    """
    kind, way = type(model.module), parts.products
    if is_separable(model.module) and way in ("auto", "separable"):
        return SeparableTimes(model, V, parts.probe, parts.budget)
    if way == "separable":
        raise SettingsError(
            f"products='separable' needs a Separable module with its own forward and no hooks, and "
            f"{kind.__name__} is none: leave it out, or derive the module from "
            "pdelsr.operators.Separable."
        )
    return JacobianTimes(model, V, way, parts.probe, parts.budget)
