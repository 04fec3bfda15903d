"""The solutions of a least-squares problem in its leading columns, from one triangle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.spectrum import Spectrum, spectrum_of


@dataclass(frozen=True)
class Nested:
    """The solutions of a least-squares problem in its first k columns, for every k.

    Args:
        R: triangle of the damped columns.
        z: the rotated right-hand side.
        undamped: the triangle without damping.
        levels: of the damping, for every column.
        scales: of the columns, the units of their lengths.
        noise: singular values of the scaled columns below it are rounding.
        rest: ‖[b; 0] − [A; levels] y‖ at the solution y in all columns.
    """

    R: Float[Tensor, "r r"]
    z: Float[Tensor, " r"]
    undamped: Float[Tensor, "r r"]
    levels: Float[Tensor, " r"]
    scales: Float[Tensor, " r"]
    noise: float
    rest: float

    @property
    def rank(self) -> int:
        """r, all columns."""
        return self.z.numel()

    def solution(self, k: int) -> Float[Tensor, " k"]:
        """The k unknowns of the problem in the first k columns."""
        return torch.linalg.solve_triangular(self.R[:k, :k], self.z[:k, None], upper=True)[:, 0]

    def seminormal(self, slope: Float[Tensor, " r"]) -> Float[Tensor, " r"]:
        """(RᵀR)⁻¹ slope."""
        z = torch.linalg.solve_triangular(self.R.T, slope[:, None], upper=False)
        return torch.linalg.solve_triangular(self.R, z, upper=True)[:, 0]

    def padded(self, k: int) -> Float[Tensor, " r"]:
        """`solution(k)` with zeros for the other columns."""
        return torch.nn.functional.pad(self.solution(k), (0, self.rank - k))

    def damped(self, k: int, dampings: Sequence[float]) -> Float[Tensor, "r c"]:
        """argmin ‖R y − z‖² + (λ σ₁)² ‖y‖² in the first k columns, a column for each damping λ.

        One singular value decomposition of the triangle serves them all.

        Args:
            k: columns; the unknowns of the others are 0.
            dampings: λ, relative to the largest singular value σ₁.
        """
        U, s, Vh = torch.linalg.svd(self.R[:k, :k])
        levels = s.new_tensor(list(dampings)) * s[0]
        filtered = s[:, None] / (s[:, None].square() + levels.square())
        y = Vh.T @ (filtered * (U.T @ self.z[:k])[:, None])
        return torch.nn.functional.pad(y, (0, 0, 0, self.rank - k))

    def squares(self, y: Float[Tensor, " r"]) -> float:
        """‖A y − b‖² = ‖R y − z‖² + rest² − ‖levels y‖², at least the rounding of b."""
        rest = self.rest * self.rest  # infinite rather than an error, unlike a power
        damped = (self.R @ y - self.z).square().sum().item() + rest
        length = self.z.square().sum().item() + rest
        floor = torch.finfo(y.dtype).eps ** 2 * length
        return max(damped - (self.levels * y).square().sum().item(), floor)

    def spectrum(self, k: int) -> Spectrum:
        """Singular values of the first k columns, scaled."""
        values = torch.linalg.svdvals(self.undamped[:k, :k] / self.scales[:k])
        largest = max(values[0].item(), torch.finfo(values.dtype).tiny)
        return spectrum_of(values, max(self.noise / largest, k * torch.finfo(values.dtype).eps))
