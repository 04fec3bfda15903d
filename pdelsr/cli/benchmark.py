"""`pdelsr benchmark`: the figures of the documentation, made again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from rich.console import Console
from rich.table import Table

from pdelsr.benchmark.competitors import competitors_named
from pdelsr.benchmark.growth import Growth, growth_record, growth_table, measure_growth
from pdelsr.benchmark.instance import InstanceSettings, instance_table, measure_instance
from pdelsr.benchmark.products import ProductSettings, measure_products, product_table
from pdelsr.benchmark.samples import SampleSettings, measure_samples, sample_table
from pdelsr.benchmark.step import measure_step, step_table
from pdelsr.benchmark.storage import write_runs
from pdelsr.benchmark.suite import Measurement, measure_suite
from pdelsr.benchmark.table import suite_table
from pdelsr.cli.limits import patience
from pdelsr.cli.options import read_parameters
from pdelsr.errors import SettingsError
from pdelsr.problem_file import list_problems, load_problem, problem_folder
from pdelsr.solvers.settings import require_positive, require_writable

WIDE = 130  # columns; in a narrower terminal long lines are better than cut numbers


def benchmark_command(chosen: argparse.Namespace) -> int:
    """Measure, print a table, and write the JSON and the picture that were asked for."""
    for path in (chosen.json, chosen.plot):
        if path is not None:
            require_writable(path, str(path))
    commands = {
        "suite": _suite,
        "step": _step,
        "growth": _growth,
        "operator": _operator,
        "instance": _instance,
        "samples": _samples,
    }
    commands[chosen.what](chosen)
    return 0


def _suite(chosen: argparse.Namespace) -> None:
    competitors = competitors_named(chosen.methods.split(","))
    names = [c.name for c in competitors]
    seeds, found = _seeds(chosen.seeds), []
    for limit in chosen.time_limit:
        require_positive("time_limit", limit)
    values = read_parameters(chosen.set)
    problems = [load_problem(path, patience(max(chosen.time_limit))) for path in _files(chosen)]
    if values:
        problems = [problem.with_parameters(**values) for problem in problems]

    def tell(m: Measurement) -> None:
        _say(
            f"{m.problem} {m.method} seed {m.seed}: error {m.relative_l2:.1e}, held-out "
            f"{m.heldout:.1e}, {m.seconds:.0f} of {m.time_limit:g} s, {m.status}"
        )
        found.append(m)
        if chosen.json:  # after every run: a long suite that is cut leaves what it has
            write_runs(chosen.json, found, time_limit=chosen.time_limit)

    measure_suite(problems, competitors, chosen.time_limit, seeds, tell)
    _print(suite_table(found, names))
    if chosen.plot:
        _pictures().plot_suite(chosen.plot, found, names)


def _step(chosen: argparse.Namespace) -> None:
    _require_no_plot(chosen)
    found = measure_step()
    _tabulate(chosen, step_table(found), found)


def _samples(chosen: argparse.Namespace) -> None:
    _require_no_plot(chosen)
    settings = SampleSettings()
    found = measure_samples(settings)
    _tabulate(chosen, sample_table(found, settings), found)


def _growth(chosen: argparse.Namespace) -> None:
    def tell(g: Growth) -> None:
        _say(
            f"n {g.rows}, m {g.parameters}, r {g.rank}: {g.seconds:.2f} s, "
            f"{g.memory_bytes / 1e6:.0f} MB"
        )

    sweeps = measure_growth(tell=tell)
    _print(growth_table(sweeps))
    if chosen.json:
        slopes = {sweep.varied: growth_record(sweep) for sweep in sweeps}
        write_runs(chosen.json, sweeps, slopes=slopes)
    if chosen.plot:
        _pictures().plot_growth(chosen.plot, sweeps)


def _operator(chosen: argparse.Namespace) -> None:
    _require_no_plot(chosen)
    settings = ProductSettings()
    found = measure_products(settings)
    _tabulate(chosen, product_table(found, settings), found)


def _instance(chosen: argparse.Namespace) -> None:
    _require_no_plot(chosen)
    settings = InstanceSettings()
    found = measure_instance(settings)
    _tabulate(chosen, instance_table(found, settings), found)


def _tabulate(chosen: argparse.Namespace, table: Table, found: Sequence[Any]) -> None:
    """Print a table, and write what it shows where that was asked for."""
    _print(table)
    if chosen.json:
        write_runs(chosen.json, found)


def _require_no_plot(chosen: argparse.Namespace) -> None:
    if chosen.plot:
        raise SettingsError(f"benchmark {chosen.what} draws nothing: leave --plot out.")


def _pictures() -> Any:
    # Delayed: matplotlib is slow to load, and most commands draw nothing.
    return import_module("pdelsr.benchmark.pictures")


def _say(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True)


def _print(table: Table) -> None:
    Console(width=max(WIDE, Console().width), highlight=False).print(table)


def _files(chosen: argparse.Namespace) -> list[str]:
    folder = chosen.folder or problem_folder()
    listed = {found.path.stem: str(found.path) for found in list_problems(folder)}
    if not listed:
        raise SettingsError(f"no file in {folder} defines `problem`: give --folder.")
    wanted = chosen.problems.split(",") if chosen.problems else list(listed)
    for name in wanted:
        if name not in listed:
            raise SettingsError(f"no problem {name!r} in {folder}: it has {list(listed)}.")
    return [listed[name] for name in wanted]


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise SettingsError(f"--seeds {text!r}: give whole numbers, as in 0,1,2.") from None
