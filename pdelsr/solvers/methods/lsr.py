"""Linearized Subspace Refinement, one shot (Cao and Zhang 2026, arXiv 2601.13989)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pdelsr.lstsq import LeastSquares
from pdelsr.resources.clock import Clock
from pdelsr.resources.pieces import is_out_of_memory
from pdelsr.solvers.refinement.memory.fitting import affordable
from pdelsr.solvers.refinement.rank_search import NO_TIME, limited
from pdelsr.solvers.refinement.refiner import Refiner
from pdelsr.solvers.refinement.refiner_options import FULL_LIMIT
from pdelsr.solvers.refinement.tangent_newton import Refinement
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.method import Method, State
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.interruption import INTERRUPTIONS, status_of
from pdelsr.solvers.state.settings import require_whole
from pdelsr.solvers.state.status import Status
from pdelsr.subspace import Basis


@dataclass(frozen=True)
class LSR(Method):
    """Linearize at θ0, solve the linear least-squares problem in V directly, keep the predictor.

        min_y ‖ f0 + G V y ‖ ,   u(x) = q(x; θ0) + J(x; θ0) V y

    On a fresh network the tangent space is a rich set of random features; their scale of weights is
    larger than is usual for training.

    Args:
        basis: "full", "output", "residual", "gaussian", "count_sketch", "coordinate", "last_layer"
            or a `Basis`; None for "full" on networks up to 5,000 parameters and "output" on larger
            ones.
        rank: r; None for all directions of "full" and "last_layer", and for a choice with the other
            bases: doubled from 250 as long as that halves the residual on held-out points.
        lstsq: "qr", "streaming-qr", "svd", "cholesky", "lsmr" or a `LeastSquares`.
        newton_steps: in the tangent space, for nonlinear problems; 1 is the published method.
        passes: number of refinements of the same network; each after the first uses points drawn
            where the residual of the best one so far is large, which helps with a kink or a layer.
            Points fixed by a rule or the user stay in place.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> u = pl.unknown("u", x)
        >>> problem = pl.Problem(
        ...     name="string",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(u.diff(x, 2), -sp.pi**2 * sp.sin(sp.pi * x))],
        ...     conditions=[pl.Dirichlet(u, 0)],
        ...     reference=sp.sin(sp.pi * x),
        ... )
        >>> method = pl.LSR(rank=100, basis="output", hidden=(24, 24), weight_scale=2)
        >>> solution = pl.solve(problem, method)  # or "lsr" with the same options
        >>> solution.rank, solution.error()["u"].relative_l2 < 1e-6
        (100, True)
    """

    basis: str | Basis | None = None
    rank: int | None = None
    lstsq: str | LeastSquares = "qr"
    newton_steps: int = 10
    passes: int = 1

    name = "lsr"
    tries_designs = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refiner()
        require_whole("passes", self.passes, 1)

    def refiner(self) -> Refiner:
        """The refinement with these options."""
        return Refiner(self.basis, self.rank, self.lstsq, self.newton_steps)

    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        return (48, 48)

    @property
    def default_scale(self) -> float:
        return 2.0

    def default_points(self, parameters: int) -> int:
        return 2 * min(self.rank or FULL_LIMIT, parameters)

    def bytes_needed(self, discretization: Discretization) -> int | float:
        return self.refiner().bytes_needed(discretization)

    def require_memory(self, discretization: Discretization) -> None:
        affordable(discretization, self.refiner(), 1.0)

    def init(self, context: Context) -> State:
        return State(0, Candidate.of_network(context.network), float("nan"), "start")

    def step(self, context: Context, state: State) -> State:
        norm = context.heldout_norm
        found, candidate = self._refined(context.discretization, context.clock, norm)
        known = found.report.effective_rank  # iterative solvers do not tell it
        enough = known is None or 2 * known >= found.report.rank
        done = Status.COMPLETED if enough else Status.RANK_DEFICIENT
        if found.report.solver_ended is not None:
            done = Status.MAX_ITERATIONS
        if not found.steps:
            done = Status.STAGNATED
        if found.report.limit == NO_TIME:
            done = Status.OUT_OF_TIME
        return State(
            state.iteration + 1,
            candidate,
            found.train,
            "refine",
            report=found.report,
            finished=found.stopped or done,
        )

    def _refined(
        self, discretization: Discretization, clock: Clock, norm: Callable[[Candidate], float]
    ) -> tuple[Refinement, Candidate]:
        """The pass with the smallest residual on held-out points, and its state."""
        refine, network = self.refiner(), discretization.network
        best = refine(discretization, clock)
        delta = best.delta if best.steps else None
        candidate = Candidate(network, network.get_vector(), delta)
        for _ in range(self.passes - 1):
            if best.stopped:
                break
            if clock.expired:
                return replace(best, stopped=Status.OUT_OF_TIME), candidate
            training = discretization.training
            try:
                adapt_to, rank = candidate.predictor(), best.report.rank
                found = refine(discretization, clock, adapt_to=adapt_to, rank=rank)
                other = replace(candidate, delta=found.delta)
                better = norm(other) < norm(candidate)
            except INTERRUPTIONS as interruption:
                discretization.take_up(training)
                return replace(best, stopped=status_of(interruption)), candidate
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                discretization.take_up(training)
                return limited(best, "no memory for another pass"), candidate
            if better:
                best, candidate = found, other
            else:
                discretization.take_up(training)
                best = replace(best, stopped=found.stopped)
        return best, candidate
