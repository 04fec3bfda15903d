"""Linearized Subspace Refinement, one shot (Cao and Zhang 2026, arXiv 2601.13989)."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.linearize import Predictor
from pdelsr.lstsq import LeastSquares, solver_named
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import Context
from pdelsr.solvers.method import Method, State
from pdelsr.solvers.settings import require_whole
from pdelsr.solvers.status import Status
from pdelsr.solvers.tangent_newton import Refinement, refine_in_subspace, with_basis_values
from pdelsr.subspace import Basis, basis_named

FULL_LIMIT = 5000  # parameters up to which the whole tangent space is the default basis


@dataclass(frozen=True)
class Refiner:
    """The parts of a refinement: subspace, least squares, Newton steps.

    Args:
        basis: recipe for V, or its name; None for all parameters of a small network, and for the
            randomized SVD of the output Jacobian of a large one.
        rank: r; None for what the basis gives.
        lstsq: solver of the reduced problem, or its name.
        newton_steps: in the tangent space; 1 is the published method.
    """

    basis: str | Basis | None = None
    rank: int | None = None
    lstsq: str | LeastSquares = "qr"
    newton_steps: int = 5

    def __post_init__(self) -> None:
        if self.basis is not None:
            basis_named(self.basis)
        solver_named(self.lstsq)
        require_whole("newton_steps", self.newton_steps, 1)
        if self.rank is not None:
            require_whole("rank", self.rank, 1)

    def __call__(
        self, context: Context, factor: int | float = 1.0, adapt_to: Predictor | None = None
    ) -> Refinement:
        """Refine the network of the context on fresh points."""
        residual = context.fresh_residual(factor, adapt_to)
        parameters = context.network.parameter_count
        basis = self.basis or ("full" if parameters <= FULL_LIMIT else "output")
        subspace = basis_named(basis).build(residual, self.rank, context.generator)
        refinement = refine_in_subspace(
            residual,
            subspace.directions,
            solver_named(self.lstsq),
            self.newton_steps,
            lambda: context.clock.expired,
        )
        return with_basis_values(refinement, subspace.singular_values)


@dataclass(frozen=True)
class LSR(Method):
    """Linearize at θ0, solve the linear least-squares problem in V directly, keep the predictor.

        min_y ‖ f0 + G V y ‖ ,   u(x) = q(x; θ0) + J(x; θ0) V y

    On a fresh network the tangent space is a rich set of random features, whose weights scale is
    larger than training would like.

    Args:
        basis: "full", "output", "residual", "gaussian", "coordinate", "last_layer" or a `Basis`;
            None for "full" on networks up to 5,000 parameters and "output" on larger ones.
        rank: r; None for all that the basis gives (at most 1000 for the randomized ones).
        lstsq: "qr", "svd", "cholesky", "lsmr" or a `LeastSquares`.
        newton_steps: in the tangent space, for nonlinear problems; 1 is the published method.
    """

    basis: str | Basis | None = None
    rank: int | None = None
    lstsq: str | LeastSquares = "qr"
    newton_steps: int = 10

    name = "lsr"
    tries_designs = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refiner()

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

    def init(self, context: Context) -> State:
        return State(0, Candidate.of_network(context.network), float("nan"), "start")

    def step(self, context: Context, state: State) -> State:
        found = self.refiner()(context)
        enough = 2 * found.report.effective_rank >= found.report.rank
        return State(
            state.iteration + 1,
            Candidate(context.network, context.network.get_vector(), found.delta),
            found.train,
            "refine",
            report=found.report,
            finished=Status.COMPLETED if enough else Status.RANK_DEFICIENT,
        )
