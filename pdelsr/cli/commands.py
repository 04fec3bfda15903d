"""What the commands do."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from pdelsr.cli.limits import patience, with_errors
from pdelsr.cli.log import shown_log
from pdelsr.cli.options import read_options, read_parameters, read_slice, read_widths
from pdelsr.cli.outputs import require_outputs
from pdelsr.cli.pictures import solution_pictures
from pdelsr.cli.show import show_text
from pdelsr.cli.streams import STANDARD_OUTPUT, is_colored, write_text
from pdelsr.declare import Problem
from pdelsr.entry.distributed import joined
from pdelsr.entry.solve import solve
from pdelsr.errors import ProblemError, SettingsError, described
from pdelsr.problem_file import find_file, list_problems, load_problem, problem_folder
from pdelsr.results import Solution
from pdelsr.results.loading import load
from pdelsr.solvers.state.status import Status

DIVERGED = 1
PLAIN_OPTIONS = (
    *("rank", "points", "dtype", "device", "seed"),
    *("time_limit", "tolerance", "max_iterations", "checkpoint", "checkpoint_every"),
)


def solve_command(chosen: argparse.Namespace) -> int:
    """Solve, write the files that were asked for, print the summary.

    Of several processes that share the work, the first one writes and prints.
    """
    options = read_method_options(chosen)
    at = read_slice(chosen.at)
    require_outputs(
        find_file(chosen.file),
        plot=chosen.plot,
        animate=chosen.animate,
        json=chosen.json,
        save=chosen.save,
        checkpoint=options.get("checkpoint"),
    )
    problem = read_problem(chosen)
    require_pictures(chosen, problem, at)
    start = load(chosen.start, problem) if chosen.start else None
    options |= {"start": start, "verbose": not chosen.quiet, "distributed": chosen.distributed}
    other = chosen.distributed and not joined().is_first  # the first process tells
    with shown_log(0 if other else chosen.verbose, chosen.quiet):
        solution, mistake = solved_so_far(lambda: solve(problem, chosen.method, **options))
    if other:
        return DIVERGED if mistake or solution.status is Status.DIVERGED else 0
    solution, failed = deliver(solution, chosen, at)
    first = mistake or failed
    if first is not None:
        raise first
    return DIVERGED if solution.status is Status.DIVERGED else 0


def solved_so_far(run: Callable[[], Solution]) -> tuple[Solution, ProblemError | None]:
    """The solution of a run, or the best one so far if a mistake in the problem ended it.

    Raises:
        ProblemError: nothing had been found by then.
    """
    try:
        return run(), None
    except ProblemError as error:
        if error.solution is None:
            raise
        return error.solution, error


def deliver(
    solution: Solution, chosen: argparse.Namespace, at: Mapping[str, Any] | None
) -> tuple[Solution, Exception | None]:
    """Write the files that were asked for and print the summary, even if something fails.

    The solution is saved first, before a reference can fail. The summary comes before the pictures,
    for which a reference may take forever.

    Returns:
        The solution, without its reference if that fails, and the first failure; later ones are
        warnings.
    """
    failures: list[Exception] = []
    if chosen.save:
        failures += tried(lambda: solution.save(chosen.save))
    known, trouble = with_errors(solution, patience(chosen.time_limit))
    to_stdout = chosen.json == STANDARD_OUTPUT
    if chosen.json and not to_stdout:
        failures += tried(lambda: known.to_json(chosen.json))
    failures += tried(lambda: tell(known, known.to_json() if to_stdout else None, chosen.quiet))
    if chosen.plot:
        failures += tried(lambda: known.plot(chosen.plot, at=at))
    if chosen.animate:
        failures += tried(lambda: known.animate(chosen.animate, at=at))
    failures += [] if trouble is None else [trouble]
    for other in failures[1:]:
        warnings.warn(described(other), stacklevel=2)
    return known, failures[0] if failures else None


def tried(step: Callable[[], object]) -> list[Exception]:
    """The exceptions of a step after the run, which must not stop the other steps."""
    try:
        step()
    except Exception as error:  # also unforeseen ones, which `main` reports at the end
        return [error]
    return []


def tell(solution: Solution, record: str | None, quiet: bool) -> None:
    """Print the summary, unless nobody reads it.

    Args:
        solution: of the run.
        record: JSON for standard output, if any; the summary then goes to standard error.
        quiet: print no summary.
    """
    stream = sys.stdout if record is None else sys.stderr
    if not quiet:
        write_text(solution.summary(color=is_colored(stream)), stream)
    if record is not None:
        write_text(record, sys.stdout)


def show_command(chosen: argparse.Namespace) -> int:
    """Print the problem as understood, and what the method would need."""
    problem = read_problem(chosen)
    print(show_text(problem, chosen.method, read_method_options(chosen)))
    return 0


def list_command(chosen: argparse.Namespace) -> int:
    """Print the problem files of a folder, one per line."""
    folder = chosen.folder or problem_folder()
    found = list_problems(folder)
    if not found:
        print(f"no file in {folder} defines `problem`")
        return 0
    width = max(len(listed.path.stem) for listed in found)
    for listed in found:
        print(f"{listed.path.stem:<{width}}  {listed.title}".rstrip())
    return 0


def read_problem(chosen: argparse.Namespace) -> Problem:
    """The problem of the file, with parameters from the command line."""
    values = read_parameters(chosen.set)
    problem = load_problem(chosen.file, patience(getattr(chosen, "time_limit", None)))
    return problem.with_parameters(**values) if values else problem


def require_pictures(
    chosen: argparse.Namespace, problem: Problem, at: Mapping[str, Any] | None
) -> None:
    """Refuse pictures that cannot be drawn, before any time is spent.

    Raises:
        SettingsError: an ending or a slice does not fit, or there is a slice without a picture.
    """
    if chosen.plot or chosen.animate:
        plot = solution_pictures()
        plot.require_drawable(problem.domain, chosen.plot, chosen.animate, at)
    elif at is not None:
        raise SettingsError("--at is a slice of a picture: give --plot or --animate with it.")


def read_method_options(chosen: argparse.Namespace) -> dict[str, Any]:
    """The given options by name; the others keep their defaults.

    Raises:
        SettingsError: a value does not fit, or there are seconds between checkpoints but no
            checkpoint.
    """
    options = {name: getattr(chosen, name, None) for name in PLAIN_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    if chosen.hidden is not None:
        options["hidden"] = read_widths(chosen.hidden)
    if getattr(chosen, "refine", False):
        options["refine"] = True
    options |= read_options(chosen.method, chosen.option)
    if "checkpoint_every" in options and options.get("checkpoint") is None:
        raise SettingsError("--checkpoint-every is for a checkpoint: give --checkpoint FILE too.")
    return options
