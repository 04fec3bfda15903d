"""The pseudo-time residual of TSONN (Cao and Zhang 2025, JCP 520, 113494).

For every equation F = 0 the residual becomes (u − u_prev)/Δτ + σ F with u_prev frozen; boundary
blocks stay as they are. A small Δτ makes the problem of one step well conditioned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import BoundBlock, Predictor, RefinedPredictor, StackedResidual
from pdelsr.networks.index_set import closure
from pdelsr.processes import Group
from pdelsr.solvers.descent.gradient import SumOfSquares

PROBES = 8  # random perturbations from which the sign of an equation is estimated
CONDITION_ROWS = 100  # points of a condition that the perturbations respect


@dataclass(frozen=True)
class PseudoTimeResidual:
    """The stacked residual of one pseudo-time step.

    Args:
        residual: on the points of the step.
        step: Δτ.
        signs: σ of every block; 0 for blocks without a pseudo-time term.
        components: for each block, the field that its equation advances.
        previous: u_prev at the points, (n,) per block; empty if σ is 0.
    """

    residual: StackedResidual
    step: int | float
    signs: tuple[int, ...]
    components: tuple[int, ...]
    previous: tuple[Tensor, ...]

    def dealt(self, group: Group) -> PseudoTimeResidual:
        """The same with the points of this process; its residual has them already."""
        if group.size == 1:
            return self
        pairs = zip(self.residual.blocks, self.previous, strict=True)
        own = (values[b.share.part] if b.share and len(values) else values for b, values in pairs)
        return replace(self, previous=tuple(own))

    def dealt_back(self) -> PseudoTimeResidual:
        """The same with the points of all processes, except for its residual."""
        group = self.residual.row_group
        pairs = zip(self.residual.blocks, self.previous, strict=True)
        found = (group.dealt_back(v, b.total) if len(v) else v for b, v in pairs)
        return replace(self, previous=tuple(found))

    def loss(self, once: int | None = None) -> SumOfSquares:
        """‖·‖² of the pseudo-time residual, `once` points at a time (all by default)."""
        total = self.residual.row_count
        return SumOfSquares(total, self.squares, once or total, self.residual.row_group)

    def squares(self, part: slice) -> Float[Tensor, ""]:
        """The sum over a slice of the rows 0 … n, with a graph."""
        total, offset = self.residual.like.new_zeros(()), 0
        for i, bound in enumerate(self.residual.blocks):
            here = slice(max(part.start - offset, 0), max(part.stop - offset, 0))
            offset += len(bound)
            if len(some := bound.part(here)):
                total = total + self._block(i, some, here).square().sum()
        return total

    def _block(self, i: int, bound: BoundBlock, part: slice) -> Float[Tensor, " n"]:
        network = self.residual.network
        value = bound.scaled_value(bound.jet(network))
        if not self.signs[i]:
            return value
        field = _field(bound, network, self.components[i])
        change = bound.scale * (field - self.previous[i][part]) / self.step
        return change + self.signs[i] * value


def pseudo_time_residual(
    residual: StackedResidual, previous: Predictor, step: int | float, signs: tuple[int, ...]
) -> PseudoTimeResidual:
    """Freeze `previous` at the points of `residual`."""
    components = tuple(_component(i, residual) for i in range(len(residual.blocks)))
    frozen = tuple(
        _values(bound, previous, k) if sign else residual.like[:0, 0]
        for bound, sign, k in zip(residual.blocks, signs, components, strict=True)
    )
    return PseudoTimeResidual(residual, step, signs, components, frozen)


def stable_signs(residual: StackedResidual, generator: torch.Generator) -> tuple[int, ...]:
    """The sign σ of each equation for which u_τ = −σ F(u) decays.

    It is the sign of ⟨v, (∂F/∂u) v⟩ over random perturbations v of the network that respect the
    conditions: for −Δu this is ∫|∇v|² > 0, and for u_t − Δu it is ∫|∇v|² + ½ ∫v(T)² > 0, where
    v(0) ≠ 0 would leave a term of either sign. Equation i is paired with field i; blocks without
    a partner get 0.
    """
    network = residual.network
    sums = [0.0] * len(residual.blocks)
    jets = residual.jets_without_graph()
    size = network.parameter_count, PROBES
    directions = torch.randn(size, generator=generator, device="cpu").to(residual.like)
    directions = _respecting_conditions(residual, directions)
    for direction in directions.T:
        refined = RefinedPredictor(network, direction * network.get_vector().abs().mean())
        moved = residual.jets_without_graph(refined)
        for i, bound in enumerate(residual.blocks):
            if _is_equation(bound, i, residual):
                change = moved[i] - jets[i]
                with torch.no_grad():
                    slope = (bound.scaled_coefficients(jets[i]) * change).sum(dim=0)
                    component = _component(i, residual)
                    v = _values(bound, refined, component) - _values(bound, network, component)
                sums[i] += (v * slope).sum().item()
    return tuple(
        (1 if sums[i] >= 0 else -1) if _is_equation(bound, i, residual) else 0
        for i, bound in enumerate(residual.blocks)
    )


def _respecting_conditions(
    residual: StackedResidual, directions: Float[Tensor, "m p"]
) -> Float[Tensor, "m p"]:
    """The directions without the part that changes a condition: δ − Bᵀ (B Bᵀ + λ I)⁻¹ B δ."""
    soft = [b for b in residual.blocks if b.block.kind != "equation"]
    if not soft:
        return directions
    few = residual.with_blocks([b.thinned(min(1.0, CONDITION_ROWS / len(b))) for b in soft])
    B = few.matrix(few.coefficients(few.jets_without_graph())).nan_to_num(0.0, 0.0, 0.0)
    B = torch.nn.functional.normalize(B, dim=1)
    gram = B @ B.T
    gram.diagonal().add_(torch.finfo(B.dtype).eps ** 0.5)
    return directions - B.T @ torch.linalg.solve(gram, B @ directions)


def _is_equation(bound: BoundBlock, position: int, residual: StackedResidual) -> bool:
    component = _component(position, residual)
    return bound.block.kind == "equation" and component < residual.network.out_features


def _component(position: int, residual: StackedResidual) -> int:
    """Equations are numbered in their order; equation i advances field i."""
    return sum(b.block.kind == "equation" for b in residual.blocks[:position])


def _field(bound: BoundBlock, predictor: Predictor, component: int) -> Tensor:
    points = bound.sites[0]
    return predictor(points, closure(((0,) * points.shape[1],)))[0, :, component]


def _values(bound: BoundBlock, predictor: Predictor, component: int) -> Float[Tensor, " n"]:
    """`_field` without a graph, piece by piece."""

    def field(part: slice) -> Tensor:
        return _field(bound.part(part), predictor, component)

    with torch.no_grad():
        return torch.cat(bound.in_pieces(field))
