"""References that depend on parameters of the problem, made once the values are known."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec

import sympy as sp
from jaxtyping import Float
from numpy import ndarray

from pdelsr.errors import ProblemError
from pdelsr.reference.given import Number

P = ParamSpec("P")


@dataclass(frozen=True, eq=False)
class Parametric:
    """A reference that waits for the values of parameters; a `Problem` binds it.

    Args:
        make: the function that makes the reference.
        arguments: its arguments by name, with symbols among the numbers.
        numbers: names of the arguments that are numbers.
    """

    make: Callable[..., Any]
    arguments: Mapping[str, Any]
    numbers: tuple[str, ...]
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the references already made, which are made again."""
        return Parametric, (self.make, dict(self.arguments), self.numbers)

    def bind(self, parameters: Mapping[str, Number]) -> Any:
        """The reference for these values, made once.

        Raises:
            ProblemError: a parameter has no value.
        """
        values = {name: self._value(name, parameters) for name in self.numbers}
        key = tuple(values.values())
        if key not in self.made:
            self.made[key] = self.make(**{**self.arguments, **values})
        return self.made[key]

    def __call__(self, points: Float[ndarray, "n d"]) -> Float[ndarray, " n"]:
        """Refused: the values of the parameters are not known here."""
        raise ProblemError(
            f"{self.make.__name__}: a reference with parameters is evaluated by its problem "
            "(problem.reference_values), or after bind(parameters)."
        )

    def require(self, parameters: Mapping[str, Number]) -> None:
        """Refuse parameters without a value.

        Raises:
            ProblemError: one is missing.
        """
        for name in self.numbers:
            self._value(name, parameters)

    def _value(self, name: str, parameters: Mapping[str, Number]) -> Any:
        expression = sp.sympify(self.arguments[name])
        known = {s: parameters[s.name] for s in expression.free_symbols if s.name in parameters}
        missing = sorted(str(s) for s in expression.free_symbols - set(known))
        if missing:
            raise ProblemError(
                f"{self.make.__name__}: {name} = {expression} contains {', '.join(missing)}, "
                "which is no parameter of the problem: give its value in Problem(parameters=...)."
            )
        return expression.subs(known)


def parametric(*numbers: str) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Let numeric arguments contain symbols: the reference is then a `Parametric`.

    Args:
        *numbers: names of these arguments of the function that makes the reference; it gets the
            value of a parameter as a number of sympy's, which is exact.

    Example:
        >>> import numpy as np
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> @pl.reference.parametric("rate")
        ... def decay(rate):
        ...     return lambda points: np.exp(-float(rate) * points[:, 0])
        >>> waiting = decay(rate=sp.Symbol("k"))
        >>> waiting.bind({"k": 2})(np.array([[0.0], [1.0]])).round(3).tolist()
        [1.0, 0.135]
    """

    def decorate(make: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(make)
        def made(*args: Any, **kwargs: Any) -> Any:
            given = inspect.signature(make).bind(*args, **kwargs).arguments
            free = [n for n in numbers if getattr(given.get(n), "free_symbols", None)]
            return Parametric(made, given, tuple(free)) if free else make(*args, **kwargs)

        return made

    return decorate
