"""Work in pieces that are halved when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from pdelsr.errors import MemoryLimitError
from pdelsr.resources.free_memory import free_bytes
from pdelsr.resources.memory import bytes_text
from pdelsr.resources.time_is_up import check_time

T = TypeVar("T")
WORDS = (
    "allocate memory",
    "bad_alloc",
    "out of memory",
    "insufficient memory",
    "not enough memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python or torch lacks memory; on the CPU torch has no exception of its own for it."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)


def in_pieces(
    total: int, step: int, make: Callable[[slice], T], least: int = 1
) -> Iterator[tuple[slice, T]]:
    """make(part) for consecutive parts of 0 … total, each with its part.

    If memory runs out in `make`, that part and all later ones get half the length. Between two
    parts the time of the blocks around is checked.

    Args:
        total: length of all parts together.
        step: length of a part.
        make: function of a part; it may be called again for half of it.
        least: length below which a part is not halved.

    Raises:
        MemoryError, RuntimeError: the smallest part does not fit either.
        TimeIsUp: the time of a block around is up.
    """
    start, step = 0, max(step, 1)
    while start < total:
        check_time()
        part = slice(start, min(start + step, total))
        length = part.stop - part.start
        try:
            made = make(part)
        except (MemoryError, RuntimeError) as error:
            if length <= least or not is_out_of_memory(error):
                raise
            step = max(length // 2, least)
            continue
        yield part, made
        start = part.stop


def release(device: torch.device) -> None:
    """Give memory that torch holds without using it back to the driver of a GPU."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


@contextmanager
def told_what_to_lower(advice: str, device: torch.device) -> Generator[None, None, None]:
    """Say in one sentence that memory ran out, how much is free, and what to do.

    Raises:
        MemoryLimitError: memory ran out, and no smaller piece helped.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryLimitError) or not is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    else:
        return
    raise MemoryLimitError(
        f"memory ran out, with {bytes_text(free_bytes(device))} free: {advice}. torch said: "
        f"{reason:.150}"
    )
