"""`refine_many`: an operator refined for many instances in parallel, with a table at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import nn
from typing_extensions import Unpack

from pdelsr.declare import Problem
from pdelsr.declare.given import Functions, GivenFunction
from pdelsr.declare.inputs import given_function
from pdelsr.entry.refine import (
    DEFAULTS,
    ManyOptions,
    refine_instance,
    require_options,
)
from pdelsr.entry.rows_file import ManyRun, append_row, read_rows
from pdelsr.errors import SettingsError
from pdelsr.executors import Executor, GivenExecutor, Workers, outcomes
from pdelsr.executors.submission import require_executor
from pdelsr.files.typed import built
from pdelsr.networks.copies import copied
from pdelsr.operators.instances import InstanceRow, Instances
from pdelsr.operators.loss import drawn_functions, require_samplers
from pdelsr.operators.physics import PIDeepONet
from pdelsr.operators.sensors import read_sensors, require_sensors_of
from pdelsr.progress import PassDisplay
from pdelsr.results import Solution
from pdelsr.results.accuracy import errors_of
from pdelsr.results.reference_errors import values_of, where_known
from pdelsr.solvers.state.settings import require_whole
from pdelsr.solvers.state.status import Status

INSTANCES = 2**31  # of seeds for instances, apart from those of training
GRID = 10_000  # points of the measurement of errors, at least

if TYPE_CHECKING:
    GivenInstance: TypeAlias = GivenFunction | Mapping[str, GivenFunction]
    """The input function, or several by name."""
    GivenInstances: TypeAlias = GivenInstance | Sequence[GivenInstance]
else:
    GivenInstances = object  # checked by Problem.at, in the user's words


def refine_many(
    operator: nn.Module,
    problem: Problem,
    instances: int | GivenInstances,
    *,
    workers: int = 1,
    executor: GivenExecutor | None = None,
    path: str | Path | None = None,
    function_seed: int = 1,
    verbose: bool = False,
    **options: Unpack[ManyOptions],
) -> Instances:
    """Refine an operator for many input functions.

    Args:
        operator: see `refine_instance`.
        problem: a parametric one.
        instances: number of instances to draw from the problem's samplers, or the input functions
            themselves, as functions or arrays for `Problem.at`; where an instance has several, a
            mapping from their names.
        workers: number of instances at once, each in a process of this machine, which is replaced
            when it is lost; on GPUs each has one card.
        executor: in place of workers, anything with submit(function, …), such as an executor of
            concurrent.futures or mpi4py, a `dask.distributed.Client`, or the executor of submitit.
            Its workers need the same versions of pdelsr, torch and Python.
        path: file with one JSON line per instance, from which an interrupted run goes on, also
            with more instances or fewer.
        function_seed: for drawing instances, from another stream than that of training.
        verbose: show a progress bar, in a terminal.
        **options: of `refine_instance`.

    Raises:
        SettingsError: there is no sampler, a count is not positive, or an option does not fit.
        FileFormatError: the file belongs to another run.
        WorkerError: an instance lost its worker three times, the executor takes no more jobs, or
            its workers have other versions. A file has all rows so far.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> s, a = pl.unknown("s", x), pl.input_function("a", x)
        >>> problem = pl.Problem(
        ...     name="antiderivative",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(s.diff(x), a)],
        ...     conditions=[pl.Dirichlet(s, 0, on="x=0")],
        ...     inputs={a: pl.GaussianProcess(length_scale=0.3)},
        ...     reference=pl.reference.OfInputs(pl.reference.antiderivative),
        ... )
        >>> operator = pl.operators.PIDeepONet([i / 20 for i in range(21)], 1, hidden=(10, 10, 10))
        >>> found = pl.refine_many(operator, problem, 2, rank=60)  # of an untrained operator
        >>> all(row.error < 1e-4 * row.error_before for row in found.rows)
        True
    """
    require_executor(executor, workers)
    require_options(options)
    functions = _instances(problem, instances, function_seed)
    _require_read(operator, problem, list(functions[0]) if functions else [], options)
    done = {}
    if path is not None:
        done = read_rows(path, ManyRun.of(operator, problem, functions, {**DEFAULTS, **options}))
    waiting = [i for i in range(len(functions)) if i not in done]
    task = _Task(operator, problem, functions, options)
    with PassDisplay(verbose, kept=True) as display, ExitStack() as stack:
        if workers > 1 and waiting:
            executor = stack.enter_context(Workers(workers, _cards(operator)))
        rows = map(task, waiting) if executor is None else _rows(executor, task, waiting)
        for row in display.over(problem.name, rows, len(functions), lambda _: 1, len(done)):
            done[row.index] = row
            append_row(path, row)
    rows = [done[i] for i in range(len(functions))]
    single = all(len(given) == 1 for given in functions)
    listed: list[Any] = [{k: given_function(f) for k, f in given.items()} for given in functions]
    if single:
        listed = [next(iter(given.values())) for given in listed]
    return Instances(problem.name, rows, listed)


@dataclass(frozen=True)
class _Task:
    """The arguments that all instances share."""

    operator: nn.Module
    problem: Problem
    functions: Sequence[Functions]
    options: ManyOptions
    device: str | None = None

    def travelling(self) -> _Task:
        """The same task with the operator on the CPU, from where a worker brings it to its card."""
        device = next(self.operator.parameters()).device
        if device.type == "cpu":
            return self
        return replace(self, operator=copied(self.operator).cpu(), device=device.type)

    def __call__(self, index: int) -> InstanceRow:
        if self.device is not None:
            self.operator.to(self.device)
        return refined_row(
            self.operator, self.problem, self.functions[index], index, **self.options
        )


def _rows(executor: Executor, task: _Task, waiting: list[int]) -> Iterator[InstanceRow]:
    """The rows as they come from an executor."""
    with closing(outcomes(executor, _Row(task.travelling()), waiting)) as found:
        for _, row in found:
            yield built(InstanceRow, row, "a row")


@dataclass(frozen=True)
class _Row:
    """A row as plain data, which every version of Python reads."""

    task: _Task

    def __call__(self, index: int) -> dict[str, Any]:
        return asdict(self.task(index))


def _cards(operator: nn.Module) -> int:
    """The number of GPUs that processes share out among them."""
    return torch.cuda.device_count() if next(operator.parameters()).is_cuda else 0


def refined_row(
    operator: nn.Module,
    problem: Problem,
    functions: Functions,
    index: int,
    **options: Unpack[ManyOptions],
) -> InstanceRow:
    """Refine for one instance, and measure operator and refinement against the reference."""
    at = problem.at(**functions)
    begin = time.perf_counter()
    solution = refine_instance(operator, at, **options)
    seconds = time.perf_counter() - begin
    if solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    errors: tuple[dict[str, float], dict[str, float]] = ({}, {})
    if at.reference is not None:
        errors = _errors(at, solution)
    return InstanceRow(
        index,
        *errors,
        solution.heldout_start,
        solution.heldout,
        solution.delta is not None,
        solution.report.rank if solution.report else 0,
        seconds,
    )


def _errors(problem: Problem, solution: Solution) -> tuple[dict[str, float], dict[str, float]]:
    """Relative L2 errors without and with δ, on points where the reference has a value."""
    points, reference = where_known(problem, error_points(problem))
    if not len(points):
        return {}, {}
    before, after = (
        errors_of(problem, points, values_of(s, points), reference)
        for s in (solution.unrefined, solution)
    )
    names = solution.names
    return {u: before[u].relative_l2 for u in names}, {u: after[u].relative_l2 for u in names}


def error_points(problem: Problem) -> Float[np.ndarray, "n d"]:
    """The points in the domain of an equidistant grid of at least 10,000 points over its box."""
    bounds = [(float(a), float(b)) for a, b in problem.domain.bounding_box]
    side = math.ceil(round(GRID ** (1 / len(bounds)), 6)) + 1
    axes = np.meshgrid(*(np.linspace(a, b, side) for a, b in bounds), indexing="ij")
    points = np.stack([axis.ravel() for axis in axes], axis=1)
    return points[problem.domain.contains(points, tolerance=1e-9)]


def _instances(problem: Problem, given: Any, seed: int) -> list[Functions]:
    """The input functions of every instance by name."""
    if callable(given) or isinstance(given, Mapping):
        given = [given]
    if isinstance(given, Sequence | np.ndarray) and len(given) == 0:
        raise SettingsError("instances is empty: give a number of them, or input functions.")
    if isinstance(given, bool | float | None):
        raise SettingsError(
            f"instances is {given!r}: give a whole number, or input functions in a list."
        )
    if not isinstance(given, int | np.integer):
        return [_read(problem, one) for one in given]
    count = int(given)
    require_whole("instances", count, 1)
    require_whole("function_seed", seed, 0)
    if not problem.missing_inputs:
        raise SettingsError(
            f"{problem.name} is one instance already, and {count} functions were to be drawn: "
            "give the parametric problem, without .at(...)."
        )
    require_samplers(problem)
    drawn = drawn_functions(problem, count, INSTANCES + seed)
    given = dict(problem.instance)
    return [{**given, **{name: found[i] for name, found in drawn.items()}} for i in range(count)]


def _read(problem: Problem, given: Any) -> Functions:
    """Input functions of an instance; values at equidistant sensors become functions."""
    if not isinstance(given, Mapping):
        return dict(problem.at(given).instance)
    named = {getattr(key, "name", key): function for key, function in given.items()}
    if not all(isinstance(name, str) for name in named):
        raise SettingsError(
            f"an instance is {given!r:.60}: give functions by the names of the input functions."
        )
    return dict(problem.at(**named).instance)


def _require_read(
    operator: nn.Module, problem: Problem, names: list[str], options: ManyOptions
) -> None:
    """Refuse sensors of other input functions before a long run begins."""
    sensors = options.get("sensors")
    if isinstance(operator, PIDeepONet):
        require_sensors_of(problem, names, operator.sensor_sets)
    elif sensors is not None:
        require_sensors_of(problem, names, read_sensors(sensors))
