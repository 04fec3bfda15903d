"""Reading sympy expressions of unknowns: equations, jets u_α, their names, affinity, numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean, BooleanAtom

from pdelsr.declare.long_sums import short_text, text_of
from pdelsr.declare.nonsmooth import REMAINDERS, STEPS
from pdelsr.declare.sharing import is_large
from pdelsr.declare.slopes import slope
from pdelsr.declare.symbols import NormalDerivative, Unknown, normal
from pdelsr.errors import ProblemError
from pdelsr.resources.deadline import given_up_after

OPERATIONS = (sp.Derivative, sp.Subs, sp.Integral, sp.Sum, sp.Product, sp.Limit)
"""Operations that are carried out before anything else is read."""

PATIENCE = 10.0  # seconds that sympy may take for one of them
LONGEST = 500  # terms; longer ones are not multiplied out to see whether they cancel


def as_expression(given: Any, what: str) -> sp.Expr:
    """Convert a number or sympy expression given as `what`; refuse everything else.

    Raises:
        ProblemError: a callable, a string, an array, a truth value, a non-finite or complex number.
    """
    if callable(given) and not isinstance(given, sp.Basic):
        raise ProblemError(
            f"{what}: got a Python function; wrap it as "
            'pl.coefficient("name", function, x, ...) and use that as an expression.'
        )
    if isinstance(given, str | bool):
        raise ProblemError(f"{what}: expected a number or sympy expression, got {given!r}.")
    try:
        expression = sp.sympify(given)
    except (sp.SympifyError, TypeError, ValueError) as error:
        raise ProblemError(
            f"{what}: expected a number or sympy expression, got {type(given).__name__}."
        ) from error
    if not isinstance(expression, sp.Expr) or expression.is_Matrix:
        raise ProblemError(f"{what}: expected a number or sympy expression, got {expression}.")
    _require_finite_real(expression, what)
    return expression


def as_equation(given: Any, what: str) -> sp.Eq:
    """Convert `sp.Eq(lhs, rhs)`, or an expression that should vanish, to an unevaluated `Eq`.

    Raises:
        ProblemError: sympy already decided the equation, or the argument is not an equation.
    """
    if isinstance(given, bool | BooleanAtom):
        raise ProblemError(
            f"{what}: it evaluates to {bool(given)}, so it says nothing about the unknowns. "
            "Write sp.Eq(lhs, rhs) instead of lhs == rhs, and check that both sides are not "
            "equal (or never equal) for every real value."
        )
    if isinstance(given, sp.Eq):
        lhs, rhs = as_expression(given.lhs, what), as_expression(given.rhs, what)
        return cast(sp.Eq, sp.Eq(lhs, rhs, evaluate=False))
    if isinstance(given, Boolean):
        raise ProblemError(f"{what}: expected an equation sp.Eq(lhs, rhs), got {given}.")
    return cast(sp.Eq, sp.Eq(as_expression(given, what), sp.Integer(0), evaluate=False))


def sides(equation: sp.Eq) -> tuple[sp.Expr, sp.Expr]:
    """The left and the right side of an equation that `as_equation` made."""
    return cast(Any, equation.args)


def resolve(expression: sp.Expr, space: Iterable[sp.Symbol]) -> sp.Expr:
    """Write n·∇u by components, carry out derivatives, drop real parts of real derivatives."""
    along = tuple(space)
    if expression.has(NormalDerivative):
        expression = cast(
            sp.Expr,
            expression.replace(
                NormalDerivative,
                lambda e: sp.Add(*(normal(c) * sp.diff(e, c) for c in along)),
            ),
        )
    expression = _carried_out(expression)
    # sympy does not know that derivatives of a real field are real: |u_x|' brings re and im
    for jet in jets(expression):
        rule = {sp.re(jet): jet, sp.im(jet): sp.Integer(0), sp.conjugate(jet): jet}
        expression = cast(sp.Expr, expression.xreplace(rule))
    return expression


@lru_cache(maxsize=1024)
def jets(expression: sp.Basic) -> tuple[sp.Expr, ...]:
    """The fields and their derivatives in an expression, outermost only, in a fixed order."""
    return cast(Any, tuple(sorted(outermost(expression, _is_jet), key=sp.default_sort_key)))


def field(jet: sp.Expr) -> sp.Expr:
    """The unknown that a jet u_α belongs to."""
    return cast(sp.Expr, jet.expr if isinstance(jet, sp.Derivative) else jet)


def multi_index(jet: sp.Expr, coordinates: tuple[sp.Symbol, ...]) -> tuple[int, ...]:
    """The multi-index α of u_α over `coordinates`."""
    if not isinstance(jet, sp.Derivative):
        return (0,) * len(coordinates)
    counts = {symbol: int(count) for symbol, count in cast(Any, jet).variable_count}
    return tuple(counts.get(c, 0) for c in coordinates)


def derivative(u: sp.Expr, index: tuple[int, ...], coordinates: tuple[sp.Symbol, ...]) -> sp.Expr:
    """The derivative of an expression by a multi-index."""
    for coordinate, count in zip(coordinates, index, strict=True):
        if is_large([u]):
            for _ in range(count):
                u = slope(u, coordinate)
        else:
            u = cast(sp.Expr, sp.diff(u, coordinate, count)) if count else u
    return u


def at(expression: sp.Expr, symbol: sp.Symbol, value: sp.Expr) -> sp.Expr:
    """The expression with a value for a coordinate: `subs` without its search for patterns."""
    return cast(sp.Expr, expression.xreplace({symbol: value}))


def jet_name(jet: sp.Expr, coordinates: tuple[sp.Symbol, ...]) -> str:
    """The name of a jet in messages and tables: u, u_x, u_xxt."""
    counts = zip(coordinates, multi_index(jet, coordinates), strict=True)
    suffix = "".join(c.name * k for c, k in counts)
    name = cast(Any, field(jet)).name
    return f"{name}_{suffix}" if suffix else name


def abbreviate(expression: sp.Basic, coordinates: tuple[sp.Symbol, ...]) -> str:
    """The expression in one line with u_xx for second derivatives and k(x) for callables."""
    rule = {jet: sp.Symbol(jet_name(jet, coordinates)) for jet in jets(expression)}
    return text_of(expression.xreplace(rule))


def gradient(
    expression: sp.Expr,
    variables: Mapping[sp.Expr, sp.Symbol],
    of: Iterable[sp.Expr] | None = None,
) -> dict[sp.Expr, sp.Expr]:
    """∂F/∂u_α for each jet, in the symbols that stand for the jets.

    Steps, such as sign and floor, are constant almost everywhere and count as constant.

    Args:
        expression: F.
        variables: the symbols, by jet.
        of: the jets by which to differentiate; all by default.
    """
    wanted = variables if of is None else {jet: variables[jet] for jet in of}
    F = without_remainders(cast(sp.Expr, expression.xreplace(dict(variables))))
    steps = {s: sp.Dummy(real=True) for s in F.atoms(*STEPS)}
    back = {dummy: step for step, dummy in steps.items()}
    F = F.xreplace(steps)
    slopes = {j: cast(sp.Expr, slope(F, s).xreplace(back)) for j, s in wanted.items()}
    return {jet: _simplify_slope(c, variables.values()) for jet, c in slopes.items()}


def is_affine(expression: sp.Expr) -> bool:
    """Whether F(u) is a linear part plus a part without unknowns."""
    variables = {
        j: cast(sp.Symbol, sp.Dummy(f"u{i}", real=True)) for i, j in enumerate(jets(expression))
    }
    slopes = gradient(expression, variables).values()
    F = cast(sp.Expr, expression.xreplace(dict(variables)))
    return is_affine_in(F, slopes, variables.values())


def is_affine_in(F: sp.Expr, slopes: Iterable[sp.Expr], variables: Iterable[sp.Symbol]) -> bool:
    """Whether F with these slopes is affine in the variables: no slope or jump depends on them."""
    own = set(variables)
    where = (condition for p in F.atoms(sp.Piecewise) for _, condition in cast(Any, p).args)
    jumps = (*without_remainders(F).atoms(*STEPS), *where)
    return not any(e.free_symbols & own for e in (*slopes, *jumps))


def without_remainders(F: sp.Expr) -> sp.Expr:
    """Rewrite Mod and frac by floor, the part of them that jumps."""
    if not F.has(*REMAINDERS):
        return F
    F = cast(sp.Expr, F.replace(sp.Mod, lambda a, b: a - b * sp.floor(a / b)))
    return cast(sp.Expr, F.replace(sp.frac, lambda a: a - sp.floor(a)))


def expanded_length(expression: sp.Basic) -> int:
    """A bound on the number of terms once all products and powers are multiplied out."""
    lengths = [expanded_length(a) for a in expression.args]
    if isinstance(expression, sp.Pow):
        base, number = lengths[0], cast(Any, expression).exp.as_coeff_Add()[0]
        # sums in denominators are multiplied out too, and of a power of 7/2 the third one
        count = max(1, math.ceil(abs(number))) if number.is_Rational or number.is_Float else 1
        return math.comb(base + count - 1, count) if base > 1 else base
    combined = math.prod(lengths) if isinstance(expression, sp.Mul) else sum(lengths)
    return max(combined, 1)


def multiplied_out(expression: sp.Expr, most: int = LONGEST) -> sp.Expr:
    """The expression as a sum of products, or unchanged if that may have more than `most` terms."""
    return sp.expand_mul(expression) if expanded_length(expression) <= most else expression


def opaque_derivatives(expression: sp.Basic) -> list[sp.Expr]:
    """Unevaluated derivatives and substitutions that are no jets, outermost only."""
    known = set(jets(expression))
    kinds = (sp.Derivative, sp.Subs)
    opaque = outermost(expression, lambda e: isinstance(e, kinds) and e not in known)
    return cast(Any, sorted(opaque, key=sp.default_sort_key))


def outermost(expression: sp.Basic, is_one: Callable[[sp.Basic], bool]) -> set[sp.Basic]:
    """The subexpressions of a kind that lie in no other one of that kind."""
    found: set[sp.Basic] = set()
    waiting = [expression]
    while waiting:
        one = waiting.pop()
        if is_one(one):
            found.add(one)
        else:
            waiting += one.args
    return found


def _is_jet(expression: sp.Basic) -> bool:
    is_slope = isinstance(expression, sp.Derivative) and isinstance(expression.expr, Unknown)
    return is_slope or isinstance(expression, Unknown)


def _carried_out(expression: sp.Expr) -> sp.Expr:
    """Derivatives, integrals, sums and limits carried out, if that succeeds in time."""
    rule: dict[sp.Basic, sp.Basic] = {}
    for operation in outermost(expression, lambda e: isinstance(e, OPERATIONS)):
        with given_up_after(PATIENCE, alone=True):
            rule[operation] = operation.doit()
    rule = {before: after for before, after in rule.items() if before != after}
    return cast(sp.Expr, expression.xreplace(rule)) if rule else expression


def _simplify_slope(slope: sp.Expr, variables: Iterable[sp.Symbol]) -> sp.Expr:
    if expanded_length(slope) > LONGEST:  # counts as dependent on all its symbols
        return slope
    if slope.free_symbols & set(variables) and not slope.has(AppliedUndef, sp.Piecewise):
        slope = min(slope, cast(sp.Expr, sp.expand(slope)), key=_still_depends(set(variables)))
    return slope


def _still_depends(variables: set[sp.Symbol]) -> Any:
    return lambda expression: bool(expression.free_symbols & variables)


def _require_finite_real(expression: sp.Expr, what: str) -> None:
    if expression.has(sp.nan, sp.oo, -sp.oo, sp.zoo):
        raise ProblemError(
            f"{what}: {short_text(expression)} is not finite; every number must be finite."
        )
    if expression.has(sp.I):
        raise ProblemError(
            f"{what}: {short_text(expression)} is complex; unknowns are real. Write a complex "
            "field as two real unknowns, its real and imaginary parts."
        )
