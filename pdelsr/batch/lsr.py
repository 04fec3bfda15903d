"""LSR of any torch module on data: basis, streaming QR, choice of the rank (Algorithm S1)."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pdelsr.batch.checks import require_kinds, require_known, require_options
from pdelsr.batch.directions import BASES, directions
from pdelsr.batch.fit import Fit
from pdelsr.batch.held_out import fit_and_held_out
from pdelsr.batch.memory import affordable_rank
from pdelsr.batch.model import Inputs, Model, require_forward_mode, require_samplewise
from pdelsr.batch.products import JacobianTimes
from pdelsr.batch.refined import RefinedModule
from pdelsr.batch.separable import Separable, SeparableTimes
from pdelsr.batch.target import Residual, UserResidual
from pdelsr.errors import SettingsError
from pdelsr.progress import PassDisplay
from pdelsr.resources.pieces import is_out_of_memory, release, told_what_to_lower
from pdelsr.solvers.refinement.estimate import FEWEST
from pdelsr.solvers.state.settings import DTYPES, require_choice, require_whole

BATCH = 256  # samples at once, of tensors
LARGEST_RANK = 2000  # that "auto" starts from
LOWER = "lower rank, batch_size or memory_budget, or take basis='coordinate'"
PRODUCTS = ("auto", "rows", "columns", "separable")


def refine(
    model: nn.Module,
    inputs: Tensor | Sequence[Tensor] | Iterable[Any],
    targets: Tensor | None = None,
    *,
    rank: int | str = "auto",
    validation: float | tuple[Any, Any] | Iterable[Any] | None = None,
    residual: UserResidual | None = None,
    parameter_fraction: int | float = 1.0,
    basis: str = "output",
    newton_steps: int = 1,
    products: str = "auto",
    batch_size: int | None = None,
    dtype: str = "float64",
    seed: int = 0,
    memory_budget: int | None = None,
    verbose: bool = False,
    **misspelled: Any,
) -> RefinedModule:
    """Refine a trained or untrained module in one linear least-squares solve.

        min_y Σ_i ‖ F(q_i, t_i) + ∂F/∂q (J V y)_i ‖² ,   u = q + J V y

    The module is copied; nothing of the user's is changed. Memory does not grow with the number of
    samples: rows are folded into a triangle batch by batch.

    Args:
        model: a torch module that treats every sample on its own, with one or more inputs and one
            output tensor, and that torch.func differentiates by forward mode. Frozen parameters
            and buffers stay constant.
        inputs: tensors with one row a sample (several in a tuple), or a loader of
            (inputs, targets) that can be passed over more than once.
        targets: with one row a sample; None with a loader.
        rank: r, or "auto" for the best one on held-out data, which may be 0: no refinement.
        validation: the held-out data of "auto": a share of the samples (0.2 by default, arrays
            only), a tuple (inputs, targets), or a loader.
        residual: F(q, targets), sample by sample; q − targets by default. For classes,
            `lambda q, t: q.softmax(1) - one_hot(t)`.
        parameter_fraction: share of θ that may move, chosen at random.
        basis: "output" (randomized SVD of about r + 1000 rows of J), "coordinate" (r parameters
            drawn at random, for little time and memory) or "gaussian".
        newton_steps: linearizations of F, for residuals that are not linear in q.
        products: how J V is formed: "rows" (reverse mode), "columns" (forward mode), or "auto" for
            the faster one on a few samples. Operators of `pdelsr.operators` have a third way,
            "separable", which "auto" takes.
        batch_size: samples at once, with tensors; 256 by default.
        dtype: of the refinement and of what comes back, "float64" or "float32".
        seed: of basis, rows and split.
        memory_budget: bytes of one chunk of J V; None for a share of what is free.
        verbose: show a bar for every pass over the data, in a terminal.
        misspelled: refused, with the nearest name of an option.

    Raises:
        SettingsError: options, data or module that do not fit, or an output that is not finite.
        MemoryLimitError: the rank does not fit into the free memory.
    """
    require_known(misspelled, OPTIONS)
    require_kinds(model, inputs, targets, seed)
    size = BATCH if batch_size is None else batch_size
    require_options(rank, parameter_fraction, newton_steps, size, dtype)
    if newton_steps > 1 and residual is None:
        raise SettingsError(
            "newton_steps needs residual=: the difference from the targets is linear in the "
            "prediction, and one step solves it."
        )
    if batch_size is not None and targets is None:
        raise SettingsError("batch_size is for tensors: a loader has batches of its own.")
    require_choice("products", products, PRODUCTS)
    require_choice("basis", basis, BASES)
    if memory_budget is not None:
        require_whole("memory_budget", memory_budget, 1)
    generator = torch.Generator().manual_seed(seed)
    device = next(iter(model.parameters()), torch.empty(0)).device
    with PassDisplay(verbose) as display, told_what_to_lower(LOWER, device):
        copied = copy.deepcopy(model).to(DTYPES[dtype])
        view = Model(copied, parameter_fraction, generator)
        fit, held = fit_and_held_out(view, inputs, targets, rank, validation, size, generator)
        first = next(iter(fit))
        output = require_samplewise(view, first.inputs)
        task = Fit(view, fit, Residual(residual, tuple(output.shape[1:])), display)
        task.samples = task.count(fit)
        if held is not None:
            given = len(next(iter(held)).inputs)
            if given != len(first.inputs):
                raise SettingsError(
                    f"the validation data have {given} input(s), the others {len(first.inputs)}: "
                    "give validation=((input, …), targets)."
                )
            task.count(held)
        require_forward_mode(view, first.inputs)
        outputs = math.prod(output.shape[1:])
        r = affordable_rank(rank, _largest(rank, view, task.samples * outputs), view, basis)

        def at(r: int) -> RefinedModule:
            if basis == "coordinate" and r < view.size:
                view.keep(r, generator)
            with _differentiable(copied):
                if r < view.size:
                    task.V, task.values = directions(
                        *(basis, view, fit, r, outputs, task.samples),
                        *(generator, display, memory_budget),
                    )
                times = _times(view, task.V, products, first.inputs, memory_budget)
                return task.solve(times, newton_steps, held)

        while rank == "auto" and r > FEWEST:
            try:
                return at(r)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            release(device)
            task.V, r = None, r // 2
        return at(r)


OPTIONS = [name for name in inspect.signature(refine).parameters if name != "misspelled"]


@contextmanager
def _differentiable(module: nn.Module) -> Generator[None, None, None]:
    """Says which module torch.func cannot differentiate for many samples or directions at once."""
    try:
        yield
    except (RuntimeError, NotImplementedError) as error:
        if is_out_of_memory(error):
            raise
        raise SettingsError(
            f"torch.func cannot differentiate {type(module).__name__} for many samples or "
            "directions at once; so it is with recurrent layers (LSTM, GRU, RNN), fused attention "
            f"and in-place operations. Replace that part. It said: {error}"
        ) from error


def _times(
    model: Model, V: Tensor | None, products: str, probe: Inputs, budget: int | None
) -> JacobianTimes:
    kind = type(model.module)
    separable = issubclass(kind, Separable) and kind.forward is Separable.forward
    if separable and products in ("auto", "separable"):
        return SeparableTimes(model, V, probe, budget)
    if products == "separable":
        raise SettingsError(
            f"products='separable' needs a Separable module with its own forward, and "
            f"{kind.__name__} is none: leave it out, or derive the module from "
            "pdelsr.operators.Separable."
        )
    return JacobianTimes(model, V, products, probe, budget)


def _largest(rank: int | str, model: Model, rows: int) -> int:
    if isinstance(rank, int):
        if rank > rows:
            raise SettingsError(
                f"rank {rank} is more than the {rows} numbers of the data (samples × outputs): the "
                "fit would not be determined. Lower it, or give more data."
            )
        if rank > model.size:
            raise SettingsError(
                f"rank {rank} is more than the {model.size} parameters that may move: lower it, or "
                "raise parameter_fraction."
            )
        return rank
    return min(LARGEST_RANK, model.size, max(1, rows // 2))
