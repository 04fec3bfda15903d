"""QR of rows that are spread over processes: triangles are merged in a tree (TSQR)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.block_qr import Householder, factored
from pdelsr.processes import Group
from pdelsr.processes.triangles import agreed_triangle, pairs, receive_triangle, send_triangle


@dataclass(frozen=True)
class Merge:
    """The factors of two stacked triangles.

        [ R_q ]
        [ R_p ] = Q_pq R_pq

    Args:
        source: q, the process from which the triangle on top came.
        factors: of both.
    """

    source: int
    factors: Householder


@dataclass(frozen=True)
class TreeQR:
    """Q R = A, the rows of A in several processes: TSQR.

    Source: Demmel, Grigori, Hoemmen and Langou (2012), SIAM J. Sci. Comput. 34, A206.

    Every process factors its own rows, and the triangles of two processes are stacked and factored
    again, until one is left: R, which all processes get. Q is kept as reflections where they were
    made. A merge moves one triangle, r (r + 1) / 2 numbers, whatever the number of rows is.

    Args:
        local: factors of the rows of this process.
        merges: those made by this process, in order.
        parent: the process to which the triangle went then; None for the last one.
        R: of all rows, (r, r).
        group: the processes.
    """

    local: Householder
    merges: tuple[Merge, ...]
    parent: int | None
    R: Float[Tensor, "r r"]
    group: Group

    def rotated(self, b: Float[Tensor, " n"]) -> tuple[Float[Tensor, " r"], float]:
        """The first r entries of Qᵀb, and the norm of the others.

        Args:
            b: entries of the rows of this process. A may have more rows there than b; their entries
                of the right-hand side are zero.
        """
        r, like = len(self.R), self.R

        def rotated() -> Tensor:
            below = b.new_zeros(len(self.local.reflectors) - len(b))
            whole = self.local.rotated(torch.cat([b, below]))
            return torch.cat([whole[:r], torch.linalg.vector_norm(whole[r:])[None]])

        found = self.group.together(rotated)
        for merge in self.merges:
            other = like.new_empty(r + 1)
            self.group.receive(other, merge.source)
            both = merge.factors.rotated(torch.cat([other[:r], found[:r]]))
            rest = torch.linalg.vector_norm(torch.cat([both[r:], other[r:], found[r:]]))
            found = torch.cat([both[:r], rest[None]])
        if self.parent is not None:
            self.group.send(found, self.parent)
        found = self.group.agreed(found)
        return found[:r], found[r].item()


def tree_factored(A: Float[Tensor, "n r"], group: Group, trapezoid: int = 0) -> TreeQR:
    """The factors of the rows of all processes, which overwrite A.

    Args:
        A: rows of this process, at least r.
        group: the processes.
        trapezoid: as in `factored`, for the rows of this process; it may be another one in others.

    Raises:
        TimeIsUp: the time is up in one of the processes.
        MemoryError, RuntimeError: memory ran out in one of them.
    """
    found = group.together(lambda: factored(A, trapezoid))
    R, merges, parent = found.R, [], None
    error: BaseException | None = None
    for source, target in pairs(group.size):
        if group.rank == source:
            send_triangle(R, target, group)
            parent = target
        elif group.rank == target:
            try:  # the others go on to the end of the tree, and hear of an error there
                both = R.new_zeros(len(R), 2 * len(R)).T
                both[len(R) :] = R
            except (MemoryError, RuntimeError) as raised:
                error, both = error or raised, R.new_empty(0, len(R))
            other = receive_triangle(R, source, group)
            if len(both):
                both[: len(R)] = other
                try:
                    merges.append(Merge(source, factored(both, trapezoid=len(R))))
                    R = merges[-1].factors.R
                except (MemoryError, RuntimeError) as raised:
                    error = error or raised
    group.settle(error)
    return TreeQR(found, tuple(merges), parent, agreed_triangle(R, group), group)
