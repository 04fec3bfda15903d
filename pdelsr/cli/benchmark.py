"""`pdelsr benchmark`: the figures of the documentation, made again."""

from __future__ import annotations

import argparse

from rich.console import Console

from pdelsr.benchmark.step import measure_step, step_table
from pdelsr.benchmark.suite import Measurement, measure_suite, suite_table, write_suite
from pdelsr.cli.problem_file import list_problems, load_problem
from pdelsr.errors import SettingsError
from pdelsr.solvers.registry import method_class


def benchmark_command(chosen: argparse.Namespace) -> int:
    """Measure, print a table, and write the JSON that was asked for."""
    console = Console()
    if chosen.what == "step":
        console.print(step_table(measure_step()))
        return 0
    methods = chosen.methods.split(",")
    for method in methods:
        method_class(method)

    def tell(m: Measurement) -> None:
        console.print(
            f"{m.problem} {m.method} seed {m.seed}: error {m.relative_l2:.1e}, held-out "
            f"{m.heldout:.1e}, {m.seconds:.0f} s, {m.status}",
            highlight=False,
        )

    problems = [load_problem(path) for path in _files(chosen)]
    found = measure_suite(problems, methods, chosen.time_limit, _seeds(chosen.seeds), tell)
    console.print(suite_table(found, methods))
    if chosen.json:
        write_suite(chosen.json, found, chosen.time_limit)
    return 0


def _files(chosen: argparse.Namespace) -> list[str]:
    listed = {found.path.stem: str(found.path) for found in list_problems(chosen.folder)}
    if not listed:
        raise SettingsError(f"no file in {chosen.folder} defines `problem`: give --folder.")
    wanted = chosen.problems.split(",") if chosen.problems else list(listed)
    for name in wanted:
        if name not in listed:
            raise SettingsError(f"no problem {name!r} in {chosen.folder}: it has {list(listed)}.")
    return [listed[name] for name in wanted]


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise SettingsError(f"--seeds {text!r}: give whole numbers, as in 0,1,2.") from None
