"""The pictures of the benchmarks, from their measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pdelsr.benchmark.growth import Growth, Sweep
from pdelsr.benchmark.suite import Measurement, name_of_row
from pdelsr.results.plot.comparison import ErrorCurve, draw_comparison
from pdelsr.results.plot.growth import GrowthPanel, PowerLaw, draw_growth
from pdelsr.results.plot.write import PICTURES, require_file

SYMBOLS = {"rows": "n", "parameters": "m", "rank": "r"}
TIMES = {"total": "seconds", "basis": "basis", "G V": "product", "solve": "solve"}


def require_picture(path: Path) -> None:
    """Refuse a picture's file before anything is measured.

    Raises:
        SettingsError: the ending is no picture format, or the folder does not exist.
    """
    require_file(path, PICTURES, "pictures")


def plot_suite(path: Path, found: Sequence[Measurement], methods: Sequence[str]) -> None:
    """Error against time of the median seed at the longest limit, one panel a problem."""
    curves = {}
    for problem in dict.fromkeys(m.problem for m in found):
        longest = max(m.time_limit for m in found if m.problem == problem)
        of_problem = [m for m in found if (m.problem, m.time_limit) == (problem, longest)]
        runs = {k: [m for m in of_problem if m.method == k] for k in methods}
        curves[name_of_row(problem, of_problem)] = {
            k: _curve(median_run(r)) for k, r in runs.items() if r
        }
    draw_comparison(curves, methods, path)


def median_run(runs: Sequence[Measurement]) -> Measurement:
    """The run with the median error, the lower one of two."""
    return sorted(runs, key=lambda m: m.relative_l2)[(len(runs) - 1) // 2]


def _curve(run: Measurement) -> ErrorCurve:
    seconds, errors = [s for s, _ in run.curve], [e for _, e in run.curve]
    return ErrorCurve(seconds, errors, run.seconds)


def plot_growth(path: Path, sweeps: Sequence[Sweep]) -> None:
    """Seconds and memory against every size."""
    times = [_panel(sweep, TIMES) for sweep in sweeps]
    memories = [_panel(sweep, {"total": "memory_bytes"}, 1e-6) for sweep in sweeps]
    draw_growth(times, memories, path)


def _panel(sweep: Sweep, parts: dict[str, str], factor: int | float = 1.0) -> GrowthPanel:
    series = {label: _law(sweep, part, factor) for label, part in parts.items()}
    name = f"{SYMBOLS[sweep.varied]}, {sweep.varied}"
    return GrowthPanel(name, _fixed(sweep.varied, sweep.found[0]), sweep.sizes, series)


def _law(sweep: Sweep, part: str, factor: int | float) -> PowerLaw:
    slopes = sweep.slopes(part)
    return PowerLaw([factor * v for v in sweep.values(part)], slopes.overall, slopes.upper)


def _fixed(varied: str, growth: Growth) -> str:
    others = (name for name in SYMBOLS if name != varied)
    return ", ".join(f"{SYMBOLS[name]} = {getattr(growth, name):,}" for name in others)
