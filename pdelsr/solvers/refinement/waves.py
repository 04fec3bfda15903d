"""Waves that the equations nearly annihilate, and the parts that the directions of a fit miss.

A steady problem has a unique solution unless functions satisfy its equations with zero data: if the
wave number of Helmholtz's equation is an eigenvalue, its waves add up to a function that vanishes
on the boundary. Directions that do not represent such waves cannot detect that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from pdelsr.linearize import BoundBlock, Jets, Predictor, StackedResidual
from pdelsr.lstsq import LeastSquares
from pdelsr.networks import IndexSet, Network, closure
from pdelsr.processes import Group

RAYS = 6  # directions of the searched waves
SHORTEST = 1e5  # half-waves across the domain
LENGTHS = 60  # from two domains to the shortest, on a logarithmic scale
BOUNDED = 1e4  # half-waves above which no wave may be annihilated
MOST_UNKNOWNS = 5  # of a system whose determinant is expanded
NEARLY = 0.25  # residual of a wave, relative to its terms
SITES = 16  # points at which coefficients are evaluated
PHASES = (0.3, 0.3 + math.pi / 2)


@dataclass(frozen=True)
class Wave:
    """Re a exp(i (k·x + phase)), modified by exact conditions.

    Args:
        network: of the unknowns.
        k: wave vector.
        amplitudes: a, one per unknown.
        phase: of all unknowns.
    """

    network: Network
    k: Float[Tensor, " d"]
    amplitudes: Complex[Tensor, " u"]
    phase: float

    @property
    def length(self) -> float:
        """2π / |k|."""
        return 2 * math.pi / self.k.norm().item()

    def __call__(self, x: Float[Tensor, "n d"], indices: IndexSet) -> Float[Tensor, "A n u"]:
        wave = torch.exp(1j * (x @ self.k + self.phase))
        jet = torch.stack([_power(self.k, a) * wave for a in indices.indices])
        return self.network.homogeneous(x, indices, (jet[:, :, None] * self.amplitudes).real)


@dataclass(frozen=True)
class Leftover:
    """The part of one wave that the directions miss.

    Args:
        length: of the wave.
        left: norm of the part of its change of f that the directions miss, relative to its terms.
        sizes: root mean square of every unknown in the wave.
    """

    length: float
    left: float
    sizes: Float[Tensor, " u"]

    def relative(self, sizes: Float[Tensor, " u"]) -> float:
        """The missed part of the wave at the size of the solution.

        Args:
            sizes: of the unknowns of the solution.
        """
        return self.left / (self.sizes / sizes).max().item()


def leftovers(
    residual: StackedResidual,
    predictor: Predictor,
    jets: Jets,
    solver: LeastSquares,
    state: object,
) -> tuple[Leftover, ...]:
    """The missed parts of waves that the equations nearly annihilate.

    Empty if there are no such waves, if they may be arbitrarily short, as in a transport or wave
    equation, or if the solver cannot tell.

    Args:
        residual: on the points of the fit.
        predictor: of the linearization.
        jets: of the predictor.
        solver: of the reduced problem.
        state: its factors.
    """
    found = []
    coefficients = residual.coefficients(jets)
    points, group = residual.blocks[0].sites[0], residual.row_group
    value = closure(((0,) * points.shape[1],))
    for wave in annihilated(residual, predictor):
        of_wave = [b.jet_without_graph(wave) for b in residual.blocks]
        pairs = [c * jet for c, jet in zip(coefficients, of_wave, strict=True)]
        change = torch.cat([terms.sum(0) for terms in pairs])
        left = solver.left_over(state, change)
        if left is None or not math.isfinite(left):
            return ()
        share = left / group.norm(change)
        terms = group.norm(torch.cat([terms.abs().sum(0) for terms in pairs]))
        sizes = group.agreed(wave(points, value)[0].square().mean(0).sqrt())
        found.append(Leftover(wave.length, share * terms, sizes))
    return tuple(found)


def annihilated(residual: StackedResidual, predictor: Predictor) -> list[Wave]:
    """Waves a little shorter than those whose residual is small compared with their terms.

    The latter themselves would hardly show in f. For a system, the determinant is compared with the
    sum of the absolute values of its terms. There are none if waves may be arbitrarily short, nor
    for systems of many unknowns or with another number of equations.

    Args:
        residual: of a steady problem.
        predictor: at which it is linearized.
    """
    equations = [b for b in residual.blocks if b.block.kind == "equation"]
    if not 0 < len(equations) == residual.network.out_features <= MOST_UNKNOWNS:
        return []
    few = _few(equations[0], residual.row_group)
    vectors, half_waves = _wave_vectors(few.sites[0])
    matrix, terms = _symbol(equations, few, predictor, vectors, residual.network.out_features)
    shares = torch.linalg.det(matrix).abs() / _permanent(terms)
    share = shares.amin(1)
    if not bool(torch.isfinite(share).all()) or bool((share[half_waves > BOUNDED] < NEARLY).any()):
        return []
    found = []
    for ray in range(len(share) // LENGTHS):
        place = ray * LENGTHS + int(share[ray * LENGTHS : (ray + 1) * LENGTHS].argmin())
        if share[place] < NEARLY:
            site = int(shares[place].argmin())
            amplitudes = _null_vector(matrix[place, site], terms[place, site])
            phases = PHASES if vectors.shape[1] == 1 else PHASES[:1]
            found += [Wave(residual.network, vectors[place + 1], amplitudes, p) for p in phases]
    return found


def _few(equation: BoundBlock, group: Group) -> BoundBlock:
    """Some points of an equation, the same ones in every process."""
    few = equation.thinned(min(1.0, SITES / equation.total))
    part = slice(0) if few.stands_in else slice(None)
    sites = tuple(group.gathered(points[part]) for points in few.sites)
    columns, scale = group.gathered(few.columns[part]), group.gathered(few.scale[part])
    return BoundBlock(few.block, sites, columns, scale)


def _permanent(terms: Float[Tensor, "*b u u"]) -> Float[Tensor, "*b"]:
    """The sum of the absolute values of a determinant's terms."""
    u = terms.shape[-1]
    products = [terms[..., range(u), order].prod(-1) for order in permutations(range(u))]
    return torch.stack(products).sum(0)


