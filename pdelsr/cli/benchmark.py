"""`pdelsr benchmark`: the figures of the documentation, made again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pdelsr.benchmark.competitors import competitors_named
from pdelsr.benchmark.growth import Growth, growth_record, growth_table, measure_growth
from pdelsr.benchmark.instance import InstanceSettings, instance_table, measure_instance
from pdelsr.benchmark.products import ProductSettings, measure_products, product_table
from pdelsr.benchmark.samples import SampleSettings, measure_samples, sample_table
from pdelsr.benchmark.step import measure_step, step_table
from pdelsr.benchmark.storage import runs_text, write_runs
from pdelsr.benchmark.suite import Measurement, measure_suite
from pdelsr.benchmark.table import suite_table
from pdelsr.cli.limits import patience
from pdelsr.cli.options import read_parameters
from pdelsr.cli.streams import STANDARD_OUTPUT, Stream, is_colored, write_text
from pdelsr.errors import SettingsError
from pdelsr.problem_file import list_problems, load_problem, problem_folder
from pdelsr.results.rendered import rendered
from pdelsr.solvers.settings import require_positive, require_writable

WIDE = 130  # columns of a table, at least


def benchmark_command(chosen: argparse.Namespace) -> int:
    """Measure, print a table, and write the JSON and the picture that were asked for."""
    for path in (chosen.json, chosen.plot):
        if path is not None and path != STANDARD_OUTPUT:
            require_writable(path, str(path))
    commands = {
        "suite": _suite,
        "step": _step,
        "growth": _growth,
        "operator": _operator,
        "instance": _instance,
        "samples": _samples,
    }
    report = _Report(chosen.json)
    try:
        commands[chosen.what](chosen, report)
    finally:
        report.end()
    return 0


@dataclass
class _Report:
    """What a benchmark tells: lines and tables, and its measurements as JSON.

    Args:
        json: file of the measurements; "-" for standard output, whereupon all else goes to standard
            error; None for none.
        text: measurements for standard output so far.
    """

    json: Path | None
    text: str = ""

    @property
    def stream(self) -> Stream:
        return sys.stderr if self.json == STANDARD_OUTPUT else sys.stdout

    def say(self, text: str) -> None:
        """A line, or several."""
        write_text(text, self.stream)

    def tabulate(self, table: Table) -> None:
        """A table; in a narrow terminal long lines are better than cut numbers."""
        width = max(WIDE, Console().width)
        self.say(rendered(table, width=width, color=is_colored(self.stream)))

    def write(self, found: Sequence[Any], **facts: Any) -> None:
        """The measurements so far: a long suite that is cut leaves what it has."""
        if self.json == STANDARD_OUTPUT:
            self.text = runs_text(found, **facts)
        elif self.json is not None:
            write_runs(self.json, found, **facts)

    def end(self) -> None:
        """Print what was asked for on standard output."""
        if self.text:
            write_text(self.text.rstrip(), sys.stdout)


def _suite(chosen: argparse.Namespace, report: _Report) -> None:
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
        report.say(
            f"{m.problem} {m.method} seed {m.seed}: error {m.relative_l2:.1e}, held-out "
            f"{m.heldout:.1e}, {m.seconds:.0f} of {m.time_limit:g} s, {m.status}"
        )
        found.append(m)
        report.write(found, time_limit=chosen.time_limit)

    measure_suite(problems, competitors, chosen.time_limit, seeds, tell)
    report.tabulate(suite_table(found, names))
    if chosen.plot:
        _pictures().plot_suite(chosen.plot, found, names)


def _step(chosen: argparse.Namespace, report: _Report) -> None:
    _require_no_plot(chosen)
    found = measure_step()
    report.tabulate(step_table(found))
    report.write(found)


def _samples(chosen: argparse.Namespace, report: _Report) -> None:
    _require_no_plot(chosen)
    settings = SampleSettings()
    found = measure_samples(settings)
    report.tabulate(sample_table(found, settings))
    report.write(found)


def _growth(chosen: argparse.Namespace, report: _Report) -> None:
    def tell(g: Growth) -> None:
        report.say(
            f"n {g.rows}, m {g.parameters}, r {g.rank}: {g.seconds:.2f} s, "
            f"{g.memory_bytes / 1e6:.0f} MB"
        )

    sweeps = measure_growth(tell=tell)
    report.tabulate(growth_table(sweeps))
    report.write(sweeps, slopes={sweep.varied: growth_record(sweep) for sweep in sweeps})
    if chosen.plot:
        _pictures().plot_growth(chosen.plot, sweeps)


def _operator(chosen: argparse.Namespace, report: _Report) -> None:
    _require_no_plot(chosen)
    settings = ProductSettings()
    found = measure_products(settings)
    report.tabulate(product_table(found, settings))
    report.write(found)


def _instance(chosen: argparse.Namespace, report: _Report) -> None:
    _require_no_plot(chosen)
    settings = InstanceSettings()
    found = measure_instance(settings)
    report.tabulate(instance_table(found, settings))
    report.write(found)


def _require_no_plot(chosen: argparse.Namespace) -> None:
    if chosen.plot:
        raise SettingsError(f"benchmark {chosen.what} draws nothing: leave --plot out.")


def _pictures() -> Any:
    # Delayed: matplotlib is slow to load, and most commands draw nothing.
    return import_module("pdelsr.benchmark.pictures")


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
