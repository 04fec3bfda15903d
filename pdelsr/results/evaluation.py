"""Entries of a jet at any number of points, piece by piece within the free memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import MemoryLimitError, SettingsError
from pdelsr.linearize import Predictor
from pdelsr.networks import Index, closure
from pdelsr.resources.free_memory import free_bytes
from pdelsr.resources.memory import CPU
from pdelsr.resources.pieces import in_pieces
from pdelsr.resources.room import has_room, room_text
from pdelsr.results.points import Query

BATCH = 4096  # points of one evaluation
SMALL_ANSWER = 16 * 2**20  # bytes of an answer up to which the free memory is not checked
PIECE_SHARE = 0.25  # of the free memory, for larger pieces on request
FEWER = "give fewer points in a call"


def entries_at(
    predictor: Predictor,
    query: Query,
    index: Index,
    components: Sequence[int],
    batch: int,
    parameters: int,
) -> Float[Tensor, "c n"]:
    """∂^α of some unknowns at all points.

    Args:
        predictor: of the solution.
        query: the points.
        index: α.
        components: of the unknowns.
        batch: points per evaluation; fewer if memory runs out.
        parameters: m of the network.

    Raises:
        SettingsError: batch is not a whole number from 1 on.
        MemoryLimitError: the values do not fit into the free memory.
    """
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise SettingsError(f"batch is {batch!r}: give a whole number from 1 on.")
    require_room_for(query, len(components))
    # A new thread has the linear algebra's own number of threads, and so other rounding, until
    # torch is asked for its number.
    torch.get_num_threads()
    indices = closure((index,))
    position, chosen = indices.positions[index], list(components)
    out = query.like.new_empty(len(components), len(query))

    def values(part: slice) -> Tensor:
        return predictor(query.piece(part), indices)[position][:, chosen].T

    if batch > BATCH:
        batch = min(batch, largest_piece(len(indices), parameters, query.like))
    with torch.no_grad():
        for part, found in in_pieces(len(query), batch, values):
            out[:, part] = found
    return out


def require_room_for(query: Query, components: int) -> None:
    """Refuse an answer that would not fit into the free memory.

    Raises:
        MemoryLimitError: it would not; the message says what it needs, and what is free.
    """
    here, there = query.like.device, query.device or CPU
    need = components * len(query) * query.like.element_size()
    for device in {here, there}:
        if need > SMALL_ANSWER and not has_room(need, device):
            raise MemoryLimitError(
                f"the values at {len(query):,} points need {room_text(need, device)}: {FEWER}."
            )


def largest_piece(entries: int, parameters: int, like: Tensor) -> int:
    """Points that surely fit at once: an evaluation has fewer values per point than parameters.

    It is at least the usual number, so that rounding does not depend on the free memory.
    """
    point = 2 * entries * parameters * like.element_size()
    return max(BATCH, int(PIECE_SHARE * free_bytes(like.device)) // point)
