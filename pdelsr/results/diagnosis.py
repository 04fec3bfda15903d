"""The conditioning study of a refinement: why it needs a direct solve, and how far it may go."""

from __future__ import annotations

import copy
import io
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from rich import box
from rich.console import Console, Group
from rich.table import Table
from torch import Tensor

from pdelsr.batch.data import Batch, Data, tensors_of
from pdelsr.batch.model import Model, require_samplewise
from pdelsr.batch.products import JacobianTimes
from pdelsr.batch.ranks import geometric
from pdelsr.batch.refined import Family, RefinedModule
from pdelsr.errors import SettingsError
from pdelsr.lstsq.iterative import ITERATIVE, iterates
from pdelsr.lstsq.streaming import Nested
from pdelsr.solvers.settings import require_whole

RANKS = 24  # that are compared, in geometric progression
COUNTS = 40  # of iterations that losses are noted at, in geometric progression
SHARES = 21  # of the step that nonlinear and linearized losses are compared at
BATCH = 256  # samples at once
ROWS = 8  # ranks in the summary, at most
WIDTH = 88


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; all arrays are fp64 and on the CPU.

    A loss is the mean over samples of ‖F‖² of the linearized problem on the data of the fit, unless
    said otherwise; an error is a root mean square.

    Attributes:
        rank: r that the step and the solvers are about.
        basis_values: singular values of the drawn rows of J along V, scaled as these rows are; None
            where V is random, or all parameters.
        system_values: singular values of A = (∂F/∂q) J V on all data, in all columns.
        ranks: k, up to all columns.
        losses: at rank k.
        delta_norms: ‖y‖ at rank k.
        conditions: of the k leading columns of A, infinite where one is zero.
        errors: root mean square of ‖F‖ over the given samples at rank k, as `at_rank(k)` predicts.
        modes: J v of the leading directions at the given inputs, (modes, n, outputs).
        mode_values: their singular values: of basis_values where they are known. Otherwise the
            directions are singular ones of A, and these are the first of system_values.
        inputs: that the modes are given at, as (n, …) each.
        shares: s of the step θ + s δ.
        nonlinear_losses: mean of ‖F‖² over the given samples, of the module at θ + s δ.
        linear_losses: the same of q + s J δ.
        iterations: that the iterative solvers are looked at after.
        iterative: by solver, the losses then, at rank r.
        direct: the loss of the direct solve at rank r.
        seconds: by solver, for all iterations.
    """

    rank: int
    basis_values: Float[np.ndarray, " r"] | None
    system_values: Float[np.ndarray, " r"]
    ranks: Int[np.ndarray, " k"]
    losses: Float[np.ndarray, " k"]
    delta_norms: Float[np.ndarray, " k"]
    conditions: Float[np.ndarray, " k"]
    errors: Float[np.ndarray, " k"] | None
    modes: Float[np.ndarray, "modes n outputs"] | None
    mode_values: Float[np.ndarray, " modes"] | None
    inputs: tuple[np.ndarray, ...] | None
    shares: Float[np.ndarray, " s"] | None
    nonlinear_losses: Float[np.ndarray, " s"] | None
    linear_losses: Float[np.ndarray, " s"] | None
    iterations: Int[np.ndarray, " i"]
    iterative: Mapping[str, Float[np.ndarray, " i"]]
    direct: float
    seconds: Mapping[str, float]

    def summary(self) -> str:
        """Ranks and solvers in two tables of at most 88 columns."""
        console = Console(
            file=io.StringIO(),
            width=WIDTH,
            no_color=True,
            highlight=False,
            force_terminal=False,
            force_jupyter=False,
        )
        parts: list[Any] = [f"refinement of rank {self.rank:,}", _rank_table(self)]
        console.print(Group(*parts, *([_solver_table(self)] if self.iterative else [])))
        text = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
        return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())

    def __str__(self) -> str:
        return self.summary()

    def plot(self, path: str | Path | None = None, dpi: int = 150) -> Any:
        """One figure of all that was found.

        Args:
            path: also write it there; the ending chooses the format.
            dpi: dots an inch of the file.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        # Delayed: matplotlib is slow to load.
        return import_module("pdelsr.results.plot.diagnosis").draw_diagnosis(self, path, dpi)


