"""The base of a solution: values, derivatives, errors, and facts of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.compile import CompiledProblem
from pdelsr.declare import Problem
from pdelsr.linearize import Predictor, RefinedPredictor
from pdelsr.networks import Network
from pdelsr.resources.pieces import told_what_to_lower
from pdelsr.results.accuracy import (
    BlockResidual,
    UnknownError,
    errors_of,
    heldout_points,
    require_room_for_error,
)
from pdelsr.results.advice import advice
from pdelsr.results.derivative import read_derivative
from pdelsr.results.error_estimate import ErrorEstimate
from pdelsr.results.evaluation import BATCH, FEWER, entries_at
from pdelsr.results.given import Derivative, Positions
from pdelsr.results.points import Query, read_points
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.settings import RunSettings, require_seed, require_whole
from pdelsr.solvers.state.status import Status


@dataclass(frozen=True, eq=False, repr=False)
class BaseSolution:
    """Values, derivatives, errors and facts of a run, the input of texts, pictures and files.

    `Solution` documents the fields, and has the methods for texts, pictures and files.
    """

    problem: Problem
    compiled: CompiledProblem
    network: Network
    delta: Float[Tensor, " m"] | None
    method: Method
    settings: RunSettings
    status: Status
    blocks: Mapping[str, BlockResidual]
    history: Sequence[Record] = ()
    report: RankReport | None = None
    training: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    heldout: float = float("nan")
    heldout_start: float = float("nan")
    estimate: ErrorEstimate = field(default_factory=ErrorEstimate)
    ended: Status | None = None
    next_step: str | None = None
    error_history: Sequence[tuple[float, float]] = ()
    iterations: int = 0
    best_iteration: int = 0
    rounds: int = 0
    seconds: float = 0.0
    peak_memory_bytes: int = 0

    @property
    def predictor(self) -> Predictor:
        """Maps points (n, d) and an index set to the jet (A, n, k), as torch tensors."""
        network = self.network
        return network if self.delta is None else RefinedPredictor(network, self.delta)

    @property
    def candidate(self) -> Candidate:
        """θ and δ, from which another run can go on."""
        return Candidate(self.network, self.network.get_vector(), self.delta)

    @property
    def error_estimate(self) -> float | None:
        """The estimated relative L2 error, the largest over the unknowns.

        It is an absolute error if the solution is zero up to rounding, and None if no estimate can
        be trusted; `doubts` says why.
        """
        return self.estimate.value

    @property
    def estimate_is_reliable(self) -> bool:
        """Whether there is an estimate of the error, without doubts."""
        return self.estimate.value is not None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why there is no estimate of the error; empty if there is one."""
        return self.estimate.doubts

    @property
    def advice(self) -> str:
        """What to do next, for this problem."""
        hard = bool(self.compiled.exact) or bool(self.settings.hard)
        limited = self.settings.max_iterations is not None
        return advice(
            self.problem, self.method, self.status, self.ended, self.estimate, hard, limited
        )

    def predict(
        self, points: Positions | None = None, *, batch: int = BATCH, **columns: Positions
    ) -> Any:
        """The solution at points, or on arrays of coordinates.

        Args:
            points: array or tensor (n, d), columns in the order of `problem.coordinates`.
            batch: points per evaluation; fewer if memory runs out.
            **columns: instead of `points`, an array, tensor or number for each coordinate by its
                name, as in `predict(x=xs[:, None], t=ts[None, :])`; they broadcast together.

        Returns:
            Values of shape (n,), or of the shape to which the columns broadcast: a numpy array for
            numpy input, a tensor on the device of the input for torch. With several unknowns, a
            dictionary by the name of the unknown.

        Raises:
            SettingsError: a coordinate is missing or unknown, or a shape does not fit.
            MemoryLimitError: the answer does not fit into the free memory.
        """
        with told_what_to_lower(FEWER, self._like.device):
            query = read_points(points, columns, self.problem.coordinates, self._like)
            values = self._values(query, batch)
            if len(self.names) == 1:
                return query.answer(values[0])
            return {name: query.answer(v) for name, v in zip(self.names, values, strict=True)}

    def derivative(
        self,
        which: Derivative,
        points: Positions | None = None,
        *,
        batch: int = BATCH,
        **columns: Positions,
    ) -> Any:
        """A derivative of the solution, exact (by Taylor jets), up to order four.

        Args:
            which: its name, such as "u_x" or "u_xxt", or by sympy, such as `u.diff(x, 2)`.
            points: as in `predict`.
            batch: points per evaluation; fewer if memory runs out.
            **columns: as in `predict`.

        Returns:
            An array or tensor as `predict` gives it.

        Raises:
            SettingsError: no such derivative, or the points do not fit.
            MemoryLimitError: the answer does not fit into the free memory.
        """
        entry = read_derivative(which, self.problem.unknowns, self.problem.coordinates)
        with told_what_to_lower(FEWER, self._like.device):
            query = read_points(points, columns, self.problem.coordinates, self._like)
            values = self._entries(query, entry.index, [entry.component], batch)
            return query.answer(values[0])

    def error(self, n: int = 10_000, seed: int = 0) -> dict[str, UnknownError]:
        """Relative L2 and largest error of each unknown on points inside the domain.

        A part that the equations leave open, a constant or a function of time, does not count: it
        is removed from both before they are compared.

        Args:
            n: number of points, none of them a training point.
            seed: for the points.

        Raises:
            ProblemError: the problem has no reference.
            SettingsError: n or seed is not a whole number, or out of range.
            MemoryLimitError: this many points do not fit into the free memory.
        """
        require_whole("n", n, 1)
        require_seed(seed)
        require_room_for_error(self.problem, n)
        with told_what_to_lower("lower n", self._like.device):
            points = heldout_points(self.problem, n, seed)
            reference = self.problem.reference_values(points)
            query = read_points(points, {}, self.problem.coordinates, self._like)
            values = self._values(query, BATCH).cpu().numpy()
            return errors_of(self.problem, points, values.T, reference)

    @cached_property
    def errors(self) -> dict[str, UnknownError]:
        """`error()` with its defaults, computed once; empty without a reference."""
        return {} if self.problem.reference is None else self.error()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the unknowns, in the order of the network's outputs."""
        return tuple(u.name for u in self.problem.unknowns)

    @property
    def rank(self) -> int | None:
        """r, directions of the refinement; None if there was none."""
        return self.report.rank if self.report else None

    @property
    def effective_rank(self) -> int | None:
        """Directions above rounding; this, not r, is the capacity of the tangent space."""
        return self.report.effective_rank if self.report else None

    @property
    def condition(self) -> float | None:
        """Condition number of the column-equilibrated reduced system, with its damping.

        From 801 directions on it is an estimate, like the singular values.
        """
        return self.report.condition if self.report else None

    @property
    def singular_values(self) -> Float[np.ndarray, " s"] | None:
        """Singular values of the column-equilibrated reduced system with damping, in falling order.

        From 801 directions on, QR estimates them, each within a small factor.
        """
        return self.report.singular_values.cpu().numpy() if self.report else None

    @property
    def parameters(self) -> int:
        """m, trainable parameters of the network."""
        return self.network.parameter_count

    @property
    def points(self) -> dict[str, int]:
        """Training points of each block."""
        return {name: sites[0].shape[0] for name, sites in self.training.items()}

    @property
    def _value_index(self) -> tuple[int, ...]:
        return (0,) * self.problem.domain.dim

    @property
    def _like(self) -> Tensor:
        dtype, device = self.settings.dtype, self.settings.device
        assert isinstance(dtype, torch.dtype)
        return torch.empty(0, dtype=dtype, device=device)

    def _values(self, query: Query, batch: int) -> Tensor:
        """Every unknown, (k, n)."""
        return self._entries(query, self._value_index, range(len(self.names)), batch)

    def _entries(
        self, query: Query, index: tuple[int, ...], components: Sequence[int], batch: int
    ) -> Tensor:
        """∂^α of some unknowns, (c, n)."""
        return entries_at(self.predictor, query, index, components, batch, self.parameters)
