"""The refusal of a run that does not fit into the free memory, with sizes that would."""

from __future__ import annotations

from collections.abc import Callable

from pdelsr.errors import MemoryLimitError
from pdelsr.resources.free_memory import free_bytes
from pdelsr.resources.memory import bytes_text
from pdelsr.resources.room import has_room, room_text
from pdelsr.solvers.refinement.memory.estimate import fits, needed
from pdelsr.solvers.refinement.refiner_options import RefinerOptions
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.settings import RunSettings
from pdelsr.subspace.base import width_of


def does_not_fit(
    discretization: Discretization, refiner: RefinerOptions, factor: int | float, rank: int
) -> MemoryLimitError:
    """The refusal of a refinement, with the largest rank and the most points that would fit."""
    wanted = discretization.plan.equation_points(discretization.compiled.blocks)

    def few_enough(rank: int) -> bool:
        return fits(discretization, needed(discretization, refiner, factor, rank))

    def so_many(points: int) -> bool:
        share = points / max(wanted, 1)
        return fits(discretization, needed(discretization, refiner, factor * share, rank))

    ways = []
    less = largest_that(few_enough, rank)
    network = discretization.network
    if less and width_of(refiner.basis_for(network.parameter_count), network) is None:
        ways.append(f"rank to {_rounded(less)} (--rank)")
    fewer = largest_that(so_many, wanted)
    if fewer >= rank:
        ways.append(f"points to {_rounded(fewer)} (--points)")
    return memory_error(discretization, needed(discretization, refiner, factor, rank), ways)


def memory_error(
    discretization: Discretization, need: int | float, ways: list[str], even: str | None = None
) -> MemoryLimitError:
    """What is needed, what is free, and what to lower.

    Args:
        discretization: network, blocks and points.
        need: bytes.
        ways: the sizes that the user chose too large.
        even: the smallest sizes, if the user left them open.
    """
    sizes = sizes_of(discretization)
    what = f"{sizes}, even with {even}, need" if even else f"{sizes} need"
    advice = f"lower {' or '.join(ways)}, or take" if ways else "close other programs, or take"
    room = room_text(need, discretization.plan.device)
    return MemoryLimitError(f"{what} {room}: {advice} a narrower network (hidden=).")


def require_room(settings: RunSettings, numbers: int, what: str, advice: str) -> None:
    """Refuse arrays that would not fit even by themselves, before they are made.

    Raises:
        MemoryLimitError: this many numbers do not fit into the free memory.
    """
    size, device = numbers * settings.torch_dtype.itemsize, settings.torch_device
    if not has_room(size, device):
        raise MemoryLimitError(f"{what} need {room_text(size, device)}: {advice}.")


def nothing_found(discretization: Discretization, lack: BaseException) -> MemoryLimitError:
    """The error of a run that ran out of memory before it found anything."""
    if isinstance(lack, MemoryLimitError):
        return lack
    free = bytes_text(free_bytes(discretization.plan.device))
    return MemoryLimitError(
        f"memory ran out before anything was found, with {sizes_of(discretization)}; {free} is "
        "free now: lower points or rank, or take a narrower network (hidden=)."
    )


def sizes_of(discretization: Discretization) -> str:
    """The sizes of a run, in words."""
    m, n = discretization.network.parameter_count, discretization.plan.total
    return f"{m:,} parameters and {n:,} points"


def largest_that(holds: Callable[[int], bool], below: int) -> int:
    """The largest whole number up to `below` for which `holds`, true for small ones, is true."""
    low, high = 0, below
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _rounded(number: int) -> int:
    """A number rounded down to two digits, which are easier to type."""
    unit = 10 ** max(len(str(number)) - 2, 0)
    return number // unit * unit