def diagnose(
    refined: RefinedModule,
    inputs: Tensor | Sequence[Tensor] | None = None,
    targets: Tensor | None = None,
    *,
    modes: int = 6,
    iterations: int = 1000,
    solvers: Sequence[str] = tuple(ITERATIVE),
) -> Diagnosis:
    """Study the conditioning of a refinement, from the factors that it holds.

        min_y ‖A y − b‖ ,   A = (∂F/∂q) J V ,   b = A y₀ − F    (Cao and Zhang 2026)

    Spectrum, losses, norms and conditions against the rank, and iterative solvers beside the direct
    one (Figs. 2c, 4c, S1) need no data. With inputs come the functions J v (Fig. S6), with inputs
    and targets errors against the rank, and the losses along the step with and without
    linearization (Fig. S9). The factors belong to the last linearization, with rank="auto" to the
    first one. Another rank is studied by `diagnose(refined.at_rank(k), …)`.

    Args:
        refined: what `refine` returned. Where its rank is 0, all of its factors are studied.
        inputs: one row a sample; several in a tuple.
        targets: with one row a sample, as in `refine`.
        modes: how many directions to evaluate at the inputs.
        iterations: of each iterative solver.
        solvers: names, out of "adam" (learning rate 0.01 where σ_max(A) = ‖Aᵀb‖ = 1), "lbfgs",
            "cgls", "lsqr" and "lsmr".

    Raises:
        SettingsError: a module without factors, as one that was loaded, options out of range, or
            data that do not fit the module.

    Example:
        >>> import torch
        >>> import pdelsr as pl
        >>> seeded = torch.manual_seed(0)
        >>> layers = torch.nn.Linear(1, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1)
        >>> model = torch.nn.Sequential(*layers)
        >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
        >>> refined = pl.refine(model, x, torch.sin(3 * x), rank=20)
        >>> diagnosis = pl.diagnose(refined, iterations=10, solvers=["cgls"])
        >>> bool(diagnosis.direct < diagnosis.iterative["cgls"][-1])
        True
    """
    if not isinstance(refined, RefinedModule):
        raise SettingsError(f"diagnose takes what refine returned, not a {type(refined).__name__}.")
    _require_options(inputs, targets, modes, iterations, solvers)
    study = _Study.of(refined)
    return Diagnosis(
        rank=study.rank,
        **_spectra(study),
        **_against_rank(study),
        **_against_data(study, inputs, targets, modes),
        **_against_iterations(study, iterations, solvers),
    )


@dataclass(frozen=True)
class _Study:
    """A refinement in fp64.

    Args:
        model: q and its derivatives, in the dtype of the refinement.
        family: its factors.
        nested: the same in fp64.
        rank: of the step.
        delta: the step.
    """

    model: Model
    family: Family
    nested: Nested
    rank: int
    delta: Float[Tensor, " m"]

    @classmethod
    def of(cls, refined: RefinedModule) -> _Study:
        family = refined._family
        if family is None:
            raise SettingsError(
                "this refinement holds no factors, as one that was loaded from a file: diagnose "
                "needs what refine returned."
            )
        model = copy.copy(refined._model)
        model.index = refined.index
        found = family.nested
        nested = replace(
            found,
            R=found.R.double(),
            z=found.z.double(),
            undamped=found.undamped.double(),
            levels=found.levels.double(),
        )
        delta = refined.delta if refined.rank else family.delta(nested.rank).to(refined.delta)
        return cls(model, family, nested, refined.rank or nested.rank, delta)

    def loss(self, y: Float[Tensor, " k"]) -> float:
        """Mean square of the linearized residual."""
        padded = torch.nn.functional.pad(y, (0, self.nested.rank - len(y)))
        return self.nested.squares(padded) / self.family.samples

    def products(self, directions: Float[Tensor, "m c"], batch: Batch) -> JacobianTimes:
        """J times some directions, by forward mode."""
        return JacobianTimes(self.model, directions.to(self.model.like), "columns", batch.inputs)

    def leading(self, count: int) -> tuple[Float[Tensor, "m c"], Float[Tensor, " c"]]:
        """Directions that are ranked, and their singular values."""
        V, values = self.family.V, self.family.values
        if V is not None and values is not None:
            return V[:, :count], values[:count]
        _, system, W = torch.linalg.svd(self.nested.undamped)
        W = W[:count].T.to(self.family.nested.R)
        return W if V is None else V @ W, system[:count]


