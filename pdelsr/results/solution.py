"""What comes back from `solve`: a predictor, and an honest statement of how good it is."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.compile import CompiledProblem
from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.files import read_path, write_whole
from pdelsr.linearize import Predictor, RefinedPredictor
from pdelsr.linearize.halving import told_what_to_lower
from pdelsr.networks import Network
from pdelsr.results.accuracy import (
    BlockResidual,
    UnknownError,
    errors_of,
    heldout_points,
    require_room_for_error,
)
from pdelsr.results.advice import advice
from pdelsr.results.dataset import dataset
from pdelsr.results.derivative import read_derivative
from pdelsr.results.estimate import ErrorEstimate
from pdelsr.results.evaluation import BATCH, FEWER, entries_at
from pdelsr.results.export import export
from pdelsr.results.module import SolutionModule, plain_module
from pdelsr.results.points import Query, read_points
from pdelsr.results.record import json_text, record
from pdelsr.results.summary import summary_text
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.history import Record
from pdelsr.solvers.method import Method
from pdelsr.solvers.report import RankReport
from pdelsr.solvers.settings import RunSettings, require_seed, require_whole
from pdelsr.solvers.status import Status


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """The best state of a run: u(x) = q(x; θ) + J(x; θ) δ, with all its derivatives.

    Args:
        problem: what was solved.
        compiled: its blocks, and the forms of hard conditions.
        network: q at θ, with hard conditions around it. It must not be trained further.
        delta: δ = V y, (m,), of the refinement; None where the network itself was best.
        method: with its options.
        settings: options that every method shares, with the choices that were made.
        status: how the run ended; `advice` says what to do next.
        blocks: training and held-out residual of each block.
        history: what the run did, iteration by iteration.
        report: the reduced system of the refinement; None where there was none.
        training: points that the solution was fitted to, a tensor a site of each block.
        weights: factors w_b on the blocks in ‖f‖² = Σ_b w_b mean(F_b²).
        heldout: norm of the weighted stacked residual on held-out points.
        heldout_start: the same before the run, or before the refinement that it went on from; of
            the first network, where such runs had the same weights.
        estimate: of the relative L2 error, with its bounds and with what speaks against it.
        ended: why the run stopped, where `status` tells more than that.
        next_step: what would have come next, and how long it takes, where the time was up.
        error_history: (seconds, relative L2 error) of the best state after every outer iteration,
            the largest error over the unknowns; empty unless `solve(track_errors=True)`.
        iterations: outer iterations that the run took.
        best_iteration: the one that found this state; 0 for the start of the run.
        rounds: sets of points drawn so far, from which `solve(start=...)` goes on.
        seconds: wall-clock time.
        peak_memory_bytes: of the process so far on the CPU, of the run on a GPU.

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
        >>> solution = pl.solve(problem, "lsr", hidden=(16, 16), weight_scale=2)
        >>> print(*solution.predict(x=[0.0, 0.5, 1.0]).round(6) + 0.0)
        0.0 1.0 0.0
        >>> print(f"{solution.derivative('u_x', x=0.0):.6f}")
        3.141593
        >>> solution.error()["u"].relative_l2 < 1e-8
        True
        >>> solution.blocks["equation"].heldout_rms < 1e-6
        True
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
        """θ and δ, from which another run can start."""
        return Candidate(self.network, self.network.get_vector(), self.delta)

    @property
    def error_estimate(self) -> float | None:
        """Relative L2 error, estimated, the largest over the unknowns.

        Where the solution is zero up to rounding, the error itself. None where no estimate can be
        trusted; `doubts` says why.
        """
        return self.estimate.value

    @property
    def estimate_is_reliable(self) -> bool:
        """Whether there is an estimate of the error that nothing speaks against."""
        return self.estimate.value is not None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why there is no estimate of the error; empty where there is one."""
        return self.estimate.doubts

    @property
    def advice(self) -> str:
        """What to do next, for this problem."""
        hard = bool(self.compiled.exact) or bool(self.settings.hard)
        limited = self.settings.max_iterations is not None
        return advice(
            self.problem, self.method, self.status, self.ended, self.estimate, hard, limited
        )

    @property
    def unrefined(self) -> Solution:
        """The network at its θ without δ, whose residuals are not measured."""
        satisfied = self.status in (Status.CONVERGED, Status.PRECISION_LIMITED)
        return replace(
            self,
            status=Status.COMPLETED if satisfied else self.status,
            delta=None,
            report=None,
            estimate=ErrorEstimate(doubts=("nothing was refined",)),
            blocks={},
            heldout=float("nan"),
            history=(),
            error_history=(),
        )

    def predict(self, points: Any = None, *, batch: int = BATCH, **columns: Any) -> Any:
        """The solution at points, or on arrays of coordinates.

        Args:
            points: array or tensor (n, d), columns in the order of `problem.coordinates`.
            batch: points that are evaluated at once, fewer where memory runs out.
            **columns: instead of `points`, an array, tensor or number for each coordinate by its
                name, as in `predict(x=xs[:, None], t=ts[None, :])`; they broadcast together.

        Returns:
            Values of shape (n,), or of the shape to which the columns broadcast: a numpy array
            for numpy input, a tensor on the device of the input for torch. With several unknowns
            a dictionary of these by the name of the unknown.

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
        self, which: Any, points: Any = None, *, batch: int = BATCH, **columns: Any
    ) -> Any:
        """A derivative of the solution, exact (by Taylor jets), up to order four.

        Args:
            which: its name, such as "u_x" or "u_xxt", or by sympy, such as `u.diff(x, 2)`.
            points: as in `predict`.
            batch: points that are evaluated at once, fewer where memory runs out.
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

        What the equations leave open of an unknown, a constant or a function of time, does not
        count: both are compared without their own.

        Args:
            n: number of points; none of them was trained on.
            seed: of the points.

        Raises:
            ProblemError: the problem has no reference.
            SettingsError: n or seed is no whole number, or out of range.
            MemoryLimitError: so many points do not fit into the free memory.
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
        """`error()` with its defaults, computed once; empty where there is no reference."""
        return {} if self.problem.reference is None else self.error()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the unknowns, in the order of the network's outputs."""
        return tuple(u.name for u in self.problem.unknowns)

    @property
    def rank(self) -> int | None:
        """r, directions of the refinement; None where there was none."""
        return self.report.rank if self.report else None

    @property
    def effective_rank(self) -> int | None:
        """Directions above rounding; this, not r, is the capacity of the tangent space."""
        return self.report.effective_rank if self.report else None

    @property
    def condition(self) -> float | None:
        """Condition number of the column-equilibrated reduced system, with its damping.

        As the singular values, it is an estimate from 801 directions on.
        """
        return self.report.condition if self.report else None

    @property
    def singular_values(self) -> Float[np.ndarray, " s"] | None:
        """Of the column-equilibrated reduced system with its damping, in falling order.

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

    def summary(self, color: bool = False) -> str:
        """Tables for the terminal: errors, residuals, and what it took.

        Args:
            color: with the codes of a color terminal.
        """
        return summary_text(self, color)

    def to_json(self, path: str | Path | None = None) -> str:
        """The result as JSON; what is unknown or not finite is null.

        Args:
            path: also write it there.

        Raises:
            SettingsError: the file cannot be written.
        """
        text = json_text(record(self))
        if path is not None:
            path = read_path(path)
            try:
                write_whole(path, text + "\n")
            except (OSError, ValueError) as error:  # the latter of a path with a null byte
                why = getattr(error, "strerror", None) or error
                raise SettingsError(
                    f"{path} cannot be written: {why}; give another path."
                ) from error
        return text

    def plot(
        self,
        path: str | Path | None = None,
        what: str = "all",
        dpi: int = 150,
        *,
        at: Mapping[Any, Any] | None = None,
    ) -> Any:
        """A figure of the fields, their errors, the residuals and the singular values.

        One coordinate gives curves, space and time or two coordinates maps, a plane that moves
        maps at several times, more coordinates slices through the middle.

        Args:
            path: also write it there; the ending chooses the format.
            what: "all", "fields", "error" of the fields, "residuals" of the equations,
                "history", or "spectrum" of the reduced system.
            dpi: dots an inch of the file.
            at: coordinates to hold, by name, as in `{"z": 0.3}`; one of them may have a list of
                values, as in `{"t": [0, 0.1, 1]}`. What is left is drawn as a curve or as a map.

        Returns:
            A `matplotlib.figure.Figure`.

        Raises:
            SettingsError: `what` or `at` is something else, there is nothing of it to draw, or
                the file cannot be written.
        """
        # Delayed: matplotlib is slow to load, and most runs draw nothing.
        return import_module("pdelsr.results.plot").draw(self, path, what, at, dpi)

    def animate(
        self,
        path: str | Path,
        frames: int = 50,
        fps: int = 10,
        *,
        at: Mapping[Any, Any] | None = None,
        dpi: int = 100,
    ) -> Path:
        """Write a movie of the fields and their errors in time, on scales that stay the same.

        Args:
            path: ends in ".gif", or in ".mp4", for which the program ffmpeg is needed.
            frames: times, from the initial to the final one.
            fps: frames a second, at most 60, or 50 in a GIF, which counts hundredths of a second.
            at: coordinates of space to hold, as in `plot`.
            dpi: dots an inch.

        Returns:
            The path.

        Raises:
            SettingsError: the problem has no time, a value does not fit, or the file cannot be
                written.
        """
        return import_module("pdelsr.results.plot").animate(self, path, frames, fps, at, dpi)

    def save(self, path: str | Path) -> None:
        """Write everything needed to predict and to go on; `pdelsr.load` reads it.

        The file is written beside its final place and then moved, so that an interrupted save
        leaves an older file as it was.

        Args:
            path: file to write, by custom ending in ".safetensors".

        Raises:
            SettingsError: the path is none.
            FileFormatError: the path is a folder, or it cannot be written.
        """
        import_module("pdelsr.results.storage").save(self, path)

    def __reduce__(self) -> Any:
        """Pickled as its file, with the problem and a network of the user's beside it.

        Raises:
            SettingsError: pickle cannot take a function of the problem, or of the network.
        """
        return import_module("pdelsr.results.storage").reduced(self)

    def __deepcopy__(self, memo: Any) -> Solution:
        """A solution of the same problem, which nobody changes, with a network of its own."""
        return replace(self, network=copy.deepcopy(self.network, memo))

    def __copy__(self) -> Solution:
        """A solution on the same network."""
        return replace(self)

    def to_xarray(
        self,
        n: int | Mapping[str, int] | None = None,
        *,
        derivatives: str | sp.Basic | Iterable[Any] = (),
        reference: bool = True,
        **coordinates: Any,
    ) -> Any:
        """The solution on a regular grid over the domain, as an `xarray.Dataset`.

        Variables are the unknowns by name, "u_x" for derivatives, and "u_reference" and "u_error"
        (u − u_reference, less what the equations leave open) where the problem has a reference.
        Outside the domain they are NaN, and these two also where the reference has no value.
        Attributes tell problem, method, status, held-out residual, version and equations.

        Args:
            n: grid points along each coordinate, or by its name; by default 501, 201, 61, 21 or
                11 for one to five that vary.
            derivatives: one or several, by name or by sympy, as in `derivative`.
            reference: with reference and error, where there is one.
            **coordinates: instead, positions along a coordinate by its name, or a number, which
                holds it: `to_xarray(t=0.5)`.

        Raises:
            MissingPackageError: xarray is not installed.
            SettingsError: an unknown coordinate or derivative, or a grid that is too large.

        Example:
            >>> import sympy as sp
            >>> import pdelsr as pl
            >>> x = pl.coordinates("x")
            >>> u = pl.unknown("u", x)
            >>> problem = pl.Problem(
            ...     name="string",
            ...     domain=pl.Interval(x, 0, 1),
            ...     equations=[sp.Eq(u.diff(x, 2), -2)],
            ...     conditions=[pl.Dirichlet(u, 0)],
            ... )
            >>> solution = pl.solve(problem, "lsr", hidden=(12, 12), weight_scale=2)
            >>> data = solution.to_xarray(n=11, derivatives=["u_x"])
            >>> print(f"{data.u.sel(x=0.5, method='nearest').item():.6f}")
            0.250000
        """
        return dataset(self, n, derivatives, reference, coordinates)

    def export(
        self,
        path: str | Path,
        *,
        n: int | None = None,
        times: Any = None,
        derivatives: str | sp.Basic | Iterable[Any] = (),
        residuals: bool = False,
    ) -> list[Path]:
        """Write the solution on a mesh for ParaView and other programs, by meshio.

        Lines, quadrilaterals and hexahedra on intervals and boxes; on other domains triangles
        that follow the boundary in the plane, and hexahedra fitted to it in space. Point data are
        those of `to_xarray`, and "residual_of_equation" for each equation where asked for.

        A problem with time gives a series: "name.vtu" or "name.pvd" writes name_0000.vtu, … and
        name.pvd, which ParaView opens as one; ".xdmf" one file with all times; other endings
        numbered files.

        Args:
            path: of the file; its ending chooses the format: .vtu, .vtk, .xdmf, .msh (of Gmsh),
                .tec (of Tecplot) or .avs, and .pvd with time.
            n: points along the longest side of space; by default 401, 101 or 33 for one, two or
                three dimensions.
            times: of the series, 21 by default; a number for one file at that time.
            derivatives: one or several, by name or by sympy, as in `derivative`.
            residuals: with lhs − rhs of the equations.

        Returns:
            The paths of the files that were written.

        Raises:
            MissingPackageError: meshio is not installed.
            FileFormatError: another ending, or a file that cannot be written.
            SettingsError: more than three dimensions of space, or times outside the problem's.
        """
        return export(self, path, n, times, derivatives, residuals)

    def module(self) -> SolutionModule:
        """The solution as a plain `torch.nn.Module`, from points (n, d) to values (n, k).

        It gives what `predict` gives, up to the order of additions, without anything of this
        package's jets or of sympy, follows `.to(...)`, has a `state_dict`, and is differentiable in
        x. `torch.export` takes it with any number of points,
        of which torch 2.7 asks for the most there can be.

        Raises:
            SettingsError: a refined network of your own that cannot be traced; the message says
                what to change.

        Example:
            >>> import torch
            >>> import sympy as sp
            >>> import pdelsr as pl
            >>> x = pl.coordinates("x")
            >>> u = pl.unknown("u", x)
            >>> problem = pl.Problem(
            ...     name="string",
            ...     domain=pl.Interval(x, 0, 1),
            ...     equations=[sp.Eq(u.diff(x, 2), -2)],
            ...     conditions=[pl.Dirichlet(u, 0)],
            ... )
            >>> solution = pl.solve(problem, "lsr", hidden=(12, 12), weight_scale=2)
            >>> module = solution.module()
            >>> points = torch.tensor([[0.0], [0.5]], dtype=torch.float64)
            >>> print(*(f"{value:.6f}" for value in module(points)[:, 0].abs()))
            0.000000 0.250000
            >>> any_number = {0: torch.export.Dim("n", max=2**40)}
            >>> program = torch.export.export(module, (points,), dynamic_shapes=(any_number,))
        """
        names = self.problem.domain.coordinates
        return plain_module(self.network, self.delta, names, self.names)

    def __repr__(self) -> str:
        return (
            f"<Solution of {self.problem.name} by {self.method.name}: {self.status.value}, "
            f"held-out residual {self.heldout:.2g}>"
        )

    def __str__(self) -> str:
        return self.summary()

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
