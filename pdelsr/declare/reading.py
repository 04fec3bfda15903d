"""The fields of a problem as the user gives them, each converted and checked by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from pdelsr.declare.assumptions import require_admitted
from pdelsr.declare.conditions import AbstractCondition
from pdelsr.declare.conditions.given import Unknowns
from pdelsr.declare.domains import Domain
from pdelsr.declare.expressions import as_equation, as_expression
from pdelsr.declare.long_sums import short_text
from pdelsr.declare.sampler import Sampler
from pdelsr.declare.symbols import Unknown
from pdelsr.errors import ProblemError, quoted


def read_equations(given: Any) -> tuple[sp.Eq, ...]:
    """One equation or a list of them, as unevaluated `Eq`."""
    listed = list(given) if isinstance(given, list | tuple) else [given]
    if not listed:
        raise ProblemError("Problem, equations: the list is empty; give at least one equation.")
    many = len(listed) > 1
    return tuple(
        as_equation(e, f"equation {i + 1}" if many else "equation") for i, e in enumerate(listed)
    )


def read_conditions(given: Any) -> tuple[AbstractCondition, ...]:
    """One condition or a list of them."""
    listed = tuple(given) if isinstance(given, list | tuple) else (given,)
    for i, condition in enumerate(listed):
        if not isinstance(condition, AbstractCondition):
            raise ProblemError(
                f"Problem, conditions[{i}]: expected Dirichlet, Neumann, Robin, Periodic, "
                f"Initial, Condition, Observations or a pl.AbstractCondition of your own, got "
                f"{condition}. Write a bare equation as Condition(equation, on=...)."
            )
    return listed


def read_unknowns(given: Any, equations: tuple[sp.Eq, ...]) -> Unknowns:
    """The unknowns given, or else those of the equations."""
    if given is None:
        found: dict[Unknown, None] = {}
        for equation in equations:
            fields = equation.atoms(Unknown)
            # u(0, t) is a mistake that the checks explain, not another unknown
            plain = [u for u in fields if all(isinstance(a, sp.Symbol) for a in u.args)]
            found.update(dict.fromkeys(sorted(plain or fields, key=str)))
        if not found:
            raise ProblemError(
                f"equation: {short_text(equations[0].lhs)} = {short_text(equations[0].rhs)} "
                "contains no unknown; "
                'declare one by pl.unknown("u", x, ...) and use it.'
            )
        return tuple(found)
    listed: tuple[Any, ...] = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not listed:
        raise ProblemError(
            "Problem, unknowns: the list is empty; give the unknowns, or leave it out for those "
            "of the equations."
        )
    for u in listed:
        if not isinstance(u, Unknown):
            raise ProblemError(
                f'Problem, unknowns: expected unknowns made by pl.unknown("u", ...), got {u}.'
            )
    return listed


def read_parameters(given: Any, domain: Domain) -> dict[str, sp.Expr]:
    """Real numbers by name, from a mapping by symbol or by name."""
    parameters: dict[str, sp.Expr] = {}
    if given is not None and not isinstance(given, Mapping):
        raise ProblemError(
            f"Problem, parameters: expected a mapping such as {{nu: 0.01}}, got {given!r}."
        )
    for key, value in dict(given or {}).items():
        name = key.name if isinstance(key, sp.Symbol) else key
        if not isinstance(name, str) or name in {c.name for c in domain.coordinates}:
            raise ProblemError(
                f"Problem, parameters: {key!r} cannot be a parameter; expected a symbol, or its "
                "name, that is not a coordinate."
            )
        number = as_expression(value, f"parameter {name}")
        if number.free_symbols or not number.is_real:
            told = short_text(number)
            raise ProblemError(f"parameter {name}: expected a real number, got {told}.")
        if parameters.setdefault(name, number) != number:
            both = f"{short_text(parameters[name])} and {short_text(number)}"
            raise ProblemError(
                f"Problem, parameters: {name} is given twice, as {both}; a parameter goes by its "
                "name, whatever the assumptions of its symbol. Leave one out, or rename it."
            )
        if isinstance(key, sp.Symbol):
            require_admitted(key, number)
    return parameters


def read_by_block(
    given: Any, names: Sequence[str], option: str, convert: Callable[[Any, str], Any]
) -> Any:
    """Check an option that is one value for all blocks, or a mapping from block names."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        if option == "weights":
            raise ProblemError(
                f"weights: expected a mapping {{block: weight}}, got {quoted(given)}."
            )
        return convert(given, option)
    for name in given:
        if name not in names:
            raise ProblemError(
                f"{option}: the problem has no block '{name}'; it has "
                f"{', '.join(map(repr, names))}."
            )
    return {name: convert(value, f"{option} of '{name}'") for name, value in given.items()}


def read_count(given: Any, what: str) -> int:
    """A number of points."""
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 1:
        raise ProblemError(f"{what}: expected a whole number of at least 1, got {given!r}.")
    return int(given)


def read_sampler(given: Any, what: str) -> Sampler:
    """A rule for the points, or the points themselves."""
    if not isinstance(given, Sampler):
        raise ProblemError(
            f"{what} is {quoted(given)}: give a sampler such as Sobol() or Points(array), or one "
            "for each block by name."
        )
    return given


def read_weight(given: Any, what: str) -> float:
    """A weight of mean(F²), above 0: a block of weight 0 would not be solved."""
    try:
        weight = float(given)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last of tensors
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise ProblemError(
            f"{what}: expected a finite number above 0, got {quoted(given)}. A condition that is "
            "not to hold is left out of the problem."
        )
    return weight
