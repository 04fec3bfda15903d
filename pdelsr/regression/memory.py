"""The largest rank that the free memory allows for a refinement on data."""

from __future__ import annotations

import torch

from pdelsr.errors import MemoryLimitError
from pdelsr.regression.parts import Parts
from pdelsr.regression.separable import has_kernel, is_separable
from pdelsr.regression.task import Task
from pdelsr.resources.room import has_room, room_text
from pdelsr.solvers.refinement.memory.refusal import largest_that
from pdelsr.solvers.refinement.memory.sizes import Sizes
from pdelsr.subspace import Full
from pdelsr.subspace.base import width_of


def affordable_rank(asked: int | str, rank: int, task: Task, parts: Parts) -> int:
    """The rank itself, or the largest one that fits if the user left it open.

    Raises:
        MemoryLimitError: the user's rank does not fit.
    """
    if fits(task, parts, rank):
        return rank
    most = largest_that(lambda r: fits(task, parts, r), rank)
    if parts.solver.most_rows is not None and (parts.basis.takes_all or not most):
        room = room_text(bytes_needed(task, parts, rank), task.model.like.device)
        raise MemoryLimitError(
            f"a kernel of {min(task.rows, parts.solver.most_rows):,} rows needs {room}: lower "
            "most_rows of pl.KernelRidge, or take lstsq='lsqr'."
        )
    is_open = isinstance(asked, str) and width_of(parts.basis, task.model.module) is None
    if is_open and most:
        return most
    advice = f"lower it to {most}" if most else "close other programs"
    room = room_text(bytes_needed(task, parts, rank), task.model.like.device)
    raise MemoryLimitError(
        f"rank {rank} with {task.model.size:,} parameters needs {room}: {advice}, or take "
        "basis='coordinate'."
    )


def fits(task: Task, parts: Parts, rank: int) -> bool:
    """Whether a fit in `rank` directions fits into the free memory."""
    return has_room(bytes_needed(task, parts, rank), task.model.like.device)


def bytes_needed(task: Task, parts: Parts, rank: int) -> int | float:
    """Bytes of V while it is built, or of V and the least squares: basis and solver know them.

    Those of `SeparableTimes` come on top: V as a matrix, unless it is a choice of parameters, and
    ∂T V at all points, twice while it is transposed. So do those of a kernel of the module's own.
    """
    m, like = task.model.size, task.model.like
    factors = trunk_size(task, parts) if parts.solver.reads_rows else 0
    basis = Full() if rank >= m else parts.basis
    sizes = Sizes(task.rows, rank, m, factors)
    matrix = m * rank if factors and rank < m and basis.row_width(rank, m) == m else 0
    extra = max(0, matrix - sizes.of_directions(basis))
    formed = sizes.of_directions(basis) + extra + 2 * factors * rank
    solved = sizes.numbers(basis, parts.solver) + extra
    if rank >= m:
        solved += kernel_size(task, parts)
    return like.element_size() * max(formed, solved)


def kernel_size(task: Task, parts: Parts) -> int:
    """Numbers that a kernel of the module's own takes beyond those of the solve; 0 if it has none.

    The factor of the kernel is made after it, in the room that its parts have left.
    """
    module, most = task.model.module, parts.solver.most_rows
    if most is None or not is_separable(module) or not has_kernel(task.model):
        return 0
    components = min(task.entries, max(1, most // task.samples))
    factor = (task.samples * components) ** 2
    return max(0, module.kernel_numbers(task.samples, components) - factor)


def trunk_size(task: Task, parts: Parts) -> int:
    """Values of the trunk at all points, where J V is formed from the factors; else 0."""
    module = task.model.module
    if parts.products not in ("auto", "separable") or not is_separable(module):
        return 0
    with torch.no_grad():
        return task.model.of("trunk")((module.points,)).numel()