def _spectra(study: _Study) -> dict[str, Any]:
    values = study.family.values
    return {
        "basis_values": None if values is None else _array(values),
        "system_values": _array(torch.linalg.svdvals(study.nested.undamped)),
    }


def _against_rank(study: _Study) -> dict[str, Any]:
    """Loss, ‖y‖ and condition of the nested solutions."""
    nested, ranks = study.nested, _ranks(study)
    solutions = [nested.solution(k) for k in ranks]
    return {
        "ranks": np.array(ranks),
        "losses": np.array([study.loss(y) for y in solutions]),
        "delta_norms": np.array([torch.linalg.vector_norm(y).item() for y in solutions]),
        "conditions": np.array([nested.spectrum(k).condition for k in ranks]),
    }


def _against_iterations(study: _Study, most: int, solvers: Sequence[str]) -> dict[str, Any]:
    """Losses of the iterative solvers, and the direct one's."""
    counts, k = geometric(most, COUNTS), study.rank
    R, z = study.nested.R[:k, :k], study.nested.z[:k]
    losses, seconds = {}, {}
    for name in solvers:
        begin = time.perf_counter()
        found = iterates(name, R, z, counts)
        seconds[name] = time.perf_counter() - begin
        losses[name] = np.array([study.loss(y) for y in found])
    return {
        "iterations": np.array(counts),
        "iterative": losses,
        "direct": study.loss(study.nested.solution(k)),
        "seconds": seconds,
    }


def _against_data(study: _Study, inputs: Any, targets: Tensor | None, modes: int) -> dict[str, Any]:
    """Modes, errors and the losses along the step; None where there are no data for them."""
    names = ("modes", "mode_values", "inputs", "errors")
    names += ("shares", "nonlinear_losses", "linear_losses")
    found: dict[str, Any] = dict.fromkeys(names)
    if inputs is None:
        return found
    data = _data(study, inputs, targets)
    found |= _modes(study, data, modes)
    if targets is not None:
        found |= _errors(study, data) | _along_the_step(study, data)
    return found


def _data(study: _Study, inputs: Any, targets: Tensor | None) -> Data:
    """The data in batches, checked; zeros stand for targets that are not given."""
    several = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    if not several or any(not isinstance(x, Tensor) or x.ndim == 0 for x in several):
        raise SettingsError("inputs must be one or more tensors with one row a sample.")
    given = torch.zeros(len(several[0])) if targets is None else targets
    data = Data(tensors_of(several, given), BATCH, study.model.like)
    first = next(iter(data))
    q = require_samplewise(study.model, first.inputs)
    if targets is not None:
        study.family.residual.check(q, first.targets)
    return data


def _modes(study: _Study, data: Data, modes: int) -> dict[str, Any]:
    """J v of the leading directions (Fig. S6)."""
    directions, values = study.leading(min(modes, study.nested.rank))
    found = [study.products(directions, batch)(batch.inputs) for batch in data]
    sites = zip(*(batch.inputs for batch in data), strict=True)
    return {
        "modes": _array(torch.cat(found).permute(2, 0, 1)),
        "mode_values": _array(values),
        "inputs": tuple(torch.cat(parts).cpu().numpy() for parts in sites),
    }


