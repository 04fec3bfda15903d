"""Bytes that the parts of a run take at most, besides what Python and torch take anyway.

The formulas count the arrays held at once in `subspace`, `lstsq` and the solvers. On the CPU, the
measured growth of a process was 0.71 to 1.31 times the estimate in the 13 slow cases of
tests/solvers/refinement/memory/test_estimate.py.
"""

from __future__ import annotations

from pdelsr.linearize import StackedResidual
from pdelsr.linearize.tangent_model import keeps_jets
from pdelsr.lstsq import solver_named
from pdelsr.networks import Network
from pdelsr.resources.memory import points_at_once, points_per_chunk
from pdelsr.resources.room import has_room
from pdelsr.solvers.refinement.memory.sizes import Sizes
from pdelsr.solvers.refinement.refiner_options import RefinerOptions
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.subspace import Full

LEAST_COLUMNS = 32  # directions or columns that are not halved further
PIECE = 256  # points of a reverse pass that are not halved further
GRAPH = 6.0  # numbers per neuron, point and jet entry that training by gradients keeps
ROWS_GRAPH = 4.0  # the same for rows, whose activations are not differentiated again
EVALUATED = 4.0  # the same for one layer and values only
KEPT_VECTORS = 10  # of length m that a method keeps anyway
GRAM = 4.5  # r² in a Gauss–Newton step: GᵀG, shifted, factored twice, and half for products


def fits(discretization: Discretization, size: int | float) -> bool:
    """Whether `size` bytes are free for a run."""
    return has_room(size, discretization.plan.device)


def sizes(
    discretization: Discretization, refiner: RefinerOptions, factor: int | float, rank: int
) -> Sizes:
    """Sizes of a refinement of its network."""
    n = discretization.plan.row_count(discretization.compiled.blocks, factor)
    return sizes_on(discretization, refiner, n, rank)


def sizes_on(
    discretization: Discretization, refiner: RefinerOptions, rows: int | float, rank: int
) -> Sizes:
    """Sizes of a refinement on that many rows, of which every process has its part."""
    rows = rows / discretization.plan.dealt_to.size
    m, held = discretization.network.parameter_count, discretization.heldout
    r, jets = min(rank, m), entries(held) * rows
    forms = solver_named(refiner.lstsq).forms_matrix(rows, r)
    forms = forms and not isinstance(refiner.basis_for(m), Full)
    kept = keeps_jets(held, jets, rows, r, refiner.newton_steps, forms)
    return Sizes(rows, r, m, jets if kept else 0.0)


def needed(
    discretization: Discretization, refiner: RefinerOptions, factor: int | float, rank: int
) -> int | float:
    """Bytes of a refinement of its network."""
    return refinement_bytes(discretization, sizes(discretization, refiner, factor, rank), refiner)


def refinement_fits(discretization: Discretization, sizes: Sizes, refiner: RefinerOptions) -> bool:
    """Whether a refinement of these sizes fits into the free memory."""
    return fits(discretization, refinement_bytes(discretization, sizes, refiner))


def refinement_bytes(
    discretization: Discretization, sizes: Sizes, refiner: RefinerOptions
) -> int | float:
    """Bytes of one refinement: matrices, a chunk of rows, and the jets behind the rows."""
    basis, solver = refiner.basis_for(sizes.parameters), solver_named(refiner.lstsq)
    like = discretization.heldout.like
    wide = basis.row_width(sizes.rank, sizes.parameters)
    chunk = min(discretization.memory_budget or 0, like.element_size() * sizes.rows * wide)
    numbers = sizes.numbers(basis, solver) + KEPT_VECTORS * sizes.parameters
    forms = solver.forms_matrix(sizes.rows, sizes.rank)
    numbers += _jet_numbers(discretization, sizes.rows, wide, by_products=not forms)
    return like.element_size() * (numbers + kept_numbers(discretization)) + 2 * chunk


def _jet_numbers(
    discretization: Discretization, rows: int | float, wide: int, by_products: bool
) -> int | float:
    """Numbers in the jets of a chunk of rows with graph, or of an evaluation without.

    Args:
        discretization: network, blocks and points.
        rows: n.
        wide: length of a row of G.
        by_products: whether a product with vectors goes back through the network, at many points.
    """
    like, jet = discretization.heldout.like, widest_jet(discretization.heldout)
    chunk = min(rows, points_per_chunk(wide, like, discretization.memory_budget))
    at_once = points_at_once(like.device)
    backward = max(chunk, min(rows, at_once)) if by_products else chunk
    evaluated = min(discretization.heldout.row_count, at_once)
    graph = ROWS_GRAPH * backward * width(discretization.network)
    return jet * max(graph, EVALUATED * evaluated * widest_layer(discretization.network))


def alignment_bytes(discretization: Discretization, rows: int | float, columns: int) -> int | float:
    """Bytes of Gauss–Newton steps on `rows` rows that move `columns` parameters."""
    like = discretization.heldout.like
    numbers = (
        rows * columns + GRAM * columns**2 + KEPT_VECTORS * discretization.network.parameter_count
    )
    chunk = min(discretization.memory_budget or 0, like.element_size() * rows * columns)
    return like.element_size() * (numbers + kept_numbers(discretization)) + 2 * chunk


def gradient_bytes(
    discretization: Discretization, points: int | float, history: int = 0
) -> int | float:
    """Bytes of a reverse pass through the jets at `points` points at once, and of L-BFGS pairs."""
    graph = GRAPH * points * mean_jet(discretization) * width(discretization.network)
    vectors = (2 * history + KEPT_VECTORS) * discretization.network.parameter_count
    size = discretization.heldout.like.element_size()
    return size * (graph + vectors + kept_numbers(discretization))


def kept_numbers(discretization: Discretization) -> int | float:
    """Numbers in points, normals, data and scales of training and held-out points."""
    held = discretization.heldout
    wide = max(sum(s.shape[1] for s in b.sites) + b.columns.shape[1] for b in held.blocks)
    own = discretization.plan.total / discretization.plan.dealt_to.size
    return (held.row_count + own) * (wide + 1)


def widest_jet(residual: StackedResidual) -> int:
    """Entries of the jets at a point, for the block that needs most."""
    return max(sum(len(s.indices) for s in b.site_entries) for b in residual.blocks)


def mean_jet(discretization: Discretization) -> float:
    """Entries of the jets at a point, over the planned points of all blocks."""
    blocks = discretization.heldout.blocks
    counts = [discretization.plan.row_count([b.block]) for b in blocks]
    total = sum(
        n * sum(len(s.indices) for s in b.site_entries) for n, b in zip(counts, blocks, strict=True)
    )
    return total / sum(counts)


def width(network: Network) -> int:
    """Neurons in all layers."""
    return sum(_widths(network))


def widest_layer(network: Network) -> int:
    """Neurons of the widest layer."""
    return max(_widths(network), default=1)


def _widths(network: Network) -> list[int]:
    return [p.shape[0] for p in network.parameters() if p.ndim == 2]


def entries(residual: StackedResidual) -> int | float:
    """Jet entries per row, over all blocks."""
    return sum(len(b) * len(b.block.entries) for b in residual.blocks) / residual.row_count
