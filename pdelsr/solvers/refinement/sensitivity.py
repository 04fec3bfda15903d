"""The sensitivity of the solution to the residual, which relates the residual to the error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Directions, Jets, Predictor, StackedResidual
from pdelsr.lstsq import LeastSquares
from pdelsr.solvers.refinement.waves import Leftover, leftovers

VALUES = 512  # of the unknowns, on which the sensitivity is measured


@dataclass(frozen=True)
class Sensitivity:
    """The values of u = J V y against ‖A y‖, the change of f, at some points of the equations.

    The largest ‖u‖ / ‖A y‖ is the stability constant of the linearized problem in the space of the
    directions. It bounds the ratio of the error to the norm of the residual, as far as that space
    holds the error.

    Args:
        points: (p, d), in the interior.
        root: X with X Xᵀ = Φ (AᵀA)⁻¹ Φᵀ for the values Φ of the directions, (k p, k p), unknown by
            unknown. Functions are removed from X and not from the product, where open functions
            would leave rounding errors of the square of their size in all others.
        equations: number of rows of A.
        waves: the parts that the directions miss of waves that the equations nearly annihilate.
    """

    points: Float[Tensor, "p d"]
    root: Float[Tensor, "q s"]
    equations: int
    waves: tuple[Leftover, ...] = ()

    def constants(
        self, unknowns: int, without: Float[Tensor, "q c"] | None = None
    ) -> Float[Tensor, " k"]:
        """The stability constant of every unknown alone, in its own units.

        Args:
            unknowns: k.
            without: orthonormal columns of values; functions in their span do not count.
        """
        root = self.root if without is None else self.root - without @ (without.T @ self.root)
        parts = root.reshape(unknowns, len(self.points), -1)
        return torch.linalg.matrix_norm(parts, 2) / len(self.points) ** 0.5

    def modes(
        self, sizes: Float[Tensor, " k"], without: Float[Tensor, "q c"] | None = None
    ) -> Modes:
        """Functions, ordered by how far a residual of norm one moves them.

        Args:
            sizes: of the unknowns, which divide them.
            without: orthonormal columns of scaled values; functions in their span do not count.
        """
        p, k = len(self.points), len(sizes)
        scale = (1 / (sizes * p**0.5)).repeat_interleave(p)
        scaled = scale[:, None] * self.root
        if without is not None:
            scaled = scaled - without @ (without.T @ scaled)
        if not torch.isfinite(scaled).all():
            return Modes(scaled.new_full((1,), math.inf), scaled.new_zeros(k * p, 1), k)
        return Modes(torch.linalg.svdvals(scaled), scaled, k)


@dataclass(frozen=True, eq=False)
class Modes:
    """Functions of norm one, those that leave the least residual first.

    Args:
        amplifications: ‖u‖ / ‖A y‖, each unknown relative to its size.
        scaled: X with each unknown divided by its size; its left singular vectors are the
            functions.
        unknowns: k, number of unknowns.
    """

    amplifications: Float[Tensor, " q"]
    scaled: Float[Tensor, "kp s"]
    unknowns: int

    @cached_property
    def functions(self) -> Float[Tensor, "q p k"]:
        """Values at the points; several times as costly as the amplifications alone."""
        vectors = torch.linalg.svd(self.scaled, full_matrices=False).U
        return vectors.T.reshape(len(vectors.T), self.unknowns, -1).transpose(1, 2)

    @property
    def largest(self) -> float:
        """The stability constant, relative to the sizes of the unknowns."""
        return self.amplifications[0].item()


def sensitivity(
    residual: StackedResidual,
    directions: Directions,
    solver: LeastSquares,
    state: object,
    at: tuple[Predictor, Jets] | None = None,
) -> Sensitivity | None:
    """The sensitivity of a reduced problem, from the factors of its solver.

    It costs one triangular solve with a few hundred right-hand sides. None if the solver keeps no
    factors.

    Args:
        residual: on the points of the fit.
        directions: V.
        solver: of the reduced problem.
        state: its factors.
        at: predictor of the linearization of a steady problem, to search for waves; None for no
            waves.
    """
    if type(solver).root_covariance is LeastSquares.root_covariance:
        return None
    network = residual.network
    bound = residual.blocks[0].thinned(
        min(1.0, VALUES / network.out_features / residual.blocks[0].total)
    )
    points = residual.row_group.gathered(bound.sites[0][:0] if bound.stands_in else bound.sites[0])
    rows = torch.cat(list(residual.output_rows(points, directions)))
    root = solver.root_covariance(state, rows)
    if root is None:
        return None
    root = torch.linalg.qr(root.T).R.T  # as wide as high at most
    waves = () if at is None else leftovers(residual, *at, solver, state)
    return Sensitivity(points, root, residual.total_count, waves)
