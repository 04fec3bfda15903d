"""LSR of any torch module on data: basis, streaming QR, choice of the rank (Algorithm S1)."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.lstsq import SOLVERS, KernelRidge, LeastSquares, StreamingQR, solver_named
from pdelsr.lstsq.kernel_ridge import MOST_ROWS
from pdelsr.lstsq.registry import OF_DATA, require_shared_rows
from pdelsr.networks.copies import copied, in_dtype
from pdelsr.processes import Group, current
from pdelsr.progress import PassDisplay
from pdelsr.regression.checks import require_kinds, require_known, require_options
from pdelsr.regression.data import Data, Loader, Pair
from pdelsr.regression.fit import MOST_ENTRIES, Fit, chosen
from pdelsr.regression.held_out import fit_and_held_out
from pdelsr.regression.memory import affordable_rank, fits
from pdelsr.regression.model import Inputs, Model, require_forward_mode, require_samplewise
from pdelsr.regression.parts import Parts
from pdelsr.regression.refined import RefinedModule
from pdelsr.regression.separable import has_kernel
from pdelsr.regression.target import LINEAR, UserResidual, residual_of
from pdelsr.regression.task import Task, counted
from pdelsr.regression.variants import Wishes, in_best_variant
from pdelsr.resources.pieces import is_out_of_memory, release, told_what_to_lower
from pdelsr.solvers.refinement.memory.estimate import LEAST_COLUMNS
from pdelsr.solvers.state.settings import DTYPES, require_choice, require_whole
from pdelsr.subspace import Basis, Full, basis_named
from pdelsr.subspace.base import width_of

logger: logging.Logger = logging.getLogger(__name__)

LEAST_COMPONENTS = 8  # of the outputs, that a kernel should see
BATCH = 256  # samples at once, of tensors
LARGEST_DATA_RANK = 2000  # that "auto" starts from
LOWER = "lower rank, batch_size or memory_budget, or take basis='coordinate'"
ON_DATA: dict[str, LeastSquares] = {**SOLVERS, **OF_DATA}
BY_PASSES = StreamingQR(equilibrated=False)
PRODUCTS = ("auto", "rows", "columns", "separable")


def refine(
    model: nn.Module,
    inputs: Tensor | Sequence[Tensor] | Loader,
    targets: Tensor | None = None,
    *,
    rank: int | str = "auto",
    validation: float | Pair | Loader | None = None,
    residual: str | UserResidual | None = "absolute",
    parameter_fraction: int | float = 1.0,
    basis: str | Basis | None = None,
    lstsq: str | LeastSquares = "auto",
    smoothing: str | int | float | None = "auto",
    mollify: str | int | float | None = "auto",
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

    The module is copied, and the original stays as it is. With streaming QR memory does not grow
    with the number of samples: rows are folded into a triangle batch by batch.

    Args:
        model: a torch module that treats every sample on its group, with one or more inputs and one
            output tensor, and that torch.func can differentiate by forward mode. Frozen parameters
            and buffers stay constant.
        inputs: tensors with one row a sample (several in a tuple), or a loader of
            (inputs, targets) that can be passed over more than once.
        targets: with one row a sample; None with a loader.
        rank: r, or "auto" for the best one on held-out data, which may be 0: no refinement.
        validation: the held-out data of "auto": a share of the samples (0.2 by default, arrays
            only), a tuple (inputs, targets), or a loader.
        residual: F, sample by sample: "absolute" for q − targets, "relative" for that over
            ‖targets‖ of the sample, or a function of q and targets. For classes,
            `lambda q, t: q.softmax(1) - one_hot(t)`.
        parameter_fraction: share of θ that may move, chosen at random.
        basis: "output" (randomized SVD of about r + 1000 rows of J), "coordinate" (r parameters
            drawn at random, for little time and memory), "count_sketch" (random signed sums of
            parameters, for little memory), "gaussian", any other of `solve`, or a `Basis`. By
            default "full", all parameters, for solvers that need no choice of them ("lsqr" and
            "kernel-ridge") with rank="auto", and "output" otherwise. "full" with a smaller rank is
            so many parameters at random.
        lstsq: solver of the linear problem, a `LeastSquares` or its name. "auto" is "kernel-ridge"
            for a DeepONet or MultiONet of `pdelsr.operators`, on up to 1,875 functions to fit, with
            rank="auto", no basis, all parameters, double precision, and a residual by name, and
            otherwise `StreamingQR`. That takes
            memory that does not grow with the data, and gives all smaller ranks.
            "lsmr" forms no matrix; "qr", "svd" and "cholesky" form the whole one. With these four,
            rank="auto" doubles the rank as in `solve`. Two take
            all parameters of a large module: "lsqr" forms nothing at all, and with rank="auto"
            stops at the iteration that held-out data favour, which is then the rank of the result;
            "kernel-ridge" forms the neural tangent kernel on the data, up to 15,000 rows, and
            chooses a damping.
        smoothing: the small principal components of input functions are damped by the filter of
            Wiener, components much smaller than τ times the largest, before the module sees them:
            u(a) = q(Sa) + J(Sa) δ. A number is τ; None is no smoothing; "auto" compares no
            smoothing and τ = 0.03, 0.1, 0.3 on held-out data, by four fits at a quarter of the rank
            (whole ones where the rank is not a choice, and on a quarter of the samples for a
            kernel), if rank="auto" and the module has one argument, a tensor in memory whose
            components differ much in size.
        mollify: rectifiers are convolved with a Gaussian, as wide as this times the root mean
            square of what enters them: a network of rectifiers is linear in pieces, and so badly
            determined between the samples. None leaves them; "auto" compares no such change with
            0.2 and 0.4 on held-out data, where the module has `torch.nn.ReLU` or `LeakyReLU` among
            its parts, with rank="auto" and tensors in memory.
        newton_steps: linearizations of F, for residuals that are not linear in q.
        products: how J V is formed: "rows" (reverse mode), "columns" (forward mode), or "auto" for
            the faster one on a few samples. Operators of `pdelsr.operators` have a third way,
            "separable", which "auto" takes.
        batch_size: samples at once, with tensors; 256 by default.
        dtype: of the refinement and of the module returned, "float64" or "float32".
        seed: for the basis, the rows and the split.
        memory_budget: bytes of one chunk of J V; None for a share of what is free.
        verbose: in a terminal, show a bar for every pass over the data.
        misspelled: unknown options, refused with the nearest name.

    Raises:
        SettingsError: options, data or module that do not fit, or an output that is not finite.
        MemoryLimitError: the rank does not fit into the free memory.
    """
    require_known(misspelled, OPTIONS)
    current().together(lambda: require_kinds(model, inputs, targets, seed))
    size = BATCH if batch_size is None else batch_size
    require_options(rank, parameter_fraction, newton_steps, size, dtype)
    if residual is None:
        residual = "absolute"
    if isinstance(residual, str):
        require_choice("residual", residual, LINEAR)
    if newton_steps > 1 and isinstance(residual, str):
        raise SettingsError(
            "newton_steps needs residual= as a function: the difference from the targets is linear "
            "in the prediction, and one step solves it."
        )
    if batch_size is not None and targets is None:
        raise SettingsError("batch_size is for tensors: a loader has batches of its own.")
    require_choice("products", products, PRODUCTS)
    solver = BY_PASSES if lstsq == "auto" else solver_named(lstsq, ON_DATA)
    recipe = basis_named(
        ("full" if solver.has_path and rank == "auto" else "output") if basis is None else basis
    )
    wishes = Wishes(smoothing, mollify)
    if memory_budget is not None:
        require_whole("memory_budget", memory_budget, 1)
    if newton_steps > 1 and rank == "auto" and solver.has_path:
        raise SettingsError(
            f"newton_steps does not go with the path of {type(solver).__name__}, from which one "
            "solution is chosen: give a rank, or leave newton_steps out."
        )
    generator = torch.Generator().manual_seed(seed)
    device = next(iter(model.parameters()), torch.empty(0)).device
    group = current()
    if group.size > 1:
        wishes = require_shared(solver, wishes)
    with PassDisplay(verbose and group.is_first) as display, told_what_to_lower(LOWER, device):
        view = Model(
            in_dtype(agreed(copied(model), group), DTYPES[dtype]), parameter_fraction, generator
        )

        def read() -> tuple[Task, Inputs, Data | None]:
            # random numbers of their own for the split of data whose sizes may differ
            apart = torch.Generator().manual_seed(seed + 1) if group.size > 1 else generator
            fit, held = fit_and_held_out(view, inputs, targets, rank, validation, size, apart)
            return *task_of(view, fit, held, residual, display), held

        task, probe, held = group.together(read)
        total = sum(group.counts(task.samples))
        task = replace(task, group=group, others=total - task.samples)
        parts = Parts(recipe, solver, newton_steps, products, probe, memory_budget, generator)
        if (
            group.size == 1
            and lstsq == "auto"
            and basis is None
            and rank == "auto"
            and suits_kernel(task, products)
        ):
            by_kernel = replace(parts, basis=Full(), solver=KernelRidge())
            parts = by_kernel if fits(task, by_kernel, task.model.size) else parts
        wanted = rank_to_try(rank, task, parts.basis, parts.solver.has_path)
        most = affordable_rank(rank, wanted, task, parts)
        task, held, parts = in_best_variant(task, parts, held, most, wishes)
        return refined(task, parts, held, most)


