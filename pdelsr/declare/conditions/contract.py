"""The contract of a user-defined condition, checked on the statements that it makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pdelsr.declare.conditions.base import AbstractCondition, Order
from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.expressions import as_expression, field, jets
from pdelsr.declare.regions import AtPoints, Interior, OnParts, PeriodicPair, Region
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import Unknown
from pdelsr.declare.users_part import of_a_users
from pdelsr.errors import ProblemError, quoted

REGIONS: dict[str, tuple[type[Region], ...]] = {
    "condition": (OnParts, Interior),
    "neumann": (OnParts,),
    "robin": (OnParts,),
    "dirichlet": (OnParts,),
    "initial": (OnParts,),
    "periodic": (PeriodicPair,),
    "observations": (AtPoints,),
}
"""Kinds of statements that conditions make, and the regions where they hold."""

HARD = ("dirichlet", "initial", "periodic")


def statements_of(
    condition: AbstractCondition, domain: Domain, order: Order
) -> tuple[Statement, ...]:
    """The statements of a condition, checked if its class is outside of pdelsr.

    Raises:
        ProblemError: something is no statement, or is not of the kind that it claims.
    """
    if type(condition).__module__.startswith("pdelsr."):
        return tuple(condition.statements(domain, order))
    who = type(condition).__name__
    with of_a_users(f"{who}.statements(domain, order)"):
        found: Any = condition.statements(domain, order)
    listed = isinstance(found, tuple | list)
    if not listed or not found or not all(isinstance(s, Statement) for s in found):
        raise ProblemError(
            f"{who}: statements(domain, order) returned {quoted(found)}, expected a tuple of at "
            "least one pl.Statement"
        )
    return tuple(_checked(statement, domain, who) for statement in found)


def _checked(statement: Statement, domain: Domain, who: str) -> Statement:
    """The statement with its two sides as sympy expressions."""
    for name in ("name", "title"):
        text: Any = getattr(statement, name)
        if not isinstance(text, str) or not text.strip():
            raise ProblemError(f"{who}: {name} of a statement is {quoted(text)}, expected a text")
    what = f"{who}, statement '{statement.name}'"
    _require_region(statement, domain, what)
    read = replace(
        statement,
        lhs=as_expression(statement.lhs, f"{what}, lhs"),
        rhs=as_expression(statement.rhs, f"{what}, rhs"),
    )
    _require_form(read, domain, what)
    return read


def _require_region(statement: Statement, domain: Domain, what: str) -> None:
    """Refuse an unknown kind, a region that does not fit it, and parts of another domain."""
    kind: Any = statement.kind
    if kind not in REGIONS:
        raise ProblemError(
            f"{what}: kind is {quoted(kind)}, expected 'condition', or one of "
            f"{', '.join(map(repr, REGIONS))}"
        )
    region: Any = statement.region
    if not isinstance(region, REGIONS[kind]):
        names = " or ".join(region.__name__ for region in REGIONS[kind])
        raise ProblemError(
            f"{what}: region is {quoted(region)}; a '{kind}' holds on {names}, such as "
            "pl.OnParts(domain.select(on))"
        )
    if isinstance(region, Interior) and region.domain is not domain:
        raise ProblemError(f"{what}: region is the inside of another domain than the problem's")
    if isinstance(region, OnParts):
        _require_parts(region.parts, domain, what)


def _require_parts(parts: Any, domain: Domain, what: str) -> None:
    listed = isinstance(parts, tuple)
    if not listed or not parts or not all(isinstance(part, Part) for part in parts):
        raise ProblemError(
            f"{what}: pl.OnParts was given {quoted(parts)}, expected a tuple of parts such as "
            "domain.select(on)"
        )
    try:
        domain.select(list(parts))
    except ProblemError as error:
        raise ProblemError(f"{what}: {error}") from error


def _require_form(statement: Statement, domain: Domain, what: str) -> None:
    """Refuse a statement without a hard form whose kind has one."""
    if statement.hard and statement.kind not in HARD:
        raise ProblemError(
            f"{what}: hard=True is not possible for a '{statement.kind}'; hard forms exist for "
            f"{', '.join(map(repr, HARD))}"
        )
    if statement.kind not in ("dirichlet", "initial"):
        return
    lhs: Any = statement.lhs
    alone = lhs in jets(lhs) and isinstance(field(lhs), Unknown)
    along = set(getattr(lhs, "variables", ())) if statement.kind == "initial" else set[Any]()
    if not alone or (lhs != field(lhs) and along != {domain.time}):
        raise ProblemError(
            f"{what}: lhs is {quoted(lhs)}; a '{statement.kind}' has an unknown alone there"
            f"{', or its derivative by time' if statement.kind == 'initial' else ''}. Give the "
            "kind 'condition' to anything else"
        )
