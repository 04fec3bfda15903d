"""The symbols of a declaration: coordinates, unknown fields, callable coefficients and normals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction

from pdelsr.declare.given_symbols import Argument, Coordinate, Field, Function, Name, Symbols
from pdelsr.errors import ProblemError


class Declared(AppliedUndef):
    """Base class of the functions that a user declares; copies and pickles keep their kind."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        kind = type(self).__bases__[0]
        return _declared, (kind, self.name, getattr(self, "_imp_", None), self.args)


def _declared(kind: Any, name: str, code: Any, arguments: Any) -> Any:
    """A function of the given kind, with the code of a callable, applied to arguments."""
    given = {} if code is None else {"_imp_": code}
    make = cast(Any, UndefinedFunction)
    return make(name, bases=(kind,), real=True, **given)(*arguments)


class Code:
    """The callable behind a symbol; equal if the callables are the same."""

    def __init__(self, function: Any) -> None:
        self.function: Any = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Code) and other.function is self.function

    def __hash__(self) -> int:
        return id(self.function)


class Unknown(Declared):
    """Base class of the unknown fields u(x, t); made by `unknown`, never directly."""

    def diff(self, *symbols: Any, **assumptions: Any) -> sp.Expr:
        """Differentiate like sympy, but refuse what sympy would silently set to zero."""
        for symbol in sp.flatten(symbols):
            # sympy differentiates by a Dummy to form d/du or d/du_x of an expression
            if isinstance(symbol, sp.Symbol) and not isinstance(symbol, sp.Dummy):
                _require_argument(self, symbol)
        return super().diff(*symbols, **assumptions)


class Coefficient(Declared):
    """Base class of the applied callables k(x, y) that `coefficient` makes."""


class InputFunction(Coefficient):
    """Base class of the input functions a(x) that `input_function` makes."""


class NormalComponent(sp.Symbol):
    """The component of the outward unit normal along one coordinate; made by `normal`."""


class NormalDerivative(sp.Function):
    """n · ∇ of an expression, opaque until the problem knows which coordinates are space."""

    nargs = 1

    def _eval_is_real(self) -> bool:
        return True


if TYPE_CHECKING:
    OneUnknown: TypeAlias = Unknown
    OneCoefficient: TypeAlias = Coefficient
    OneInputFunction: TypeAlias = InputFunction
else:
    # the classes of sympy's functions have names that no type check of the test suite accepts
    OneUnknown = OneCoefficient = OneInputFunction = object


def coordinates(names: Name) -> Symbols:
    """Declare real coordinates, for example `x, t = coordinates("x t")`.

    Args:
        names: names separated by spaces or commas, as in `sympy.symbols`.

    Returns:
        One symbol for one name, otherwise a tuple of symbols.

    Raises:
        ProblemError: `names` is not text, is empty, or repeats a name.

    Example:
        >>> coordinates("x t")
        (x, t)
    """
    if not isinstance(names, str) or not names.replace(",", " ").split():
        raise ProblemError(f'coordinates({names!r}): expected names, such as coordinates("x t").')
    try:
        symbols = sp.symbols(names, real=True)
    except ValueError as error:
        raise ProblemError(
            f'coordinates({names!r}): sympy cannot read it ({error}); give names, such as "x t".'
        ) from error
    listed = symbols if isinstance(symbols, tuple) else (symbols,)
    if len(set(listed)) < len(listed):
        raise ProblemError(f"coordinates({names!r}): a name occurs twice; use distinct names.")
    return cast(Any, symbols)


def unknown(name: Name, *arguments: Coordinate) -> OneUnknown:
    """Declare a real unknown field, for example `u = unknown("u", x, t)`.

    Args:
        name: its name, a Python identifier.
        *arguments: the coordinates that it depends on.

    Returns:
        The application u(x, t), ready for `u.diff(x, 2)`, `sp.sin(u)`, `sp.Eq(u, 0)`.

    Raises:
        ProblemError: the name is not an identifier, or an argument is not a distinct coordinate.

    Example:
        >>> x, t = coordinates("x t")
        >>> u = unknown("u", x, t)
        >>> u.diff(t) + u * u.diff(x)
        u(x, t)*Derivative(u(x, t), x) + Derivative(u(x, t), t)
    """
    _require_name("unknown", name)
    _require_symbols("unknown", name, arguments)
    if name in {symbol.name for symbol in arguments}:
        raise ProblemError(f'unknown("{name}"): a coordinate has the same name; choose another.')
    return _declared(Unknown, name, None, arguments)


