"""The measurements of a diagnosis, on the factors of a refinement and on data, if given."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.lstsq.iterative import iterates
from pdelsr.lstsq.nested import Nested
from pdelsr.regression.data import Batch, Data, tensors_of
from pdelsr.regression.model import Model, require_samplewise
from pdelsr.regression.products import JacobianTimes
from pdelsr.regression.ranks import geometric
from pdelsr.regression.refined import RefinedModule, SmallerRanks

RANKS = 24  # compared ranks, in geometric progression
COUNTS = 40  # iterations with recorded losses, in geometric progression
SHARES = 21  # of the step, at which nonlinear and linearized losses are compared
BATCH = 256  # samples at once


@dataclass(frozen=True)
class Study:
    """A refinement in fp64.

    Args:
        model: q and its derivatives, in the dtype of the refinement.
        smaller: the refinements at smaller ranks, from the factors.
        nested: the factors in fp64.
        rank: of the step.
        delta: the step.
    """

    model: Model
    smaller: SmallerRanks
    nested: Nested
    rank: int
    delta: Float[Tensor, " m"]

    @classmethod
    def of(cls, refined: RefinedModule) -> Study:
        smaller = refined._smaller
        if smaller is None:
            raise SettingsError(
                "this refinement holds no factors, as one that was loaded from a file or made by a "
                "solver that keeps none: diagnose needs what refine returned with "
                "lstsq='streaming-qr'."
            )
        model = copy.copy(refined._model)
        model.index = refined.index
        found = smaller.leading.nested
        nested = replace(
            found,
            R=found.R.double(),
            z=found.z.double(),
            undamped=found.undamped.double(),
            levels=found.levels.double(),
            scales=found.scales.double(),
        )
        delta = refined.delta if refined.rank else smaller.delta(nested.rank).to(refined.delta)
        return cls(model, smaller, nested, refined.rank or nested.rank, delta)

    def loss(self, y: Float[Tensor, " k"]) -> float:
        """Mean square of the linearized residual."""
        padded = torch.nn.functional.pad(y, (0, self.nested.rank - len(y)))
        return self.nested.squares(padded) / self.smaller.samples

    def products(self, directions: Float[Tensor, "m c"], batch: Batch) -> JacobianTimes:
        """J times some directions, by forward mode."""
        return JacobianTimes(self.model, directions.to(self.model.like), "columns", batch.inputs)

    def leading(self, count: int) -> tuple[Float[Tensor, "m c"], Float[Tensor, " c"]]:
        """The leading directions, and their singular values."""
        V, values = self.smaller.V, self.smaller.values
        if values is not None:
            return V.columns(slice(count), self.model.like), values[:count]
        _, system, W = torch.linalg.svd(self.nested.undamped)
        W = W[:count].T.to(self.smaller.leading.nested.R)
        return V.lift_columns(W), system[:count]


def spectra(study: Study) -> dict[str, Any]:
    """Singular values of the basis and of the system."""
    values = study.smaller.values
    return {
        "basis_values": None if values is None else _array(values),
        "system_values": _array(torch.linalg.svdvals(study.nested.undamped)),
    }


def against_rank(study: Study) -> dict[str, Any]:
    """Loss, ‖y‖ and condition of the nested solutions."""
    nested, ranks = study.nested, _ranks(study)
    solutions = [nested.solution(k) for k in ranks]
    return {
        "ranks": np.array(ranks),
        "losses": np.array([study.loss(y) for y in solutions]),
        "delta_norms": np.array([torch.linalg.vector_norm(y).item() for y in solutions]),
        "conditions": np.array([nested.spectrum(k).condition for k in ranks]),
    }


def against_iterations(study: Study, most: int, solvers: Sequence[str]) -> dict[str, Any]:
    """Losses of the iterative solvers, and of the direct one."""
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


def against_data(study: Study, inputs: Any, targets: Tensor | None, modes: int) -> dict[str, Any]:
    """Modes, errors and the losses along the step; None without data for them."""
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


def _data(study: Study, inputs: Any, targets: Tensor | None) -> Data:
    """The data in batches, checked; missing targets become zeros."""
    several = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    if not several or any(not isinstance(x, Tensor) or x.ndim == 0 for x in several):
        raise SettingsError("inputs must be one or more tensors with one row a sample.")
    given = torch.zeros(len(several[0])) if targets is None else targets
    data = Data(tensors_of(several, given), BATCH, study.model.like, study.smaller.smoothing)
    first = next(iter(data))
    q = require_samplewise(study.model, first.inputs)
    if targets is not None:
        study.smaller.residual.check(q, first.targets)
    return data


def _modes(study: Study, data: Data, modes: int) -> dict[str, Any]:
    """J v of the leading directions (Fig. S6)."""
    directions, values = study.leading(min(modes, study.nested.rank))
    found = [study.products(directions, batch)(batch.inputs) for batch in data]
    sites = zip(*(batch.inputs for batch in data), strict=True)
    return {
        "modes": _array(torch.cat(found).permute(2, 0, 1)),
        "mode_values": _array(values),
        "inputs": tuple(torch.cat(parts).cpu().numpy() for parts in sites),
    }


def _errors(study: Study, data: Data) -> dict[str, Any]:
    """Root mean square of ‖F‖ at every rank, with J times all δ at once."""
    deltas = torch.stack([study.smaller.delta(k) for k in _ranks(study)], dim=1)

    def predictions(batch: Batch) -> Iterator[Tensor]:
        moved = study.products(deltas, batch)(batch.inputs)
        yield from (study.model(batch.inputs)[:, :, None] + moved).unbind(dim=2)

    return {"errors": np.sqrt(_mean_squares(study, data, predictions))}


def _along_the_step(study: Study, data: Data) -> dict[str, Any]:
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
    study: Study, data: Data, predictions: Callable[[Batch], Iterator[Tensor]]
) -> Float[np.ndarray, " c"]:
    """Mean of ‖F‖² over the samples, for each prediction of a batch."""
    totals: Any = 0.0
    count = 0
    for batch in data:
        residuals = (study.smaller.residual(q, batch.targets) for q in predictions(batch))
        totals = totals + np.array([f.double().square().sum().item() for f in residuals])
        count += len(batch)
    return totals / count


def _ranks(study: Study) -> list[int]:
    return sorted({study.rank, *geometric(study.nested.rank, RANKS)})


def _array(values: Tensor) -> np.ndarray:
    return values.detach().double().cpu().numpy()
