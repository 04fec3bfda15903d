"""Checks that a form u = g + D·N does what its conditions ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import numpy as np
import sympy as sp

from pdelsr.compile.hard_form import HardForm
from pdelsr.declare.domains import Part
from pdelsr.declare.domains.probes import corners, probes
from pdelsr.declare.evaluate import evaluate
from pdelsr.declare.expressions import derivative, multi_index
from pdelsr.declare.regions import OnParts
from pdelsr.declare.statements import Statement
from pdelsr.declare.system import System
from pdelsr.errors import ProblemError

SOFT = "use the soft form (hard=False)"
ROUNDED = 1e-12  # of the largest value: rounding errors of data that agree
AGREE = 1e-8  # relative; data that differ by more are not the same data


def require_satisfied(form: HardForm, statement: Statement, value: sp.Expr, system: System) -> None:
    """Refuse data that disagree where parts of the boundary meet, naming the first point."""
    index = multi_index(statement.lhs, form.coordinates)
    gap = derivative(form.lift, index, form.coordinates) - value
    points = np.concatenate([_probe(part) for part in parts_of(statement)])
    gaps, scale = (
        np.abs(evaluate(e, form.coordinates, points, statement.title)) for e in (gap, value)
    )
    bad = gaps > AGREE * (1 + scale.max())
    if bad.any():
        i = int(np.argmax(gaps))
        where = ", ".join(f"{c}={v:.3g}" for c, v in zip(form.coordinates, points[i], strict=True))
        raise impossible(
            statement,
            "the data of the conditions disagree where parts of the boundary meet (the form "
            f"is off by {gaps[i]:.3g} at {where})",
        )


def require_derivatives(form: HardForm, statements: Iterable[Statement], system: System) -> None:
    """Refuse data such as J₀, whose derivatives have no torch form, along each coordinate."""
    u = system.unknowns[form.component]
    for axis in form.coordinates:
        index = tuple(system.order(u, axis) * (c == axis) for c in form.coordinates)
        try:
            form.require_torch_form(index)
        except ProblemError as error:
            raise impossible(next(iter(statements)), str(error).rstrip(".")) from error


def require_periodic(
    form: HardForm, axis: sp.Symbol, statements: Iterable[Statement], system: System
) -> None:
    """Refuse a lift or factor that would break the periodicity of the ansatz."""
    u = system.unknowns[form.component]
    column = form.coordinates.index(axis)
    points = system.domain.from_unit(probes(64, system.domain.unit_dim))
    ends = [points.copy(), points.copy()]
    for end, bound in zip(ends, system.domain.bounds(axis), strict=True):
        end[:, column] = float(bound)
    for expression in (form.lift, form.factor):
        for k in range(max(1, system.order(u, axis))):
            slope = derivative(expression, (k,), (axis,))
            values = evaluate(slope, form.coordinates, np.concatenate(ends), "hard form")
            gaps = np.abs(np.subtract(*np.split(values, 2)))
            if gaps.max() > AGREE * 10 + ROUNDED * np.abs(values).max():
                what = f"the derivative of order {k} of the data" if k else "the data"
                raise impossible(
                    next(iter(statements)),
                    f"{what} is not periodic in {axis} (it jumps by {gaps.max():.3g}), but the "
                    "ansatz is; leave one of the two conditions soft",
                )


def parts_of(statement: Statement) -> tuple[Part, ...]:
    """The boundary parts of a statement on the boundary."""
    return cast(OnParts, statement.region).parts


def _probe(part: Part) -> np.ndarray:
    """Points of a part, and corners of it, where data are most likely to disagree."""
    k = part.unit_dim
    return part.from_unit(np.concatenate([probes(64, k), corners(k)])).points


def impossible(statement: Statement, why: str) -> ProblemError:
    """The refusal of a hard form, with what to do instead."""
    return ProblemError(f"{statement.title}: a hard form is not possible: {why}; {SOFT}.")