def coefficient(name: Name, function: Function, *arguments: Argument) -> OneCoefficient:
    """Declare a coefficient or source given by code, for example `coefficient("k", k, x, y)`.

    Note that sympy cannot differentiate it: write a·u_xx + a_x·u_x with a second coefficient
    for a_x instead of (a·u_x)_x.

    Args:
        name: the name used in messages and in `pdelsr show`.
        function: a callable of one torch tensor of shape (n,) per argument; it returns a
            tensor or an array of shape (n,), or a number.
        *arguments: the coordinates (or expressions in them) that it is applied to.

    Raises:
        ProblemError: `function` is not callable, or there are no arguments.

    Example:
        >>> import torch
        >>> x = coordinates("x")
        >>> k = coefficient("k", lambda x: 1 + torch.exp(-x * x), x)
        >>> 2 * k * unknown("u", x).diff(x, 2)
        2*k(x)*Derivative(u(x), (x, 2))
    """
    _require_name("coefficient", name)
    if not callable(function):
        raise ProblemError(
            f'coefficient("{name}", ...): expected a function of the coordinates as second '
            f"argument, got {type(function).__name__}."
        )
    if not arguments:
        raise ProblemError(
            f'coefficient("{name}", ...): name the coordinates that the function takes, '
            f'such as coefficient("{name}", function, x).'
        )
    _require_expressions("coefficient", name, arguments)
    return _declared(Coefficient, name, Code(function), arguments)


def input_function(name: Name, *arguments: Argument) -> OneInputFunction:
    """Declare an input function of a parametric problem, for example `a = input_function("a", x)`.

    It may stand wherever a coefficient may: in equations, sources, conditions. `problem.at(...)`
    sets it, and `Problem(inputs={a: sampler})` says where functions for training come from.

    Args:
        name: its name, a Python identifier.
        *arguments: the coordinates (or expressions in them) that it is applied to.

    Raises:
        ProblemError: the name is not an identifier, or no argument has a symbol.

    Example:
        >>> import numpy as np
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> s, a = pl.unknown("s", x), pl.input_function("a", x)
        >>> problem = pl.Problem(
        ...     name="antiderivative",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(s.diff(x), a)],
        ...     conditions=[pl.Dirichlet(s, 0, on="x=0")],
        ... )
        >>> solution = pl.solve(problem.at(np.cos), "lsr", hidden=(16, 16), weight_scale=2)
        >>> print(f"{solution.predict(x=1.0) - np.sin(1):.6f}".replace("-", ""))
        0.000000
    """
    _require_name("input_function", name)
    _require_expressions("input_function", name, arguments)
    if not arguments:
        raise ProblemError(
            f'input_function("{name}"): name the coordinates that it depends on, such as '
            f'input_function("{name}", x).'
        )

    return _declared(InputFunction, name, Code(Missing(name)), arguments)


class Missing:
    """Stands for the code of an input function until it is given.

    Args:
        name: of the input function.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *values: Any) -> Any:
        raise ProblemError(
            f"{self.name} is an input function: give one by problem.at({self.name}=function) first."
        )


def normal(coordinate: Coordinate) -> sp.Symbol:
    """The component n_x of the outward unit normal along `coordinate`.

    Raises:
        ProblemError: `coordinate` is not a symbol.

    Example:
        >>> x, y = coordinates("x y")
        >>> u = unknown("u", x, y)
        >>> normal(x) * u.diff(x) + normal(y) * u.diff(y)  # what normal_derivative(u) means
        n_x*Derivative(u(x, y), x) + n_y*Derivative(u(x, y), y)
    """
    if not isinstance(coordinate, sp.Symbol):
        raise ProblemError(f"normal({coordinate}): expected a coordinate, such as normal(x).")
    return NormalComponent(f"n_{coordinate.name}", real=True)


def normal_derivative(expression: Field) -> sp.Expr:
    """The derivative n · ∇ along the outward normal, over the space coordinates."""
    return cast(Any, NormalDerivative)(expression)


def _require_argument(field: sp.Expr, symbol: sp.Symbol) -> None:
    if symbol not in field.free_symbols:
        name = cast(Any, field).name
        if symbol.name in {getattr(a, "name", "") for a in field.args}:
            raise ProblemError(
                f"derivative of {field} by {symbol}: this {symbol} has the name of the coordinate "
                "but other assumptions; use the one symbol from pl.coordinates everywhere."
            )
        raise ProblemError(
            f"derivative of {field} by {symbol}: {symbol} is not a coordinate of {name}; it has "
            f'{", ".join(map(str, field.args))}. Declare unknown("{name}", ...) with it, or '
            "differentiate by another coordinate."
        )


def _require_name(what: str, name: object) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise ProblemError(f'{what}({name!r}, ...): expected a name, such as {what}("u", ...).')


def _require_expressions(what: str, name: str, arguments: tuple[object, ...]) -> None:
    for argument in arguments:
        if not isinstance(argument, sp.Expr | int | float):
            raise ProblemError(
                f'{what}("{name}"): its argument is {argument!r}; give the coordinate itself, not '
                "its name."
            )


def _require_symbols(what: str, name: str, arguments: tuple[object, ...]) -> None:
    good = all(isinstance(a, sp.Symbol) for a in arguments)
    if not arguments or not good or len(set(arguments)) < len(arguments):
        given = ", ".join(map(str, arguments)) or "nothing"
        raise ProblemError(
            f'{what}("{name}", ...): expected distinct coordinates as arguments, got {given}; '
            f'write for example {what}("{name}", x, t) with x, t = coordinates("x t").'
        )
