"""A statement: one equality of the problem, lhs = rhs on a region, before any compilation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import sympy as sp

from pdelsr.declare.expressions import abbreviate
from pdelsr.declare.regions import Region

if TYPE_CHECKING:
    Text: TypeAlias = str
    Side: TypeAlias = sp.Expr
    Place: TypeAlias = Region
else:
    Text = Side = Place = object  # checked by conditions/contract.py, with messages for the user


@dataclass(frozen=True, eq=False)
class Statement:
    """lhs = rhs on a region; on a periodic pair, lhs(high) = lhs(low).

    Attributes:
        name: the block name that options, tables and results use.
        kind: "equation", "dirichlet", "neumann", "robin", "initial", "periodic", "condition"
            or "observations".
        lhs: left side in the unknowns and coordinates.
        rhs: right side; zero on a periodic pair, and ignored there.
        region: where it holds.
        title: its name in messages, as the user would write it.
        hard: whether the user insists that the ansatz satisfies it exactly.
    """

    name: Text
    kind: Text
    lhs: Side
    rhs: Side
    region: Place
    title: Text
    hard: bool = False

    @cached_property
    def residual(self) -> sp.Expr:
        """F = lhs - rhs, computed once, because sympy takes long for a thousand terms."""
        return self.lhs - self.rhs


def name_apart(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Make names unique: duplicates get their region and, if needed, a number appended."""
    listed = tuple(statements)
    seen = Counter(s.name for s in listed)
    listed = tuple(
        replace(s, name=f"{s.name} on {s.region.label}") if seen[s.name] > 1 else s for s in listed
    )
    used: Counter[str] = Counter()
    named = []
    for statement in listed:
        used[statement.name] += 1
        k = used[statement.name]
        named.append(replace(statement, name=f"{statement.name} {k}") if k > 1 else statement)
    return tuple(named)


def statement_text(statement: Statement, coordinates: tuple[sp.Symbol, ...]) -> str:
    """The equality of a statement in one line, with u_xx for derivatives."""
    lhs, rhs = (abbreviate(side, coordinates) for side in (statement.lhs, statement.rhs))
    if statement.kind == "periodic":
        return f"{lhs} equal at both ends of {statement.region.label}"
    return f"{lhs} = data" if statement.kind == "observations" else f"{lhs} = {rhs}"
