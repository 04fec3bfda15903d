"""The ansatz u = g + D·N that satisfies conditions exactly, and the jets of g and D."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import sympy as sp
from jaxtyping import Float
from torch import Tensor

from pdelsr.compile.function import TorchFunction
from pdelsr.declare.expressions import derivative


@dataclass(frozen=True)
class HardForm:
    """u = g + D·N for one component.

    Attributes:
        component: index of the unknown.
        lift: g, an expression in the coordinates that satisfies the conditions.
        factor: D, an expression in the coordinates that vanishes where they hold.
        coordinates: symbols of the columns of the points.
        periodic: coordinates in which g, D and the network are periodic.
    """

    component: int
    lift: sp.Expr
    factor: sp.Expr
    coordinates: tuple[sp.Symbol, ...]
    periodic: tuple[sp.Symbol, ...] = ()

    def lift_jet(
        self, x: Float[Tensor, "n c"], indices: tuple[tuple[int, ...], ...]
    ) -> Float[Tensor, "a n"]:
        """∂^α g at n points, one row for each multi-index."""
        jet = _jet(self.lift, self.coordinates, tuple(indices))
        return jet(x.double()).to(x.dtype) if self.has_layer else jet(x)

    def require_torch_form(self, index: tuple[int, ...]) -> None:
        """Refuse a lift whose derivative torch does not know.

        Raises:
            ProblemError: a function in it has no torch form.
        """
        _jet(self.lift, self.coordinates, (index,))

    @cached_property
    def has_layer(self) -> bool:
        """Whether g holds the layer of a seam: its powers of t leave the range of float32."""
        return self.lift.has(sp.erf)

    def factor_jet(
        self, x: Float[Tensor, "n c"], indices: tuple[tuple[int, ...], ...]
    ) -> Float[Tensor, "a n"]:
        """∂^α D at n points, one row for each multi-index."""
        return _jet(self.factor, self.coordinates, tuple(indices))(x)


@lru_cache(maxsize=256)
def _jet(
    expression: sp.Expr,
    coordinates: tuple[sp.Symbol, ...],
    indices: tuple[tuple[int, ...], ...],
) -> TorchFunction:
    rows = tuple(derivative(expression, index, coordinates) for index in indices)
    return TorchFunction(rows, coordinates, title="hard form")