OPTIONS = [name for name in inspect.signature(refine).parameters if name != "misspelled"]


def require_shared(solver: LeastSquares, wishes: Wishes) -> Wishes:
    """Refuse what needs all samples in one process, and leave out what is only tried.

    Raises:
        SettingsError: the solver, or a smoothing of inputs or rectifiers, needs them.
    """
    require_shared_rows(solver)
    for name, wish in (("smoothing", wishes.smoothing), ("mollify", wishes.mollify)):
        if wish not in ("auto", None):
            raise SettingsError(
                f"{name} needs all samples in one process: leave it out with distributed=True."
            )
    return Wishes(None, None)


def agreed(model: nn.Module, group: Group) -> nn.Module:
    """The module with the parameters and buffers of the first process."""
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()) if group.size > 1 else ():
            tensor.copy_(group.agreed(tensor))
    return model


def suits_kernel(task: Task, products: str) -> bool:
    """Whether the kernel of the module is fast, and has room for its leading components.

    It squares the condition of J, for which single precision is too short.
    """
    few = task.samples * LEAST_COMPONENTS <= MOST_ROWS and task.entries <= MOST_ENTRIES
    few = few and products in ("auto", "separable") and task.model.like.dtype == torch.float64
    return few and task.residual.is_linear and task.data.is_in_memory and has_kernel(task.model)


