"""The interface of all conditions, and the checks of their arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import sympy as sp

from pdelsr.declare.domains import Domain, On, Part
from pdelsr.declare.expressions import as_equation, as_expression, field, jets
from pdelsr.declare.long_sums import short_text
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import Unknown
from pdelsr.errors import ProblemError

Order: TypeAlias = Callable[[sp.Expr, sp.Symbol], int]
"""The highest order in which the equations differentiate an unknown by a coordinate."""


class AbstractCondition(ABC):
    """The interface of a condition: its name in messages, and the statements it makes."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The condition's name in messages, as the user would write it."""

    @abstractmethod
    def statements(self, domain: Domain, order: Order) -> tuple[Statement, ...]:
        """The equalities that the condition adds to a problem on `domain`.

        Args:
            domain: where the problem is posed.
            order: the highest derivative order of an unknown along a coordinate.

        Raises:
            ProblemError: the condition does not fit the domain.
        """


def require_unknown(u: Any, what: str) -> None:
    """Refuse anything but an unknown applied to its coordinates."""
    if not isinstance(u, Unknown):
        hint = "; for derivatives use Neumann or Condition" if isinstance(u, sp.Expr) else ""
        raise ProblemError(
            f'{what}({short_text(u)}, ...): expected an unknown made by pl.unknown("u", ...) in '
            f"the first place{hint}."
        )


def convert_data(condition: Any, name: str) -> None:
    """Check one field that should be an expression in the coordinates, and convert it."""
    given = getattr(condition, name)
    what = f"{condition.title}, {name}"
    if given is None:
        raise ProblemError(f"{what}: it is missing; give a number or a sympy expression.")
    expression = as_expression(given, what)
    require_data(expression, what)
    object.__setattr__(condition, name, expression)


def require_data(expression: sp.Expr, what: str) -> None:
    """Refuse data that contain an unknown."""
    found = jets(expression)
    if found:
        raise ProblemError(
            f"{what}: {short_text(expression)} contains the unknown {field(found[0])}; expected an "
            "expression in the coordinates. Use Condition(sp.Eq(lhs, rhs), on=...) to relate "
            "unknowns."
        )


def refuse_hard(condition: AbstractCondition, hard: bool) -> None:
    """Refuse hard=True for a condition without a hard form."""
    if hard:
        raise ProblemError(
            f"{condition.title}: hard=True is not possible; hard forms exist for Dirichlet, "
            "Initial and Periodic. Use the soft form (hard=False)."
        )


def require_name(condition: Any) -> None:
    """Refuse a name that is not text."""
    if not isinstance(condition.name, str) or not condition.name.strip():
        raise ProblemError(f"{condition.title}: expected a name as text, got {condition.name!r}.")


def solved_for_jet(given: Any, what: str) -> sp.Eq:
    """The equation with an unknown or a derivative of one alone on its left side."""
    equation = as_equation(given, what)
    lhs, rhs = equation.lhs, equation.rhs
    if lhs in jets(lhs):
        return equation
    if rhs in jets(rhs):
        return cast(sp.Eq, sp.Eq(rhs, lhs, evaluate=False))
    raise ProblemError(
        f"{what}({short_text(equation)}): expected sp.Eq(u, value) with the unknown, or a "
        "derivative of it, alone on one side; use Condition(equation, on=...) for anything else."
    )


def select(condition: AbstractCondition, domain: Domain, on: On) -> tuple[Part, ...]:
    """The parts that `on` names; errors name the condition."""
    try:
        return domain.select(on)
    except ProblemError as error:
        raise ProblemError(f"{condition.title}: {error}") from error


def select_sides(condition: AbstractCondition, domain: Domain, on: On) -> tuple[Part, ...]:
    """The parts that `on` names, all of which must have a normal in space."""
    parts = select(condition, domain, on)
    for part in parts:
        if part.kind != "side":
            raise ProblemError(
                f"{condition.title}: the part '{part.name}' is an end of time, where the space "
                f"normal is zero; use Initial(sp.Eq(u.diff({domain.time}), value)) there."
            )
    return parts
