"""The mathematics of a problem: domain, unknowns, numbers and statements, before any options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as entry
from typing import Any, cast

import sympy as sp

from pdelsr.declare.decimals import put_in
from pdelsr.declare.domains import Domain
from pdelsr.declare.expressions import field, is_affine, jets, multi_index
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import InputFunction, NormalComponent, coefficient


@dataclass(frozen=True, eq=False)
class System:
    """Statements about unknowns on a domain.

    Attributes:
        domain: where the problem is posed.
        unknowns: the fields, in the order of the network's outputs.
        parameters: values of named parameters.
        statements: equations first, then conditions, with unique names.
        instance: the input functions that are given, by name.
    """

    domain: Domain
    unknowns: tuple[sp.Expr, ...]
    parameters: Mapping[str, sp.Expr]
    statements: tuple[Statement, ...]
    instance: Mapping[str, Callable[..., Any]] = entry(default_factory=dict)

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """Space first, then time."""
        return self.domain.coordinates

    @property
    def equations(self) -> tuple[Statement, ...]:
        """The statements that hold in the interior."""
        return tuple(s for s in self.statements if s.kind == "equation")

    @property
    def conditions(self) -> tuple[Statement, ...]:
        """The statements that do not hold in the interior."""
        return tuple(s for s in self.statements if s.kind != "equation")

    def order(self, u: sp.Expr, coordinate: sp.Symbol | None = None) -> int:
        """The highest derivative order of `u` in the equations, in all or along one coordinate."""
        axes = self.coordinates if coordinate is None else (coordinate,)
        found = (j for s in self.equations for j in jets(s.residual) if field(j) == u)
        return max((sum(multi_index(j, axes)) for j in found), default=0)

    def substituted(self, expression: sp.Expr) -> sp.Expr:
        """The expression with parameters and given functions put in, in exact numbers."""
        found = substitute(expression, self.parameters, self.coordinates)
        return with_functions(found, self.instance) if self.instance else found

    @property
    def input_functions(self) -> tuple[Any, ...]:
        """The input functions that occur, given or not, sorted by name."""
        found = set().union(
            *(e.atoms(InputFunction) for s in self.statements for e in (s.lhs, s.rhs))
        )
        return tuple(sorted(found, key=str))

    @property
    def is_linear(self) -> bool:
        """Whether every statement is affine in the unknowns."""
        return all(is_affine(self.substituted(s.residual)) for s in self.statements)


def substitute(
    expression: sp.Expr, parameters: Mapping[str, sp.Expr], coordinates: tuple[sp.Symbol, ...]
) -> sp.Expr:
    """Replace symbols by the parameters of the same name, whatever their assumptions.

    Decimal numbers become exact rationals.
    """
    values: dict[sp.Basic, sp.Expr] = {
        s: parameters[cast(Any, s).name]
        for s in parameter_symbols(expression, coordinates)
        if cast(Any, s).name in parameters
    }
    return put_in(expression, values)


def with_functions(expression: sp.Expr, functions: Mapping[str, Callable[..., Any]]) -> sp.Expr:
    """Replace input functions by the given ones of the same name."""
    rule = {
        a: coefficient(a.name, functions[a.name], *a.args)
        for a in cast(Any, expression.atoms(InputFunction))
        if a.name in functions
    }
    return cast(sp.Expr, expression.xreplace(rule))


def parameter_symbols(
    expression: sp.Basic, coordinates: tuple[sp.Symbol, ...]
) -> tuple[sp.Symbol, ...]:
    """The free symbols that are neither coordinates nor components of the normal."""
    free = expression.free_symbols - set(coordinates)
    symbols = [cast(sp.Symbol, s) for s in free if not isinstance(s, NormalComponent)]
    return tuple(sorted(symbols, key=str))
