"""A block of the residual: F(x, jet) on a region, with slopes ∂F/∂u_α."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp
from jaxtyping import Float
from torch import Tensor

from pdelsr.compile.entries import Entry
from pdelsr.compile.function import TorchFunction
from pdelsr.declare.regions import Region
from pdelsr.declare.statements import Statement, statement_text


@dataclass(frozen=True, eq=False)
class Block:
    """One equality F(x, jet) = 0 as pure torch functions of points and jet values.

    The points carry columns: coordinates | normals (where `uses_normals`) | data (where
    `uses_data`: the observed values).

    Attributes:
        name: the block's name in options, tables and results.
        kind: "equation", "dirichlet", "neumann", "robin", "initial", "periodic", "condition"
            or "observations".
        region: Interior, OnParts, PeriodicPair or AtPoints.
        entries: the jet entries that F reads, in the order of the rows of a jet.
        linear: whether F is affine in the jet, so that its slopes do not depend on the jet.
        sites: 2 on a periodic pair (entries of site 0 low, of site 1 high), 1 elsewhere.
        weight: the user's weight w_b of mean(F²).
        statement: the declared statement.
        coordinates: symbols of the leading columns.
        uses_normals: whether the columns of the normal are read.
        uses_data: whether the column of observed values is read.
        residual: F.
        slopes: ∂F/∂u_α for each entry.
    """

    name: str
    kind: str
    region: Region
    entries: tuple[Entry, ...]
    linear: bool
    sites: int
    weight: float
    statement: Statement
    coordinates: tuple[sp.Symbol, ...]
    uses_normals: bool
    uses_data: bool
    residual: TorchFunction
    slopes: TorchFunction

    @cached_property
    def text(self) -> str:
        """The equality in one line."""
        return statement_text(self.statement, self.coordinates)

    def value(self, x: Float[Tensor, "n c"], jet: Float[Tensor, "e n"]) -> Float[Tensor, " n"]:
        """F at n points.

        Args:
            x: points with their columns, (n, c); the low points of a periodic pair.
            jet: values of the entries, (e, n).

        Raises:
            ProblemError: a callable coefficient fails or returns another shape.
        """
        return self.residual(x, jet)[0]

    def coefficients(
        self, x: Float[Tensor, "n c"], jet: Float[Tensor, "e n"]
    ) -> Float[Tensor, "e n"]:
        """∂F/∂u_α at n points, one row for each entry.

        Constant rows are views of one number; copy the result before writing into it.

        Args:
            x: points with their columns, (n, c).
            jet: values of the entries, (e, n); not read where `linear`.

        Raises:
            ProblemError: a callable coefficient fails or returns another shape.
        """
        return self.slopes(x, jet)
