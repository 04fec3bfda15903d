"""Jet entries: the derivatives that a block reads, and symbols for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import sympy as sp

from pdelsr.declare.expressions import field, jet_name, jets, multi_index
from pdelsr.declare.system import System


@dataclass(frozen=True, order=True)
class Entry:
    """One value that a block reads: the derivative ∂^α of an output, at one of its sites.

    Attributes:
        component: index of the unknown.
        index: multi-index α over the coordinates of the domain.
        site: 0, or 1 for the high face of a periodic pair.
    """

    component: int
    index: tuple[int, ...]
    site: int = 0


@dataclass(frozen=True, eq=False)
class Residual:
    """F of one statement, in symbols that stand for its entries.

    Attributes:
        expression: F in `columns` and the symbols of the entries.
        symbols: the symbol of each entry, in the order in which values are passed.
    """

    expression: sp.Expr
    symbols: Mapping[Entry, sp.Symbol]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries, sorted by site, component and index."""
        return tuple(self.symbols)


def read_entries(expression: sp.Expr, system: System, site: int = 0) -> Residual:
    """Replace the fields and derivatives of an expression by symbols for jet entries."""
    coordinates = system.coordinates
    found: dict[Entry, sp.Expr] = {}
    for jet in jets(expression):
        component = system.unknowns.index(field(jet))
        found[Entry(component, multi_index(jet, coordinates), site)] = jet
    symbols = {e: _symbol(jet_name(found[e], coordinates)) for e in sorted(found)}
    rule = {found[e]: symbol for e, symbol in symbols.items()}
    return Residual(cast(sp.Expr, expression.xreplace(rule)), symbols)


def _symbol(name: str) -> Any:
    # a Dummy differs from every symbol of the user, whatever its name
    return sp.Dummy(name, real=True)