def task_of(
    model: Model,
    fit: Data,
    held: Data | None,
    residual: str | UserResidual,
    display: PassDisplay,
) -> tuple[Task, Inputs]:
    """The task, after one pass over all data, and the inputs of a few samples.

    Raises:
        SettingsError: the module, the residual or the data do not fit, or are not finite.
    """
    first = next(iter(fit))
    output = require_samplewise(model, first.inputs)
    of_prediction = residual_of(residual, tuple(output.shape[1:]))
    part = "" if held is None else " of the part for the fit"
    samples = counted(model, fit, of_prediction, display, part)
    if held is not None:
        given = len(next(iter(held)).inputs)
        if given != len(first.inputs):
            raise SettingsError(
                f"the validation data have {given} input(s), the others {len(first.inputs)}: "
                "give validation=((input, …), targets)."
            )
        try:
            require_samplewise(model, next(iter(held)).inputs)
        except SettingsError as error:
            raise SettingsError(f"validation does not fit: {error}") from error
        counted(model, held, of_prediction, display, " of the held-out part")
    require_forward_mode(model, first.inputs)
    one = first.part(slice(1))
    entries = of_prediction(model(one.inputs), one.targets).numel()
    outputs = math.prod(output.shape[1:])
    return Task(model, model, fit, of_prediction, display, samples, outputs, entries), first.inputs


def refined(task: Task, parts: Parts, held: Data | None, rank: int) -> RefinedModule:
    """The fit at the given rank, or at the one that held-out data favour and memory allows."""
    if held is None:
        return Fit(task, parts, rank).given()
    while parts.solver.keeps_leading and rank > LEAST_COLUMNS:
        try:
            return chosen(task, parts, held, rank)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        release(task.model.like.device)
        rank //= 2
    return chosen(task, parts, held, rank)


def rank_to_try(rank: int | str, task: Task, basis: Basis, has_path: bool = False) -> int:
    """The rank that was asked for, or the one where a search begins or ends.

    Raises:
        SettingsError: there are not as many directions, or too few data for them.
    """
    model, rows = task.model, task.total * task.entries
    width = width_of(basis, model.module)
    if width is not None and model.index is not None:
        raise SettingsError(
            f"basis {basis.name!r} takes parameters of its own: leave parameter_fraction out."
        )
    if not isinstance(rank, int) and has_path and basis.takes_all:
        return model.size
    if not isinstance(rank, int):
        return width or min(LARGEST_DATA_RANK, model.size, max(1, rows // 2))
    if rank > rows and not has_path:
        raise SettingsError(
            f"rank {rank} is more than the {rows} numbers of the residual on the data: the fit "
            "would not be determined. Lower it, or give more data."
        )
    if rank > model.size:
        raise SettingsError(
            f"rank {rank} is more than the {model.size} parameters that may move: lower it, or "
            "raise parameter_fraction."
        )
    return rank
