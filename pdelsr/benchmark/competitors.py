"""What the suite compares: every method with its defaults, and a few named settings.

A competitor maps a problem to a method, because settings may depend on the problem: on time, or on
a block of some name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.solvers.methods.ilsr import ILSR
from pdelsr.solvers.methods.lsr import LSR
from pdelsr.solvers.methods.pinn import PINN
from pdelsr.solvers.methods.tsonn import TSONN
from pdelsr.solvers.run.method import Method

FEATURES = 2000  # neurons of the one hidden layer of "random-features"
SKETCHED = (64,) * 4  # hidden layers of "lsr-rsvd"
SKETCH_RANK = 1000


@dataclass(frozen=True)
class Competitor:
    """One column of the suite.

    Args:
        name: in tables, files and pictures.
        description: one line.
        method: maps a problem to the method with its options; its `suggested` holds run options.
    """

    name: str
    description: str
    method: Callable[[Problem], Method]


def published(problem: Problem) -> ILSR:
    """The published settings of I-LSR: "poisson" without time, "burgers" with it.

    Only weights of blocks that the problem has are kept.
    """
    method = ILSR.paper("poisson" if problem.domain.time is None else "burgers")
    blocks = {statement.name for statement in problem.statements}
    weights = method.suggested.get("weights", {})
    kept = {name: weight for name, weight in weights.items() if name in blocks}
    return replace(method, suggested={**method.suggested, "weights": kept or None})


COMPETITORS: dict[str, Competitor] = {
    c.name: c
    for c in (
        Competitor("pinn", "Adam and L-BFGS on the stacked residual", lambda _: PINN()),
        Competitor("tsonn", "pseudo-time stepping by L-BFGS", lambda _: TSONN()),
        Competitor("published", "I-LSR with the published settings", published),
        Competitor(
            "random-features",
            f"one-shot LSR in the last layer of {FEATURES} random features",
            lambda _: LSR(hidden=(FEATURES,), basis="last_layer"),
        ),
        Competitor(
            "lsr-rsvd",
            f"one-shot LSR in {SKETCH_RANK} directions of the output Jacobian",
            lambda _: LSR(hidden=SKETCHED, basis="output", rank=SKETCH_RANK),
        ),
        Competitor("lsr", "one-shot LSR", lambda _: LSR()),
        Competitor("ilsr", "iterative LSR", lambda _: ILSR()),
    )
}
"""In the order of the table; the others are compared with the last one."""


def competitors_named(names: Sequence[str]) -> list[Competitor]:
    """The competitors of these names.

    Raises:
        SettingsError: a name is unknown.
    """
    for name in names:
        if name not in COMPETITORS:
            known = ", ".join(COMPETITORS)
            raise SettingsError(f"--methods names {name!r}: choose among {known}.")
    return [COMPETITORS[name] for name in names]


def with_changes(method: Method, changes: dict[str, Any]) -> tuple[Method, dict[str, Any]]:
    """The method with the options changed that it has, and the remaining run options.

    Args:
        method: of a competitor.
        changes: options by name, of any method or of every run.
    """
    of_methods = {f.name for c in (PINN, TSONN, LSR, ILSR) for f in fields(c)}
    own = {f.name for f in fields(method)}
    changed = replace(method, **{k: v for k, v in changes.items() if k in own})
    return changed, {k: v for k, v in changes.items() if k not in of_methods}
