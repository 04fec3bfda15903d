"""A summary of a solution for the terminal."""

from __future__ import annotations

import re

from rich import box
from rich.table import Table
from rich.text import Text

from pdelsr.errors import PdelsrError
from pdelsr.networks import FeatureNetwork, HardConditions, ModuleNetwork, Network
from pdelsr.resources.memory import bytes_text
from pdelsr.results.base import BaseSolution
from pdelsr.results.rendered import rendered
from pdelsr.results.uniqueness import not_unique, up_to
from pdelsr.solvers.state.status import Status

WIDTH = 88
OFFSET = 3.0  # times ‖u − mean u‖, above which ‖u‖ hides the variation
GOOD = (
    Status.CONVERGED,
    Status.COMPLETED,
    Status.PRECISION_LIMITED,
    Status.MAX_ITERATIONS,
)


def summary_text(solution: BaseSolution, color: bool = False) -> str:
    """Title, status with advice, errors, residuals, and costs, in at most 88 columns."""
    parts = [_title(solution), _status(solution)]
    parts += _errors(solution)
    parts += [_residuals(solution)] if solution.blocks else []
    parts.append(_facts(solution))
    return re.sub(r"\n{3,}", "\n\n", rendered(*parts, width=WIDTH, color=color))


def network_text(network: Network) -> str:
    """A network in a few words: "MLP 2-60-60-1, tanh, 3,901 parameters"."""
    inner = network.network if isinstance(network, HardConditions) else network
    if isinstance(inner, FeatureNetwork):
        widths = "-".join(map(str, (inner.in_features, *inner.hidden, inner.out_features)))
        what = f"{type(inner).__name__} {widths}, {inner.activation.name}"
    else:
        module = inner.module if isinstance(inner, ModuleNetwork) else inner
        what = getattr(module, "label", type(module).__name__)
    return f"{what}, {network.parameter_count:,} parameters"


def _title(solution: BaseSolution) -> Text:
    """What a user wants to know first: the estimated error, and whether that suffices."""
    text = Text(solution.problem.name, style="bold")
    text.append(f" by {solution.method.name}: ", style="not bold")
    text.append(verdict(solution), style="bold" if solution.estimate_is_reliable else "yellow")
    tolerance = solution.settings.tolerance
    if tolerance > 0 and solution.blocks:
        found = max(b.heldout_rms for b in solution.blocks.values())
        met = "met" if found <= tolerance else f"not met ({found:.1e})"
        text.append(f"; residual tolerance {tolerance:g} {met}", style="not bold")
    return text


def verdict(solution: BaseSolution) -> str:
    """The estimated error in a few words, with the open part, or that it is not known."""
    estimate, value = solution.estimate, solution.error_estimate
    if value is not None:
        return f"estimated error {value:.1e}{up_to(solution.problem)}"
    if solution.status is Status.NOT_SOLVED:
        return "not solved"
    return "not unique" if estimate.open else "error not known"


def _status(solution: BaseSolution) -> Text:
    style = "green" if solution.status in GOOD and not solution.doubts else "yellow"
    text = Text(solution.status.value, style=style)
    return text.append(f": {solution.advice}", style="default")


def _errors(solution: BaseSolution) -> list[Table | Text]:
    """The errors, or why there are none; a failing reference costs no summary."""
    try:
        errors = solution.errors
    except PdelsrError as error:
        return [Text(f"errors are unknown: {error}", style="yellow")]
    offset = solution.estimate.variation > OFFSET
    more = ["relative to u − mean u"] if offset else []
    table = _table("unknown", "relative L2 error", "largest error", *more)
    for name, error in errors.items():
        mark = "absolute " if error.absolute else ""  # if the reference is zero
        cells = [f"{mark}{error.relative_l2:.2e}", f"{error.max_error:.2e}"]
        varying = error.relative_to_variation
        cells += ["-" if varying is None else f"{varying:.2e}"] if offset else []
        table.add_row(name, *cells)
    return [table] if errors else []


