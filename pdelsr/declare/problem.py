"""A problem: equations and conditions on a domain, checked once when it is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.checks import (
    EQUATION_CHECKS,
    SYSTEM_CHECKS,
    require_coordinate_derivatives,
    require_plain_normal_derivatives,
)
from pdelsr.declare.conditions import AbstractCondition
from pdelsr.declare.domains import Domain
from pdelsr.declare.exact import reference_values, require_reference
from pdelsr.declare.expressions import as_equation, as_expression, resolve
from pdelsr.declare.regions import Interior
from pdelsr.declare.statements import Statement, name_apart, statement_text
from pdelsr.declare.symbols import Unknown
from pdelsr.declare.system import System
from pdelsr.errors import ProblemError


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """A partial differential equation, or a system of them, with conditions on a domain.

    Attributes:
        name: name of the problem in tables and files.
        domain: where it is posed; `Interval(x, -1, 1) * TimeInterval(t, 0, 1)`.
        equations: `sp.Eq(lhs, rhs)`, or expressions meant to be zero, as many as unknowns.
        conditions: Dirichlet, Neumann, Robin, Periodic, Initial, Condition, Observations.
        unknowns: the fields, in the order of the network's outputs. By default those of the
            equations: first equation first, by name within an equation.
        parameters: values of named parameters, by symbol or by name; stored by name.
        reference: the exact or a trusted solution: a sympy expression, a callable of the points
            (n, d) or of the coordinates, a mapping from unknowns to these, or None.
        points: number of collocation points, for all blocks or by block name.
        sampler: sampler of the points, for all blocks or by block name.
        weights: weights of the blocks, by block name; 1 by default.

    Raises:
        ProblemError: a mistake that can be seen in the symbols, in the user's own words.
    """

    name: str
    domain: Domain
    equations: Any
    conditions: Any = ()
    unknowns: Any = None
    parameters: Any = None
    reference: Any = None
    points: Any = None
    sampler: Any = None
    weights: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ProblemError(f"Problem: expected a name as text, got {self.name!r}.")
        if not isinstance(self.domain, Domain):
            raise ProblemError(
                f"Problem, domain: expected a domain such as Interval(x, 0, 1), got {self.domain}."
            )
        equations = _equations(self.equations)
        self._set("equations", equations)
        self._set("conditions", _conditions(self.conditions))
        self._set("unknowns", _unknowns(self.unknowns, equations))
        self._set("parameters", _parameters(self.parameters, self.domain))
        self._check()

    @cached_property
    def system(self) -> System:
        """The mathematics alone: statements with unique names, ready to compile."""
        order = self._equation_system.order
        conditions = (c.statements(self.domain, order) for c in self.conditions)
        listed = [*self._equation_system.statements, *(s for group in conditions for s in group)]
        resolved = [_resolved(s, self.domain) for s in listed]
        return System(self.domain, self.unknowns, self.parameters, name_apart(resolved))

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """The coordinates of the domain, space first, then time."""
        return self.domain.coordinates

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every equality of the problem; block names are their names."""
        return self.system.statements

    @cached_property
    def is_linear(self) -> bool:
        """Whether every equation and condition is affine in the unknowns."""
        return self.system.is_linear

    def order(self, u: Unknown, coordinate: sp.Symbol | None = None) -> int:
        """The highest derivative order of `u` in the equations, in all or along one coordinate."""
        return self.system.order(u, coordinate)

    def with_parameters(self, **values: Any) -> Problem:
        """The same problem with other values of some parameters.

        Raises:
            ProblemError: the problem has no parameter of this name.
        """
        for name in values:
            if name not in self.parameters:
                raise ProblemError(
                    f"with_parameters({name}=...): the problem has no such parameter; it has "
                    f"{', '.join(self.parameters) or 'none'}."
                )
        return replace(self, parameters={**self.parameters, **values})

    def reference_values(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """The values of the reference at points, one column for each unknown.

        Args:
            points: points, (n, d), columns in the order of the coordinates.

        Raises:
            ProblemError: there is no reference, it has the wrong shape, or a value is not finite.
        """
        return reference_values(self.reference, self.system, points)

    def __str__(self) -> str:
        """What was understood, in lines."""
        lines = [f"problem {self.name}", f"unknowns: {', '.join(map(str, self.unknowns))}"]
        if self.parameters:
            values = (f"{name} = {value}" for name, value in self.parameters.items())
            lines.append(f"parameters: {', '.join(values)}")
        lines += [str(self.domain), "statements:"]
        return "\n".join([*lines, *map(self._line, self.statements)])

    def __repr__(self) -> str:
        return f"<Problem {self.name}: {len(self.statements)} statements on {self.domain.title}>"

    @cached_property
    def _equation_system(self) -> System:
        """The equations alone, which some conditions look at."""
        n, where = len(self.equations), Interior(self.domain)
        names = ["equation"] if n == 1 else [f"equation {i + 1}" for i in range(n)]
        statements = tuple(
            _resolved(Statement(name, "equation", e.lhs, e.rhs, where, name), self.domain)
            for name, e in zip(names, self.equations, strict=True)
        )
        return System(self.domain, self.unknowns, self.parameters, statements)

    def _line(self, statement: Statement) -> str:
        text = statement_text(statement, self.coordinates)
        where = "" if statement.kind == "periodic" else f"  on {statement.region.label}"
        return f"  {statement.name}: {text}{where}"

    def _check(self) -> None:
        for check in EQUATION_CHECKS:
            check(self._equation_system)
        for check in SYSTEM_CHECKS:
            check(self.system)
        require_reference(self.reference, self.system)
        names = [s.name for s in self.statements]
        self._set("points", _by_block(self.points, names, "points", _count))
        self._set("sampler", _by_block(self.sampler, names, "sampler", lambda s, _: s))
        self._set("weights", _by_block(self.weights or {}, names, "weights", _weight))

    def _set(self, field: str, value: object) -> None:
        object.__setattr__(self, field, value)


def _resolved(statement: Statement, domain: Domain) -> Statement:
    require_coordinate_derivatives(statement, domain.coordinates)
    require_plain_normal_derivatives(statement)
    space = domain.space.coordinates
    lhs, rhs = resolve(statement.lhs, space), resolve(statement.rhs, space)
    return replace(statement, lhs=lhs, rhs=rhs)


def _equations(given: Any) -> tuple[sp.Eq, ...]:
    listed = list(given) if isinstance(given, list | tuple) else [given]
    if not listed:
        raise ProblemError("Problem, equations: the list is empty; give at least one equation.")
    many = len(listed) > 1
    return tuple(
        as_equation(e, f"equation {i + 1}" if many else "equation") for i, e in enumerate(listed)
    )


def _conditions(given: Any) -> tuple[AbstractCondition, ...]:
    listed = tuple(given) if isinstance(given, list | tuple) else (given,)
    for i, condition in enumerate(listed):
        if not isinstance(condition, AbstractCondition):
            raise ProblemError(
                f"Problem, conditions[{i}]: expected Dirichlet, Neumann, Robin, Periodic, "
                f"Initial, Condition or Observations, got {condition}. Write a bare equation as "
                "Condition(equation, on=...)."
            )
    return listed


def _unknowns(given: Any, equations: tuple[sp.Eq, ...]) -> tuple[Unknown, ...]:
    if given is None:
        found: dict[Unknown, None] = {}
        for equation in equations:
            fields = cast(set[Unknown], equation.atoms(Unknown))
            # u(0, t) is a mistake that the checks explain; it is not another unknown
            plain = [u for u in fields if all(isinstance(a, sp.Symbol) for a in u.args)]
            found.update(dict.fromkeys(sorted(plain or fields, key=str)))
        if not found:
            raise ProblemError(
                f"equation: {equations[0].lhs} = {equations[0].rhs} contains no unknown; "
                'declare one by pl.unknown("u", x, ...) and use it.'
            )
        return tuple(found)
    listed: tuple[Any, ...] = tuple(given) if isinstance(given, list | tuple) else (given,)
    for u in listed:
        if not isinstance(u, Unknown):
            raise ProblemError(
                f'Problem, unknowns: expected unknowns made by pl.unknown("u", ...), got {u}.'
            )
    return listed


def _parameters(given: Any, domain: Domain) -> dict[str, sp.Expr]:
    parameters: dict[str, sp.Expr] = {}
    for key, value in dict(given or {}).items():
        name = key.name if isinstance(key, sp.Symbol) else key
        if not isinstance(name, str) or name in {c.name for c in domain.coordinates}:
            raise ProblemError(
                f"Problem, parameters: {key!r} cannot be a parameter; expected a symbol, or its "
                "name, that is not a coordinate."
            )
        number = as_expression(value, f"parameter {name}")
        if number.free_symbols or not number.is_real:
            raise ProblemError(f"parameter {name}: expected a real number, got {value}.")
        parameters[name] = number
    return parameters


def _by_block(
    given: Any, names: Sequence[str], option: str, convert: Callable[[Any, str], Any]
) -> Any:
    """Check an option that is one value for all blocks, or a mapping from block names."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        if option == "weights":
            raise ProblemError(f"weights: expected a mapping {{block: weight}}, got {given!r}.")
        return convert(given, option)
    for name in given:
        if name not in names:
            raise ProblemError(
                f"{option}: the problem has no block '{name}'; it has "
                f"{', '.join(map(repr, names))}."
            )
    return {name: convert(value, f"{option} of '{name}'") for name, value in given.items()}


def _count(given: Any, what: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 1:
        raise ProblemError(f"{what}: expected a whole number of at least 1, got {given!r}.")
    return int(given)


def _weight(given: Any, what: str) -> float:
    try:
        weight = float(given)
    except (TypeError, ValueError):
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise ProblemError(f"{what}: expected a positive finite number, got {given!r}.")
    return weight
