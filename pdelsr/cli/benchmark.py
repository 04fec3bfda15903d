"""`pdelsr benchmark`: the figures of the documentation, measured again."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from pdelsr.benchmark.competitors import COMPETITORS, competitors_named
from pdelsr.benchmark.growth import Growth, growth_record, growth_table, measure_growth
from pdelsr.benchmark.instance import InstanceSettings, instance_table, measure_instance
from pdelsr.benchmark.products import ProductSettings, measure_products, product_table
from pdelsr.benchmark.samples import SampleSettings, measure_samples, sample_table
from pdelsr.benchmark.step import measure_step, step_table
from pdelsr.benchmark.suite import Measurement, measure_suite
from pdelsr.benchmark.table import suite_table
from pdelsr.cli.limits import patience
from pdelsr.cli.options import read_parameters, read_whole
from pdelsr.cli.outputs import require_outputs
from pdelsr.cli.pictures import benchmark_pictures
from pdelsr.cli.report import Report
from pdelsr.errors import SettingsError, said
from pdelsr.executors import Executor, Workers
from pdelsr.problem_file import list_problems, load_problem, problem_folder
from pdelsr.results.optional import optional_package
from pdelsr.solvers.state.settings import require_positive, require_seed, require_whole

SECONDS = 60.0  # of a run of the suite, by default
PATIENCE = 10  # seconds for a scheduler to answer
OF_SUITE = ("folder", "problems", "methods", "set", "time_limit", "seeds", "workers", "dask")
DRAWN = ("suite", "growth")


def benchmark_command(chosen: argparse.Namespace) -> int:
    """Measure, print a table, and write the JSON and the picture that were asked for."""
    _require_used(chosen)
    require_outputs(json=chosen.json, plot=chosen.plot)
    if chosen.plot is not None:
        benchmark_pictures().require_picture(chosen.plot)
    commands = {
        "suite": _suite,
        "step": _step,
        "growth": _growth,
        "operator": _operator,
        "instance": _instance,
        "samples": _samples,
    }
    report = Report(chosen.json)
    try:
        commands[chosen.what](chosen, report)
    finally:
        report.end()
    report.require_written()
    return 0


def _require_used(chosen: argparse.Namespace) -> None:
    """Refuse arguments that this benchmark does not use.

    Raises:
        SettingsError: there are some; the message names the first.
    """
    if chosen.what != "suite":
        for name in OF_SUITE:
            if getattr(chosen, name) not in (None, []):
                raise SettingsError(
                    f"benchmark {chosen.what} has sizes of its own, and --{name.replace('_', '-')} "
                    "is for the suite: leave it out."
                )
    if chosen.plot is not None and chosen.what not in DRAWN:
        raise SettingsError(f"benchmark {chosen.what} draws nothing: leave --plot out.")


def _suite(chosen: argparse.Namespace, report: Report) -> None:
    names = list(COMPETITORS) if chosen.methods is None else chosen.methods.split(",")
    limits = chosen.time_limit or [SECONDS]
    competitors, seeds = competitors_named(names), _seeds(chosen.seeds)
    for limit in limits:
        require_positive("time_limit", limit)
    values, found = read_parameters(chosen.set), []
    problems = [load_problem(path, patience(max(limits))) for path in _files(chosen)]
    if values:
        problems = [problem.with_parameters(**values) for problem in problems]

    def tell(m: Measurement) -> None:
        report.say(
            f"{m.problem} {m.method} seed {m.seed}: error {m.relative_l2:.1e}, held-out "
            f"{m.heldout:.1e}, {m.seconds:.0f} of {m.time_limit:g} s, {m.status}"
        )
        found.append(m)
        report.write(found, time_limit=limits)

    with ExitStack() as stack:
        executor = _executor(chosen, stack)
        measure_suite(problems, competitors, limits, seeds, tell, executor=executor)
    report.tabulate(suite_table(found, names))
    if chosen.plot is not None:
        benchmark_pictures().plot_suite(chosen.plot, found, names)


def _executor(chosen: argparse.Namespace, stack: ExitStack) -> Executor | None:
    """What runs go to, which ends with the stack; None for this process."""
    if chosen.workers is not None:
        require_whole("workers", chosen.workers, 1)
        return stack.enter_context(Workers(chosen.workers))
    if chosen.dask is None:
        return None
    client = optional_package("distributed", "benchmark --dask", "dask").Client
    try:
        return stack.enter_context(client(chosen.dask, timeout=PATIENCE))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"no scheduler of dask answers at {chosen.dask} ({said(error)}): start one by "
            "`dask scheduler`, and give the address that it prints."
        ) from error


def _step(_: argparse.Namespace, report: Report) -> None:
    found = measure_step()
    report.tabulate(step_table(found))
    report.write(found)


def _samples(_: argparse.Namespace, report: Report) -> None:
    settings = SampleSettings()
    found = measure_samples(settings)
    report.tabulate(sample_table(found, settings))
    report.write(found)


def _growth(chosen: argparse.Namespace, report: Report) -> None:
    def tell(g: Growth) -> None:
        report.say(
            f"n {g.rows}, m {g.parameters}, r {g.rank}: {g.seconds:.2f} s, "
            f"{g.memory_bytes / 1e6:.0f} MB"
        )

    sweeps = measure_growth(tell=tell)
    report.tabulate(growth_table(sweeps))
    report.write(sweeps, slopes={sweep.varied: growth_record(sweep) for sweep in sweeps})
    if chosen.plot is not None:
        benchmark_pictures().plot_growth(chosen.plot, sweeps)


def _operator(_: argparse.Namespace, report: Report) -> None:
    settings = ProductSettings()
    found = measure_products(settings)
    report.tabulate(product_table(found, settings))
    report.write(found)


def _instance(_: argparse.Namespace, report: Report) -> None:
    settings = InstanceSettings()
    found = measure_instance(settings)
    report.tabulate(instance_table(found, settings))
    report.write(found)


def _files(chosen: argparse.Namespace) -> list[str]:
    """The problem files of a folder, and files given by path."""
    asked = [] if chosen.problems is None else chosen.problems.split(",")
    if asked and all(name.endswith(".py") for name in asked):
        return asked
    folder = chosen.folder or problem_folder()
    listed = {found.path.stem: str(found.path) for found in list_problems(folder)}
    if not listed:
        raise SettingsError(f"no file in {folder} defines `problem`: give --folder.")
    wanted = asked or list(listed)
    for name in wanted:
        if name not in listed and not name.endswith(".py"):
            raise SettingsError(f"no problem {name!r} in {folder}: it has {list(listed)}.")
    return [listed.get(name, name) for name in wanted]


def _seeds(text: str | None) -> list[int]:
    if text is None:
        return [0]
    try:
        seeds = [read_whole(seed) for seed in text.split(",")]
    except ValueError:
        raise SettingsError(f"--seeds {text!r:.60}: give whole numbers, as in 0,1,2.") from None
    for seed in seeds:
        require_seed(seed)
    return seeds