def _null_vector(
    matrix: Complex[Tensor, "u u"], terms: Float[Tensor, "u u"]
) -> Complex[Tensor, " u"]:
    """The amplitudes, at most one, that the matrix annihilates best relative to their terms."""
    columns = torch.linalg.vector_norm(terms, dim=0)
    vector = torch.linalg.svd(matrix / columns).Vh[-1].conj() / columns
    return vector / vector.abs().max()


def _wave_vectors(points: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "p d"], Float[Tensor, " p"]]:
    """Wave vectors along some rays, ray by ray, and their half-waves across the domain."""
    d = points.shape[1]
    span = points.amax(0) - points.amin(0)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(max(RAYS - d, 0), d, generator=generator, dtype=torch.float64, device="cpu")
    rays = torch.cat([torch.eye(d, dtype=drawn.dtype, device="cpu"), drawn]).to(points)
    rays = rays[:1] if d == 1 else rays / torch.linalg.vector_norm(rays, dim=1, keepdim=True)
    half_waves = torch.logspace(
        math.log10(0.5), math.log10(SHORTEST), LENGTHS, dtype=points.dtype, device=points.device
    )
    vectors = math.pi * half_waves[None, :, None] * rays[:, None, :] / span
    return vectors.reshape(-1, d), half_waves.repeat(len(rays))


def _symbol(
    equations: Sequence[BoundBlock],
    few: BoundBlock,
    predictor: Predictor,
    vectors: Float[Tensor, "p d"],
    unknowns: int,
) -> tuple[Complex[Tensor, "p n e u"], Float[Tensor, "p n e u"]]:
    """Σ_α c_α (ik)^α of every equation and unknown, and Σ_α |c_α k^α|."""
    shape = (len(vectors), len(few), len(equations), unknowns)
    matrix = few.columns.new_zeros(shape, dtype=(1j * vectors[:1, :1]).dtype)
    terms = few.columns.new_zeros(shape)
    for e, equation in enumerate(equations):
        here = BoundBlock(equation.block, few.sites, few.columns, few.scale)
        with torch.no_grad():
            c = equation.block.coefficients(few.columns, here.jet(predictor))
        for entry, slope in zip(equation.block.entries, c, strict=True):
            power = _power(vectors, entry.index)
            matrix[:, :, e, entry.component] += power[:, None] * slope
            terms[:, :, e, entry.component] += power.abs()[:, None] * slope.abs()
    return matrix, terms


def _power(k: Float[Tensor, "*b d"], index: Sequence[int]) -> Complex[Tensor, "*b"]:
    """(ik)^α."""
    orders = torch.tensor(index, dtype=k.dtype, device=k.device)
    return 1j ** sum(index) * torch.prod(k**orders, dim=-1)
