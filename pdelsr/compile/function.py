"""Sympy expressions of columns and jets as one torch function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import sympy as sp
import torch
from jaxtyping import Float
from torch import Tensor, fx

from pdelsr.compile.finite import require_finite
from pdelsr.declare.callables import AS_ARGUMENT, outermost_calls
from pdelsr.declare.sharing import shared_subexpressions
from pdelsr.errors import PdelsrError, ProblemError, described
from pdelsr.resources.time_is_up import heard

AS_ARGUMENT.append(torch.as_tensor)


@dataclass(frozen=True, eq=False)
class TorchFunction:
    """Evaluates expressions to rows of full tensors, in the dtype and device of the points.

    Attributes:
        expressions: E expressions in `columns`, `jets` and callables of the columns.
        columns: symbols of the leading columns of the points.
        jets: symbols of the rows of the jet.
        title: how messages call the expressions.
    """

    expressions: tuple[sp.Expr, ...]
    columns: tuple[sp.Symbol, ...]
    jets: tuple[sp.Symbol, ...] = ()
    title: str = "expression"

    def __post_init__(self) -> None:
        # printed now, to refuse early what torch lacks
        self.constants if self._all_constant else self._function  # noqa: B018

    @cached_property
    def constants(self) -> tuple[float | None, ...]:
        """The value of each expression that depends on nothing, None for the others."""
        from pdelsr.compile.printer import literal

        try:
            return tuple(float(literal(e)) if e.is_number else None for e in self.expressions)
        except ProblemError as error:
            raise ProblemError(f"{self.title}: {error}") from error

    def __call__(
        self, x: Float[Tensor, "n c"], jet: Float[Tensor, "e n"] | None = None
    ) -> Float[Tensor, "E n"]:
        """Evaluate at n points.

        Args:
            x: points, (n, c), c at least the number of columns.
            jet: values of the jet, one row for each of `jets`; may be None without jets.
        """
        if self._all_constant:
            numbers = torch.tensor(self.constants, dtype=x.dtype, device=x.device)
            return numbers[:, None].expand(-1, len(x))
        columns = x[:, : len(self.columns)].unbind(1)
        rows = () if jet is None else jet.unbind(0)
        calls = (call(x) for call in self._calls)
        values = self._function(*columns, *rows, *calls, x.new_ones(()))
        return torch.stack([_full(v, x) for v in values])

    def graph(self) -> fx.GraphModule:
        """The same torch code as a module from points (n, c) to values (n, E), without sympy.

        It takes any number of points in a traced program. Expressions with jets or callables have
        no such module.
        """
        assert not self.jets
        assert not self._calls
        graph = fx.Graph()
        x: Any = fx.Proxy(graph.placeholder("x"))
        columns = [x[:, i] for i in range(len(self.columns))]
        zero = torch.zeros_like(x[:, 0])
        values = [v + zero for v in self._function(*columns, x.new_ones(()))]
        stacked: Any = torch.stack(values, dim=1)
        graph.output(stacked.node)
        return fx.GraphModule({}, graph)

    @property
    def _all_constant(self) -> bool:
        return all(e.is_number for e in self.expressions)

    @cached_property
    def _calls(self) -> tuple[Call, ...]:
        """The callables in the expressions, outermost only."""
        applied: set[Any] = set()
        for expression in self.expressions:
            applied |= outermost_calls(expression)
        ordered = sorted(applied, key=sp.default_sort_key)
        return tuple(Call(a, self.columns, self.title) for a in ordered)

    @cached_property
    def _function(self) -> Callable[..., list[Any]]:
        from pdelsr.compile.printer import HELPERS, ONE, TorchCode

        # our own names, so that no symbol of the user clashes with Python, torch or sympy.cse
        calls = dict(_renamed("k", [call.applied for call in self._calls]))
        expressions = [cast(sp.Expr, e.xreplace(calls)) if calls else e for e in self.expressions]
        arguments = [*_renamed("c", self.columns), *_renamed("j", self.jets), *calls.items()]
        symbols = [*(symbol for _, symbol in arguments), ONE]
        # the printer renames them: replaced in a long expression, every term would be made anew
        names = {cast(sp.Basic, given): symbol.name for given, symbol in arguments}
        try:
            return sp.lambdify(
                symbols,
                expressions,
                modules=[HELPERS, "torch"],
                printer=TorchCode(names),
                cse=cast(Any, shared_subexpressions),
            )
        except ProblemError as error:
            raise ProblemError(f"{self.title}: {error}") from error
        except NotImplementedError as error:
            raise ProblemError(f"{self.title}: it has no torch form ({error}).") from error


@dataclass(frozen=True, eq=False)
class Call:
    """One application k(x, y) of a user's callable.

    Attributes:
        applied: the application in sympy.
        columns: symbols of the leading columns of the points.
        title: how messages call the expression that contains it.
    """

    applied: sp.Expr
    columns: tuple[sp.Symbol, ...]
    title: str

    def __call__(self, x: Float[Tensor, "n c"]) -> Float[Tensor, " n"]:
        """The values of the callable as a tensor (n,) like the points.

        Raises:
            ProblemError: the callable fails, or returns another shape, complex values, or values
                that are not finite.
        """
        values = self._called(x)
        if values.shape not in {(), (len(x),), (len(x), 1)}:
            raise ProblemError(
                f"{self._what} returned shape {tuple(values.shape)} for {len(x)} points; expected "
                f"({len(x)},)."
            )
        values = values.reshape(-1).expand(len(x))
        require_finite(values, x, self.columns, self._what)
        return values

    def _called(self, x: Float[Tensor, "n c"]) -> Tensor:
        arguments = [row.contiguous() for row in self._arguments(x)]
        try:
            given = heard(lambda: cast(Any, self.applied)._imp_(*arguments))
            found = given if isinstance(given, Tensor) else torch.as_tensor(given, dtype=None)
            if found.is_complex():
                raise TypeError("it returned complex values")
            # with a dtype, because torch rounds a plain number to fp32
            return torch.as_tensor(given, dtype=x.dtype, device=x.device).detach()
        except (PdelsrError, MemoryError):
            raise
        except (Exception, SystemExit) as error:  # anything that a user's function raises
            raise ProblemError(
                f"{self._what} fails with {described(error)}; it takes {len(arguments)} torch "
                f"tensor{'s' * (len(arguments) > 1)} of shape (n,) and returns a real tensor, an "
                "array or a number."
            ) from error

    @property
    def _what(self) -> str:
        return f"{self.title}: the callable of {self.applied}"

    @cached_property
    def _arguments(self) -> TorchFunction:
        return TorchFunction(cast(Any, self.applied.args), self.columns, (), self.title)


def _renamed(letter: str, symbols: Any) -> list[tuple[Any, sp.Symbol]]:
    return [(s, sp.Symbol(f"{letter}{i}_", real=True)) for i, s in enumerate(symbols)]


def _full(value: Any, x: Float[Tensor, "n c"]) -> Float[Tensor, " n"]:
    """A row over all points, from a tensor or from a number."""
    row = value if isinstance(value, Tensor) else x.new_tensor(value)
    return row if row.ndim else row.expand(len(x))