def _errors(study: _Study, data: Data) -> dict[str, Any]:
    """Root mean square of ‖F‖ at every rank, with J times all δ at once."""
    deltas = torch.stack([study.family.delta(k) for k in _ranks(study)], dim=1)

    def predictions(batch: Batch) -> Iterator[Tensor]:
        moved = study.products(deltas, batch)(batch.inputs)
        yield from (study.model(batch.inputs)[:, :, None] + moved).unbind(dim=2)

    return {"errors": np.sqrt(_mean_squares(study, data, predictions))}


def _along_the_step(study: _Study, data: Data) -> dict[str, Any]:
    """Losses of the module at θ + s δ, and of its linearization (Fig. S9)."""
    shares = np.linspace(0.0, 1.0, SHARES)
    step = study.model.unflatten(study.delta.to(study.model.like))
    start = study.model.parameters

    def module(batch: Batch) -> Iterator[Tensor]:
        for s in shares.tolist():
            there = {name: start[name] + s * step[name] for name in start}
            with torch.no_grad():
                moved = torch.func.functional_call(study.model.module, there, batch.inputs)
            yield moved.reshape(len(batch), -1)

    def linear(batch: Batch) -> Iterator[Tensor]:
        q = study.model(batch.inputs)
        tangent = study.products(study.delta[:, None], batch)(batch.inputs)[:, :, 0]
        yield from (q + s * tangent for s in shares.tolist())

    return {
        "shares": shares,
        "nonlinear_losses": _mean_squares(study, data, module),
        "linear_losses": _mean_squares(study, data, linear),
    }


def _mean_squares(
    study: _Study, data: Data, predictions: Callable[[Batch], Iterator[Tensor]]
) -> Float[np.ndarray, " c"]:
    """Mean of ‖F‖² over the samples for each of the predictions of a batch."""
    totals: Any = 0.0
    count = 0
    for batch in data:
        residuals = (study.family.residual(q, batch.targets) for q in predictions(batch))
        totals = totals + np.array([f.double().square().sum().item() for f in residuals])
        count += len(batch)
    return totals / count


def _ranks(study: _Study) -> list[int]:
    return sorted({study.rank, *geometric(study.nested.rank, RANKS)})


def _array(values: Tensor) -> np.ndarray:
    return values.detach().double().cpu().numpy()


def _rank_table(found: Diagnosis) -> Table:
    table = _table("rank", "condition", "‖y‖", "rms residual", "rms on given data")
    last = len(found.ranks) - 1
    chosen = int(np.abs(found.ranks - found.rank).argmin())  # the rank itself, or its neighbour
    for i in sorted({chosen, *(round(j * last / (ROWS - 1)) for j in range(ROWS))}):
        error = "-" if found.errors is None else f"{found.errors[i]:.2e}"
        numbers = (found.conditions[i], found.delta_norms[i], math.sqrt(found.losses[i]))
        table.add_row(f"{found.ranks[i]:,}", *(f"{x:.2e}" for x in numbers), error)
    return table


def _solver_table(found: Diagnosis) -> Table:
    table = _table("solver", "iterations", "rms residual", "of the direct one", "seconds")
    direct = math.sqrt(found.direct)
    table.add_row("direct", "-", f"{direct:.2e}", "1", "-")
    for name, losses in found.iterative.items():
        size = math.sqrt(losses[-1])
        ratio, seconds = f"{size / direct:.3g}" if direct else "-", f"{found.seconds[name]:.2f}"
        table.add_row(name, f"{found.iterations[-1]:,}", f"{size:.2e}", ratio, seconds)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _require_options(
    inputs: Any, targets: Tensor | None, modes: int, iterations: int, solvers: Sequence[str]
) -> None:
    require_whole("modes", modes, 1)
    require_whole("iterations", iterations, 1)
    if isinstance(solvers, str):
        raise SettingsError(f"solvers is {solvers!r}: give a list of names, as [{solvers!r}].")
    for name in solvers:
        if name not in ITERATIVE:
            raise SettingsError(f"solvers has {name!r}: choose out of {', '.join(ITERATIVE)}.")
    if targets is not None and inputs is None:
        raise SettingsError("targets are given without inputs: give both, or neither.")
