"""The memory that the system would still give to this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import torch

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
UNKNOWN_FREE = 4 * 2**30  # bytes assumed if no source tells
LIMITS = {"Max address space": "VmSize", "Max data size": "VmData"}  # and what counts against them
V2 = ("memory.max", "memory.high"), "memory.current", ("inactive_file", "active_file")
V1 = (
    ("memory.limit_in_bytes",),
    "memory.usage_in_bytes",
    ("total_inactive_file", "total_active_file"),
)
_processes = 1


def share_memory(processes: int) -> None:
    """Divide the free memory among this many processes from now on."""
    global _processes
    _processes = processes


@contextmanager
def memory_shared(processes: int) -> Generator[None, None, None]:
    """A block in which the free memory is divided among that many times as many processes."""
    before = _processes
    share_memory(before * processes)
    try:
        yield
    finally:
        share_memory(before)


def free_bytes(device: torch.device) -> int:
    """Memory that the device could still give to this process, in bytes.

    On a GPU that is the driver's free memory plus what torch reserves without using it. On the CPU
    see `free_on_host`.
    """
    free = free_on_gpu(device) if device.type == "cuda" else free_on_host()
    return free // _processes


def free_on_gpu(device: torch.device) -> int:
    """Free bytes of the driver, and bytes that torch's allocator reserves without using them."""
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + unused


def free_on_host(proc: Path = PROC, cgroups: Path = CGROUPS) -> int:
    """The smallest of what the machine, the control groups and the limits of the process leave.

    Linux promises more memory than there is and kills processes that use it, so a successful
    allocation proves nothing. On other systems psutil knows what is available.

    Args:
        proc: folder where Linux describes processes.
        cgroups: folder where it describes control groups.
    """
    found = [
        *_available(proc / "meminfo"),
        *_left_in_groups(proc, cgroups),
        *_left_of_limits(proc),
    ]
    return max(0, min(found)) if found else _told_by_psutil()


def _available(meminfo: Path) -> Iterator[int]:
    """MemAvailable: free pages, and cached pages that can be dropped."""
    table = _table(meminfo)
    if "MemAvailable" in table:
        yield 1024 * table["MemAvailable"]


def _left_of_limits(proc: Path) -> Iterator[int]:
    """What RLIMIT_AS and RLIMIT_DATA (`ulimit -v` and `-d`) leave."""
    used = _table(proc / "self" / "status")
    for line in _lines(proc / "self" / "limits"):
        for name, size in LIMITS.items():
            soft = line.removeprefix(name).split()[:1]
            if line.startswith(name) and soft[0].isdigit() and size in used:
                yield int(soft[0]) - 1024 * used[size]


def _left_in_groups(proc: Path, cgroups: Path) -> Iterator[int]:
    """What the limits of the process's control group, and of those around it, leave."""
    for line in _lines(proc / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _left_along(cgroups, path, *V2)
        elif "memory" in controllers.split(","):
            yield from _left_along(cgroups / "memory", path, *V1)


def _left_along(
    root: Path, path: str, limits: tuple[str, ...], usage: str, cache: tuple[str, ...]
) -> Iterator[int]:
    """limit − usage + file cache, which is dropped on demand, from a group up to the root.

    In a container the path may be that of the host, and only its root visible.
    """
    group = root / path.strip("/")
    for folder in (group, *group.parents):
        used, stat = _numbers(folder / usage), _table(folder / "memory.stat")
        for most in (value for name in limits for value in _numbers(folder / name)):
            if used:
                yield most - used[0] + sum(stat.get(name, 0) for name in cache)
        if folder == root:
            return


def _told_by_psutil() -> int:
    try:
        available: Callable[[], object] = import_module("psutil").virtual_memory
    except ImportError:
        return UNKNOWN_FREE
    return available().available  # pyright: ignore[reportAttributeAccessIssue]


def _lines(path: Path) -> list[str]:
    """The lines of a file; none if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _table(path: Path) -> dict[str, int]:
    """The whole numbers of lines such as "MemFree:  12 kB" or "active_file 4096"."""
    rows = [line.replace(":", " ").split() for line in _lines(path)]
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def _numbers(path: Path) -> list[int]:
    """The number in a file; nothing if it says "max"."""
    return [int(line) for line in _lines(path)[:1] if line.isdigit()]