def _residuals(solution: BaseSolution) -> Table:
    table = _table("block", "points", "training residual", "held-out residual")
    for name, found in solution.blocks.items():
        points = solution.points.get(name)
        count = "-" if points is None else f"{points:,}"
        train = "-" if found.train_rms != found.train_rms else f"{found.train_rms:.2e}"
        table.add_row(name, count, train, f"{found.heldout_rms:.2e}")
    for name in solution.compiled.exact:
        table.add_row(name, "-", "exact", "exact")
    return table


def _directions(solution: BaseSolution) -> str:
    if solution.effective_rank is None and solution.condition is not None:
        return f"rank {solution.rank:,}, condition about {solution.condition:.1e}"
    if solution.effective_rank is None:
        unknown = "there was no time to measure the effective rank, or the solver cannot tell it"
        return f"rank {solution.rank:,}; {unknown}"
    effective = f"effective rank {solution.effective_rank:,} of {solution.rank:,}"
    if solution.condition is None:
        return effective
    return f"{effective}, condition {solution.condition:.1e}"


def _facts(solution: BaseSolution) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("network", network_text(solution.network) + _scale(solution.network))
    if solution.rank is not None:
        table.add_row("refinement", _directions(solution))
        if solution.report is not None and solution.report.limit is not None:
            table.add_row("rank", f"{solution.rank:,}: {solution.report.limit}")
        if solution.report is not None and solution.report.solver_ended is not None:
            table.add_row("least squares", solution.report.solver_ended)
    if solution.report is not None and solution.heldout_start > 0:
        start, end = solution.heldout_start, solution.heldout
        table.add_row("held-out ‖f‖", f"{start:.1e} at first, {end:.1e} now (all blocks)")
    for found in not_unique(solution.problem, solution.estimate.open):
        table.add_row("not unique", found)
    table.add_row("estimated error", _estimate(solution))
    dtype = str(solution.settings.dtype).removeprefix("torch.")
    table.add_row("run on", f"{solution.settings.device}, {dtype}, seed {solution.settings.seed}")
    if solution.next_step is not None:
        table.add_row("would come next", solution.next_step)
    memory = bytes_text(solution.peak_memory_bytes)
    table.add_row("it took", f"{solution.seconds:.1f} s, {_steps(solution)}, {memory} at most")
    return table


def _estimate(solution: BaseSolution) -> str:
    """The estimated error and its two bounds, or why it is not known."""
    estimate, value = solution.estimate, solution.error_estimate
    if value is None:
        return f"not known: {'; '.join(estimate.doubts)}" if estimate.doubts else "not known"
    several = ", largest of all unknowns" if len(solution.names) > 1 else ""
    kind = "absolute, since the solution is zero" if estimate.absolute else "relative L2"
    made_of = "by the residual alone"
    if estimate.low is not None:
        made_of = f"geometric mean of {estimate.low:.0e} and {estimate.high:.0e}"
    text = f"{value:.1e} ({kind}{several}; {made_of})"
    for name in estimate.vanishing:
        text += f"; {name} may be zero, and counts relative to the largest unknown"
    if estimate.variation > OFFSET:
        text += f"; {estimate.variation * value:.1e} of ‖u − mean u‖"
    return text


def _steps(solution: BaseSolution) -> str:
    """The number of outer iterations, and the one whose state was kept, unless it is the last.

    A run refines nothing before its first iteration, so a refined state from there is its start.
    """
    count, best = solution.iterations, solution.best_iteration
    text = f"{count} iteration{'' if count == 1 else 's'}"
    if best == 0 and solution.delta is not None:
        return f"{text}; no better state was found: this is the start"
    if best == count:
        return text
    return f"{text} (best: {f'number {best}' if best else 'where this run began'})"


def _scale(network: Network) -> str:
    """The scale of the initial weights, possibly chosen by trial."""
    scale = network.settings().get("weight_scale", 1.0)
    return "" if scale == 1.0 else f", weight scale {scale:g}"


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right")
    return table
