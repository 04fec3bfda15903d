"""The passes from one statement to one block, each a pure function."""

from __future__ import annotations

from typing import Any, cast

import sympy as sp

from pdelsr.compile.block import Block
from pdelsr.compile.entries import Residual, read_entries
from pdelsr.compile.function import TorchFunction
from pdelsr.declare.decimals import decimal_text
from pdelsr.declare.expressions import gradient, is_affine_in
from pdelsr.declare.regions import AtPoints, PeriodicPair
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import normal
from pdelsr.declare.system import System
from pdelsr.errors import ProblemError

DATA: Any = sp.Dummy("data", real=True)
"""The column of observed values."""


def compile_statement(statement: Statement, system: System, weight: float) -> Block:
    """One statement as a block."""
    F = put_in_numbers(statement, system)  # first: a term times zero needs no jet
    residual = name_entries(F, statement, system)  # then slopes are ordinary derivatives
    slopes = differentiate(residual)  # symbolic, hence exact; constants show
    return print_torch(statement, system, residual, slopes, weight)  # last: torch knows no sympy


def put_in_numbers(statement: Statement, system: System) -> sp.Expr:
    """F = lhs - rhs with the values of the parameters, refused if it is not finite."""
    F = system.substituted(statement.residual)
    if F.has(sp.nan, sp.oo, -sp.oo, sp.zoo):
        raise ProblemError(
            f"{statement.title}: with the values of the parameters it is not finite "
            f"({decimal_text(F)}); change "
            "the parameters."
        )
    return F


def name_entries(F: sp.Expr, statement: Statement, system: System) -> Residual:
    """F in symbols for jet entries: high minus low on a periodic pair, minus data at points."""
    low = read_entries(F, system)
    if not low.entries:
        raise ProblemError(
            f"{statement.title}: with the values of the parameters it contains no unknown."
        )
    if isinstance(statement.region, PeriodicPair):
        high = read_entries(F, system, site=1)
        both = {**low.symbols, **high.symbols}
        return Residual(high.expression - low.expression, both)
    if isinstance(statement.region, AtPoints):
        return Residual(low.expression - DATA, low.symbols)
    return low


def differentiate(residual: Residual) -> tuple[sp.Expr, ...]:
    """∂F/∂u_α for each entry, almost everywhere."""
    symbols = {cast(sp.Expr, s): s for s in residual.symbols.values()}
    return tuple(gradient(residual.expression, symbols).values())


def print_torch(
    statement: Statement,
    system: System,
    residual: Residual,
    slopes: tuple[sp.Expr, ...],
    weight: float,
) -> Block:
    """The block, with F and its slopes as torch functions."""
    normals = tuple(normal(c) for c in system.coordinates)
    uses_normals = bool(residual.expression.free_symbols & set(normals))
    uses_data = isinstance(statement.region, AtPoints)
    columns: tuple[sp.Symbol, ...] = system.coordinates
    columns += normals if uses_normals else ()
    columns += (DATA,) if uses_data else ()
    jets = tuple(residual.symbols.values())
    return Block(
        name=statement.name,
        kind=statement.kind,
        region=statement.region,
        entries=residual.entries,
        linear=is_affine_in(residual.expression, slopes, jets),
        sites=2 if isinstance(statement.region, PeriodicPair) else 1,
        weight=weight,
        statement=statement,
        coordinates=system.coordinates,
        uses_normals=uses_normals,
        uses_data=uses_data,
        residual=TorchFunction((residual.expression,), columns, jets, statement.title),
        slopes=TorchFunction(slopes, columns, jets, statement.title),
    )
