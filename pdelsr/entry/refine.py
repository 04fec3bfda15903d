"""`refine`: a module on data, or an operator for one instance of a parametric problem."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, overload

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from pdelsr.checkpoint.fingerprint import part_text
from pdelsr.declare import Problem
from pdelsr.entry.distributed import require_same, sharing_work
from pdelsr.entry.solve import solve
from pdelsr.errors import SettingsError
from pdelsr.lstsq import LeastSquares
from pdelsr.operators.at_input import network_at, parameter_of
from pdelsr.operators.sensors import Sensors
from pdelsr.processes.versions import versions
from pdelsr.regression import RefinedModule
from pdelsr.regression import refine as refine_on_data
from pdelsr.regression.checks import require_known
from pdelsr.regression.data import Loader
from pdelsr.regression.options import DataOptions
from pdelsr.results import Solution
from pdelsr.solvers.methods.lsr import LSR
from pdelsr.solvers.state.settings import require_flag
from pdelsr.subspace import Basis

RANK = 1500
POINTS_PER_DIRECTION = 8  # with fewer, the residual is small only at the points

if TYPE_CHECKING:
    GivenInputs: TypeAlias = Tensor | Sequence[Tensor] | Loader
    """One tensor or several, with one row a sample, or a loader of batches with targets."""
    GivenTargets: TypeAlias = Tensor
else:
    GivenInputs = GivenTargets = object  # checked by what they are passed to, in the user's words


class ManyOptions(TypedDict, total=False):
    """Options of `refine_many` for every instance; see `refine_instance`."""

    rank: int | None
    newton_steps: int
    passes: int
    basis: str | Basis
    lstsq: str | LeastSquares
    points: int | None
    weights: Mapping[str, int | float] | None
    sensors: Sensors | None
    seed: int
    dtype: str
    tolerance: int | float
    memory_budget: int | None


class InstanceOptions(ManyOptions, total=False):
    """Of `refine` for one instance of a parametric problem: see `refine_instance`."""

    verbose: bool
    distributed: bool


@overload
def refine(
    model: nn.Module,
    inputs: Problem,
    targets: None = None,
    **options: Unpack[InstanceOptions],
) -> Solution: ...


@overload
def refine(
    model: nn.Module,
    inputs: GivenInputs,
    targets: GivenTargets | None = None,
    *,
    distributed: bool = False,
    **options: Unpack[DataOptions],
) -> RefinedModule: ...


@torch.inference_mode(False)  # callers may have switched slopes off
@torch.enable_grad()
def refine(
    model: nn.Module,
    inputs: Problem | GivenInputs,
    targets: GivenTargets | None = None,
    *,
    distributed: bool = False,
    **options: Any,
) -> Solution | RefinedModule:
    """Refine a trained module in one shot: on data, or for one instance of a parametric problem.

    On data, `refine(model, inputs, targets, rank=…)` or `refine(model, loader, rank=…)`, with the
    options of `pdelsr.regression.refine`; for an instance, `refine(operator, problem.at(a),
    rank=…)`, with those of `pdelsr.entry.refine.refine_instance`. The model is not changed.

    With distributed=True the work is shared with the other processes that torchrun has started:
    each gives samples of its own, as tensors or as a loader, or shares the points of the instance.
    The module is that of the first process, and all of them get the same result.

    Returns:
        A `RefinedModule` on data, a `Solution` for an instance.

    Raises:
        SettingsError: options, data, module or problem do not fit.

    Example:
        >>> import torch
        >>> import pdelsr as pl
        >>> seeded = torch.manual_seed(0)
        >>> layers = torch.nn.Linear(1, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1)
        >>> model = torch.nn.Sequential(*layers)
        >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
        >>> refined = pl.refine(model, x, torch.sin(3 * x), rank=20)
        >>> bool((refined(x) - torch.sin(3 * x)).abs().max() < 1e-4)
        True
        >>> refined.at_rank(5).rank
        5
    """
    if isinstance(model, RefinedModule):
        raise SettingsError(
            "the model is refined already, and has nothing left that may move: refine the one that "
            "it came from, at another rank or on other data. Its parameters are in model.module."
        )
    if isinstance(inputs, Problem):
        if targets is not None:
            raise SettingsError("targets belong to data: a problem has none.")
        require_options(options)
        return refine_instance(model, inputs, distributed=distributed, **options)
    require_flag("distributed", distributed)
    with sharing_work(distributed) as group:
        if group.size > 1:
            require_same("refine", of_call(model, options), group)
        return refine_on_data(model, inputs, targets, **options)


def of_call(model: nn.Module, options: Mapping[str, Any]) -> dict[str, object]:
    """What processes must have in common that refine one module on data of their own."""
    sizes = [(name, tuple(p.shape), str(p.dtype)) for name, p in model.named_parameters()]
    free = ("validation", "batch_size", "memory_budget", "verbose")
    given = {
        name: part_text(value) if not callable(value) else getattr(value, "__qualname__", "")
        for name, value in options.items()
        if name not in free
    }
    return {**versions(), "model": (type(model).__qualname__, sizes), **given}


def refine_instance(
    operator: nn.Module,
    problem: Problem,
    *,
    rank: int | None = RANK,
    newton_steps: int = 5,
    passes: int = 1,
    basis: str | Basis = "coordinate",
    lstsq: str | LeastSquares = "qr",
    points: int | None = None,
    weights: Mapping[str, int | float] | None = None,
    sensors: Sensors | None = None,
    seed: int = 0,
    dtype: str = "float64",
    tolerance: int | float = 0.0,
    memory_budget: int | None = None,
    verbose: bool = False,
    distributed: bool = False,
) -> Solution:
    """Refine a physics-informed operator for one instance: no labels, no training.

    min_y ‖ f(q + J V y) ‖ over the residual of the instance, where q is the operator at its input
    functions, with Newton steps in the tangent space. In a `PIDeepONet` the trunk moves, hidden
    layers and last layer; with the inputs fixed, the branch would add no direction. On held-out
    points the result is never worse than the operator: if it would be, the operator itself is
    returned (`solution.delta` is None).

    Args:
        operator: a `PIDeepONet`, or a module of (values (n, s), points (n, d)) with outputs (n, k)
            for k unknowns, or (n,) for one; the values of several input functions stand one after
            the other, in the order of their sensors.
        problem: of one instance, `problem.at(a)`.
        rank: r; None for a choice by doubling, on held-out points.
        newton_steps: in the tangent space; 1 is the published method.
        passes: number of refinements; each after the first uses points drawn where the residual of
            the best one so far is large. A second one helps if the solution has a kink, as in
            transport.
        basis: of the tangent space: "coordinate" (parameters drawn at random, fastest),
            "count_sketch", "output", "gaussian", "residual", or a `Basis`.
        lstsq: solver of the reduced problem, as in `LSR`.
        points: of the equations; by default 8 r, or those of `LSR` if rank is None.
        weights: factors on the weights of blocks, by name, beyond those of the problem.
        sensors: for a module other than a `PIDeepONet`: where it reads the input function, (s,) or
            (s, c), or a mapping from the names of several to such points.
        seed: for points and basis.
        dtype: of the refinement; single precision keeps few digits.
        tolerance: on the largest held-out root mean square of a block, for the status.
        memory_budget: bytes of one chunk of rows; None for a share of what is free.
        verbose: show progress.
        distributed: share points and rows with the other processes of torchrun, see `solve`.

    Raises:
        SettingsError: operator, sensors or options do not fit the problem, or the rank is far above
            the number of parameters.
        ProblemError: the input function is missing or fails.
    """
    method = LSR(basis=basis, rank=rank, lstsq=lstsq, newton_steps=newton_steps, passes=passes)
    network = network_at(operator, problem, sensors)
    m = sum(p.numel() for p in network.parameters())
    if rank is not None and rank > max(m, RANK):
        raise SettingsError(
            f"rank is {rank}: the operator at one function has {m} parameters: "
            "lower it, or leave it out."
        )
    if rank is not None and points is None:
        points = POINTS_PER_DIRECTION * min(rank, m)
    return solve(
        problem,
        method,
        network=network,
        points=points,
        weights=weights,
        seed=seed,
        tolerance=tolerance,
        memory_budget=memory_budget,
        verbose=verbose,
        hard=False,
        dtype=dtype,
        device=str(parameter_of(operator).device),
        distributed=distributed,
    )


DEFAULTS = {
    name: p.default
    for name, p in list(inspect.signature(refine_instance).parameters.items())[2:]
    if name != "distributed"
}


def require_options(options: Mapping[str, Any]) -> None:
    """Refuse options that `refine_instance` does not have, with the nearest name.

    Raises:
        SettingsError: there is one.
    """
    require_known({name: v for name, v in options.items() if name not in DEFAULTS}, list(DEFAULTS))
