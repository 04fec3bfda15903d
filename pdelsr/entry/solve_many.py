"""`solve_many`: problems, parameters and seeds, solved side by side on any executor."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import Unpack

from pdelsr.checkpoint.fingerprint import of_module, part_text
from pdelsr.compile import compile_problem
from pdelsr.declare import Problem
from pdelsr.declare.conditions.given import GivenNumber
from pdelsr.entry.solve import solve
from pdelsr.errors import FileFormatError, SettingsError
from pdelsr.executors import Executor, GivenExecutor, Workers, outcomes
from pdelsr.executors.submission import require_executor
from pdelsr.files.atomic import NOT_WRITTEN, unwritable, write_whole
from pdelsr.files.digest import digest
from pdelsr.files.identity import problem_lines
from pdelsr.linearize.block_digest import PROBES, digests_of_blocks
from pdelsr.linearize.points import PointPlan
from pdelsr.progress import PassDisplay
from pdelsr.results.loading import load
from pdelsr.results.runs import Run, Runs
from pdelsr.solvers.methods.options import AnyOptions
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.settings import require_whole
from pdelsr.solvers.state.status import Status

if TYPE_CHECKING:
    Values: TypeAlias = Mapping[str, GivenNumber]
    """Values of named parameters, as for `Problem.with_parameters`."""
    GivenProblems: TypeAlias = Problem | Sequence[Problem]
else:
    Values = GivenProblems = object  # checked here, in the user's words

HERE_ONLY = ("callback", "checkpoint", "checkpoint_every", "start", "seed")
LENGTH = 12  # digits of a digest in the name of a file


def solve_many(
    problems: GivenProblems,
    method: str | Method = "ilsr",
    *,
    parameters: Sequence[Values] = ({},),
    seeds: Sequence[int] = (0,),
    workers: int = 1,
    executor: GivenExecutor | None = None,
    path: str | Path | None = None,
    **options: Unpack[AnyOptions],
) -> Runs:
    """Solve every problem with all values of its parameters and all seeds.

    Args:
        problems: one, or several.
        method: see `solve`.
        parameters: values of named parameters of every problem, a mapping for each run.
        seeds: of the runs of each problem and choice of parameters.
        workers: number of runs at once, each in a process of this machine, which is replaced when
            it is lost.
        executor: in place of workers, anything with submit(function, …), such as an executor of
            concurrent.futures or mpi4py, a `dask.distributed.Client`, or the executor of submitit.
            Its workers need the same versions of pdelsr, torch and Python.
        path: a folder with a file for each solution, from which an interrupted call goes on. A run
            with other options has another file.
        **options: of `solve`, without its callback, checkpoint and start; `verbose` shows a bar for
            all runs.

    Returns:
        A sequence of `Run`, each with its problem, seed and solution. It prints as a table.

    Raises:
        SettingsError: an option does not fit.
        ProblemError: a problem cannot be solved as it is declared.
        FileFormatError: a file in the folder is none of `solve_many`, or cannot be written.
        WorkerError: a run lost its worker three times, the executor takes no more jobs, or its
            workers have other versions. The folder has all solutions so far.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> u, k = pl.unknown("u", x), sp.Symbol("k")
        >>> problem = pl.Problem(
        ...     name="string",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(u.diff(x, 2), -k * sp.pi**2 * sp.sin(sp.pi * x))],
        ...     conditions=[pl.Dirichlet(u, 0)],
        ...     reference=k * sp.sin(sp.pi * x),
        ...     parameters={k: 1},
        ... )
        >>> runs = pl.solve_many(problem, "lsr", parameters=[{"k": 1}, {"k": 2}], seeds=[0, 1])
        >>> [run.problem.parameters["k"] for run in runs]
        [1, 1, 2, 2]
        >>> all(run.solution.errors["u"].relative_l2 < 1e-8 for run in runs)
        True
    """
    require_executor(executor, workers)
    for name in HERE_ONLY:
        if name in options:
            raise SettingsError(f"solve_many has no option {name!r}: its runs are elsewhere.")
    given = [problems] if isinstance(problems, Problem) else problems
    listed = isinstance(given, Sequence) and all(isinstance(one, Problem) for one in given)
    if not listed or not given:
        raise SettingsError(f"problems are {problems!r:.60}: give problems, at least one.")
    for seed in seeds:
        require_whole("seed", seed, 0)
    jobs = [
        (one.with_parameters(**values) if values else one, seed)
        for one, values, seed in itertools.product(given, parameters, seeds)
    ]
    task = _Task(jobs, method, {k: v for k, v in options.items() if k != "verbose"})
    with ExitStack() as stack:
        if path is None:
            path = stack.enter_context(tempfile.TemporaryDirectory())
        files = [task.file(Path(path), number) for number in range(len(jobs))]
        _require_folder(Path(path))
        waiting = [number for number, file in enumerate(files) if not file.exists()]
        if workers > 1 and waiting:
            executor = stack.enter_context(Workers(workers))
        display = stack.enter_context(PassDisplay(bool(options.get("verbose")), kept=True))
        found = _saved(executor, task, waiting)
        done = len(jobs) - len(waiting)
        for number, data in display.over("solve_many", found, len(jobs), lambda _: 1, done):
            try:
                write_whole(files[number], data)
            except NOT_WRITTEN as error:
                raise FileFormatError(unwritable(files[number], error)) from error
        return Runs(
            tuple(
                Run(problem, seed, load(file, problem, network=options.get("network")))
                for (problem, seed), file in zip(jobs, files, strict=True)
            )
        )


def _saved(
    executor: Executor | None, task: _Task, waiting: list[int]
) -> Iterator[tuple[int, bytes]]:
    """The files of solutions, as they come."""
    if executor is None:
        yield from ((number, task(number)) for number in waiting)
        return
    with closing(outcomes(executor, task, waiting)) as found:
        yield from found


@dataclass(frozen=True)
class _Task:
    """The runs, and what they share."""

    jobs: Sequence[tuple[Problem, int]]
    method: str | Method
    options: Mapping[str, Any]

    def __call__(self, number: int) -> bytes:
        """Solve one problem, and give the contents of its file."""
        problem, seed = self.jobs[number]
        solution = solve(problem, self.method, seed=seed, **self.options)
        if solution.status is Status.INTERRUPTED:  # and is not what was asked for
            raise KeyboardInterrupt
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "solution.safetensors"
            solution.save(file)
            return file.read_bytes()

    def file(self, folder: Path, number: int) -> Path:
        """Where a solution is kept: a name that tells problem, method, options and seed apart."""
        problem, seed = self.jobs[number]
        blocks = compile_problem(problem).blocks
        plan = PointPlan(problem.domain, {block.name: PROBES for block in blocks})
        network = self.options.get("network")
        text = digest(
            [
                *problem_lines(problem),
                *(f"{k} {v}" for k, v in digests_of_blocks(blocks, plan).items()),
                part_text(self.method),
                str({name: part_text(value) for name, value in sorted(self.options.items())}),
                *([] if network is None else of_module(network)),
            ]
        )
        return folder / f"{problem.name}-{text[:LENGTH]}-seed-{seed}.safetensors"


def _require_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"path is {folder}, a file: give a folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileFormatError(unwritable(folder, error)) from error
