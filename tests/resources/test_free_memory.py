"""What the system leaves to a process, read from files that Linux would show."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pdelsr.resources import free_memory
from pdelsr.resources.free_memory import UNKNOWN_FREE, free_bytes, free_on_host, share_memory

KIB, MIB = 2**10, 2**20
UNLIMITED = "Max address space         unlimited            unlimited            bytes\n"


class Linux:
    """Files of /proc and /sys/fs/cgroup in a folder; a machine with 1000 MiB available."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.cgroups = folder / "proc", folder / "cgroup"
        self.write("proc/meminfo", f"MemFree: 7 kB\nMemAvailable:  {1000 * KIB} kB\n", folder)
        self.write("proc/self/status", f"VmSize:  {600 * KIB} kB\nVmData: {300 * KIB} kB\n", folder)
        self.write("proc/self/limits", UNLIMITED, folder)

    def write(self, name: str, text: str, folder: Path | None = None) -> None:
        path = (folder or self.proc.parent) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def group(self, path: str, most: str, used: int, cache: int = 0) -> None:
        """A control group of version 2, sizes in MiB."""
        self.write(f"{path}/memory.max", f"{most}\n")
        self.write(f"{path}/memory.current", f"{used * MIB}\n")
        self.write(f"{path}/memory.stat", f"anon 5\ninactive_file {cache * MIB}\nactive_file 0\n")

    @property
    def free(self) -> float:
        """In MiB."""
        return free_on_host(self.proc, self.cgroups) / MIB


@pytest.fixture
def linux(tmp_path: Path) -> Linux:
    return Linux(tmp_path)


def test_available_counts_not_free_pages(linux: Linux) -> None:
    assert linux.free == 1000


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"Max address space         {900 * MIB}            unlimited            bytes", 300),
        (f"Max data size             {400 * MIB}            unlimited            bytes", 100),
        (f"Max address space         {500 * MIB}            unlimited            bytes", 0),
        (f"Max stack size            {8 * MIB}              unlimited            bytes", 1000),
    ],
    ids=["address space", "data", "exceeded", "another limit"],
)
def test_limits_of_the_process(linux: Linux, line: str, expected: int) -> None:
    linux.write("proc/self/limits", UNLIMITED + line + "\n")
    assert linux.free == expected


def test_a_group_and_those_around_it(linux: Linux) -> None:
    linux.write("proc/self/cgroup", "0::/user/run\n")
    linux.group("cgroup/user/run", "max", 100)
    assert linux.free == 1000
    linux.group("cgroup/user/run", str(500 * MIB), 100, cache=30)
    assert linux.free == 430
    linux.group("cgroup/user", str(300 * MIB), 200)
    assert linux.free == 100
    linux.write("cgroup/user/run/memory.high", f"{150 * MIB}\n")
    assert linux.free == 80


def test_a_group_of_version_1(linux: Linux) -> None:
    linux.write("proc/self/cgroup", "3:cpuset:/\n4:cpu,memory:/box\n0::/\n")
    linux.write("cgroup/memory/box/memory.limit_in_bytes", f"{400 * MIB}\n")
    linux.write("cgroup/memory/box/memory.usage_in_bytes", f"{350 * MIB}\n")
    linux.write("cgroup/memory/box/memory.stat", f"total_inactive_file {20 * MIB}\n")
    assert linux.free == 70


def test_the_path_of_a_host_in_a_container(linux: Linux) -> None:
    linux.write("proc/self/cgroup", "0::/docker/0123\n")
    linux.group("cgroup", str(200 * MIB), 50)
    assert linux.free == 150


def test_elsewhere_psutil_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=12345))
    monkeypatch.setitem(sys.modules, "psutil", told)
    assert free_on_host(tmp_path, tmp_path) == 12345
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert free_on_host(tmp_path, tmp_path) == UNKNOWN_FREE


def test_a_gpu_counts_what_torch_holds_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (700, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 200)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 150)
    assert free_bytes(torch.device("cuda")) == 750


def test_processes_share_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_memory, "free_on_host", lambda: 900)
    try:
        share_memory(3)
        assert free_bytes(torch.device("cpu")) == 300
    finally:
        share_memory(1)
