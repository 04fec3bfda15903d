"""The result of `solve`: a predictor, and an honest statement of how good it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.files.atomic import NOT_WRITTEN, read_path, unwritable, write_whole
from pdelsr.files.container import decoded
from pdelsr.results.base import BaseSolution
from pdelsr.results.dataset import dataset
from pdelsr.results.error_estimate import UNREFINED, ErrorEstimate
from pdelsr.results.given import At, Dataset, Derivatives, Positions
from pdelsr.results.module import SolutionModule, plain_module
from pdelsr.results.pictures import Figure
from pdelsr.results.record import json_text, record
from pdelsr.results.storage import parts_to_pickle, save, solution_of
from pdelsr.solvers.state.status import Status


@dataclass(frozen=True, eq=False, repr=False)
class Solution(BaseSolution):
    """The best state of a run: u(x) = q(x; θ) + J(x; θ) δ, with all its derivatives.

    Args:
        problem: the problem that was solved.
        compiled: blocks of the problem, and forms of its hard conditions.
        network: q at θ, with hard conditions around it. It must not be trained further.
        delta: δ = V y, (m,), of the refinement; None if the network itself was best.
        method: with its options.
        settings: options that every method shares, with all choices made.
        status: how the run ended; `advice` says what to do next.
        blocks: training and held-out residual of each block.
        history: records of the run, iteration by iteration.
        report: the reduced system of the refinement; None if there was none.
        training: points to which the solution was fitted, one tensor per site of each block.
        weights: factors w_b on the blocks in ‖f‖² = Σ_b w_b mean(F_b²).
        heldout: norm of the weighted stacked residual on held-out points.
        heldout_start: the same before the run, or before the refinement that the run went on from;
            of the first network, if such runs had the same weights.
        estimate: of the relative L2 error, with its bounds and the doubts about it.
        ended: why the run stopped, if `status` says something else.
        next_step: the step that would have come next, and its time, if the time was up.
        error_history: (seconds, relative L2 error) of the best state after every outer iteration,
            the largest error over the unknowns; empty unless `solve(track_errors=True)`.
        iterations: outer iterations that the run took.
        best_iteration: the iteration that found this state; 0 for the state before the first one.
        rounds: sets of points drawn so far; `solve(start=...)` continues the count.
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

    @property
    def unrefined(self) -> Solution:
        """The network at θ without δ; its residuals are not measured."""
        satisfied = self.status in (Status.CONVERGED, Status.PRECISION_LIMITED)
        return replace(
            self,
            status=Status.COMPLETED if satisfied else self.status,
            delta=None,
            report=None,
            estimate=ErrorEstimate(doubts=(UNREFINED,)),
            blocks={},
            heldout=float("nan"),
            history=(),
            error_history=(),
        )

    def summary(self, color: bool = False) -> str:
        """Tables for the terminal: errors, residuals, and costs.

        Args:
            color: include color codes.
        """
        from pdelsr.results.summary import summary_text

        return summary_text(self, color)

    def to_json(self, path: str | Path | None = None) -> str:
        """The result as JSON; unknown values, and those that are not finite, are null.

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
            except NOT_WRITTEN as error:
                raise SettingsError(unwritable(path, error)) from error
        return text

    def plot(
        self,
        path: str | Path | None = None,
        what: str = "all",
        dpi: int = 150,
        *,
        at: At = None,
    ) -> Figure:
        """A figure of the fields, their errors, the residuals and the singular values.

        One coordinate gives curves; two, or space and time, give maps; two and time give maps at
        several times; more give slices through the middle.

        Args:
            path: also write it there; the ending chooses the format.
            what: "all", "fields", "error" of the fields, "residuals" of the equations,
                "history", or "spectrum" of the reduced system.
            dpi: dots per inch of the file.
            at: coordinates to hold, by name, as in `{"z": 0.3}`; one of them may have a list of
                values, as in `{"t": [0, 0.1, 1]}`. The others are drawn as curves or maps.

        Returns:
            A `matplotlib.figure.Figure`.

        Raises:
            SettingsError: `what` or `at` is something else, there is nothing to draw, or the file
                cannot be written.
        """
        # Delayed: matplotlib is slow to load, and most runs draw nothing.
        return import_module("pdelsr.results.plot").draw(self, path, what, at, dpi)

    def animate(
        self,
        path: str | Path,
        frames: int = 50,
        fps: int = 10,
        *,
        at: At = None,
        dpi: int = 100,
    ) -> Path:
        """Write a movie of the fields and their errors in time, on fixed scales.

        Args:
            path: ends in ".gif", or in ".mp4", which needs the program ffmpeg.
            frames: number of times, from the initial to the final one.
            fps: frames per second, at most 60, or 50 in a GIF, which counts hundredths of a second.
            at: space coordinates to hold, as in `plot`.
            dpi: dots per inch.

        Returns:
            The path.

        Raises:
            SettingsError: the problem has no time, a value does not fit, or the file cannot be
                written.
        """
        return import_module("pdelsr.results.plot").animate(self, path, frames, fps, at, dpi)

    def save(self, path: str | Path) -> None:
        """Write everything needed to predict and to go on; `pdelsr.load` reads it.

        The file is written beside its final place and then moved, so an interrupted save leaves an
        older file as it was.

        Args:
            path: file to write, usually ending in ".safetensors".

        Raises:
            SettingsError: the path is no path.
            FileFormatError: the path is a folder, or it cannot be written.
        """
        save(self, path)

    def __reduce__(self) -> Any:
        """Pickle the saved file, with the problem and a user's network beside it.

        Raises:
            SettingsError: pickle cannot store a function of the problem or the network.
        """
        return unpickled, parts_to_pickle(self)

    def __deepcopy__(self, memo: Any) -> Solution:
        """A solution with a copy of the network; the problem, which is constant, is shared."""
        return replace(self, network=copy.deepcopy(self.network, memo))

    def __copy__(self) -> Solution:
        """A solution that shares the network."""
        return replace(self)

    def to_xarray(
        self,
        n: int | Mapping[str, int] | None = None,
        *,
        derivatives: Derivatives = (),
        reference: bool = True,
        **coordinates: Positions,
    ) -> Dataset:
        """The solution on a regular grid over the domain, as an `xarray.Dataset`.

        Variables are the unknowns by name, "u_x" for derivatives, and "u_reference" and "u_error"
        (u − u_reference, less the part that the equations leave open) if the problem has a
        reference. Outside the domain they are NaN; the last two also where the reference has no
        value. Attributes hold problem, method, status, held-out residual, version and equations.

        Args:
            n: grid points along each coordinate, or by name; by default 501, 201, 61, 21 or 11 for
                one to five varying coordinates.
            derivatives: one or several, by name or by sympy, as in `derivative`.
            reference: include reference and error, if there is a reference.
            **coordinates: instead of n, positions along a coordinate by name, or a number to hold
                it: `to_xarray(t=0.5)`.

        Raises:
            MissingPackageError: xarray is not installed.
            SettingsError: a coordinate or derivative is unknown, or the grid is too large.

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
        times: Positions | None = None,
        derivatives: Derivatives = (),
        residuals: bool = False,
    ) -> list[Path]:
        """Write the solution on a mesh for ParaView and other programs, by meshio.

        The cells are lines, quadrilaterals and hexahedra on intervals and boxes; on other domains
        triangles that follow the boundary in the plane, and hexahedra fitted to it in space. Point
        data are those of `to_xarray` and, on request, "residual_of_equation" for each equation.

        A problem with time gives a series: "name.vtu" or "name.pvd" writes name_0000.vtu, … and
        name.pvd, which ParaView opens as one; ".xdmf" writes one file with all times; other endings
        write numbered files.

        Args:
            path: of the file; its ending chooses the format: .vtu, .vtk, .xdmf, .msh (of Gmsh),
                .tec (of Tecplot) or .avs, and .pvd with time.
            n: points along the longest side of space; by default 401, 101 or 33 for one, two or
                three dimensions.
            times: of the series, 21 by default; a number for one file at that time.
            derivatives: one or several, by name or by sympy, as in `derivative`.
            residuals: include lhs − rhs of the equations.

        Returns:
            The paths of the written files.

        Raises:
            MissingPackageError: meshio is not installed.
            FileFormatError: the ending is another one, or the file cannot be written.
            SettingsError: space has more than three dimensions, or a time is outside the problem's.
        """
        from pdelsr.results.export import export

        return export(self, path, n, times, derivatives, residuals)

    def module(self) -> SolutionModule:
        """The solution as a plain `torch.nn.Module`, from points (n, d) to values (n, k).

        It gives the values of `predict`, up to the order of additions, without this package's jets
        or sympy. It follows `.to(...)`, has a `state_dict`, and is differentiable in x.
        `torch.export` takes it with any number of points; torch 2.7 wants an upper bound for it.

        Raises:
            SettingsError: your own refined network cannot be traced; the message says what to
                change.

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


def unpickled(data: bytes, problem: Problem, network: nn.Module | None) -> Solution:
    """The solution from its pickled parts."""
    return solution_of(Solution, decoded(data), "a pickled solution", problem, network)
