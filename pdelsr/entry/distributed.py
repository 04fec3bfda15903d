"""`distributed=True`: the processes that torchrun has started, and how each of them works."""

from __future__ import annotations

import atexit
import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import FrameType

import torch
import torch.distributed as dist

from pdelsr.errors import SettingsError
from pdelsr.files.digest import digest
from pdelsr.processes import ALONE, Group, sharing
from pdelsr.processes.torch_group import JOIN, TorchGroup
from pdelsr.resources.free_memory import memory_shared
from pdelsr.resources.time_is_up import check_time

ECHO = 1.0  # seconds in which torchrun passes Ctrl-C on once more
_joined: list[TorchGroup] = []  # by this process, once


@contextmanager
def sharing_work(distributed: bool) -> Generator[Group, None, None]:
    """A block whose work is shared by the processes that were started together.

    Ctrl-C ends the run of all processes with the best state; pressed twice, it ends this one. Free
    memory is divided among the processes of a machine, except on a GPU, of which each has its own.
    Warnings are given by the first process.

    Args:
        distributed: False for a block of this process alone.

    Raises:
        SettingsError: there are no other processes to work with.
    """
    group = joined() if distributed else ALONE
    if not isinstance(group, TorchGroup):
        with sharing(ALONE):
            yield ALONE
        return
    with (
        group.watched(),
        sharing(group),
        memory_shared(-(-group.here() // max(torch.cuda.device_count(), 1))),
        _gentle_interrupt(group),
        warnings.catch_warnings(),
    ):
        if not group.is_first:
            warnings.simplefilter("ignore")
        yield group


def joined() -> Group:
    """The processes of torchrun, or of a process group that the user has made.

    Raises:
        SettingsError: this process was started alone.
    """
    if not dist.is_available():
        raise SettingsError("distributed=True needs a torch that is built with torch.distributed.")
    if not dist.is_initialized():
        if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
            raise SettingsError(
                "distributed=True needs processes that were started together: run the script with "
                "torchrun --nproc-per-node N script.py, or call "
                "torch.distributed.init_process_group first."
            )
        if torch.cuda.is_available():
            local = int(os.environ.get("LOCAL_RANK", "0"))
            torch.cuda.set_device(local % torch.cuda.device_count())
        dist.init_process_group(timeout=JOIN)
        atexit.register(_leave)
    if dist.get_world_size() == 1:
        return ALONE
    if not _joined:
        _joined.append(TorchGroup(check_time))
    if _joined[0].world is not dist.group.WORLD:
        raise SettingsError(
            "the process group of an earlier call was destroyed, and torch cannot join its "
            "processes anew: keep one process group until the script ends."
        )
    return _joined[0]


def require_same(call: str, parts: Mapping[str, object], group: Group) -> None:
    """Refuse processes that make the same call with different arguments.

    Args:
        call: its name.
        parts: what must be the same, by its name, as text or plain data.
        group: the processes.

    Raises:
        SettingsError: something differs; the message says what.
    """
    own = {name: digest([repr(part)]) for name, part in parts.items()}
    first = group.agree(own)

    def compare() -> None:
        names = dict.fromkeys([*first, *own])
        different = [name for name in names if own.get(name) != first.get(name)]
        if different:
            raise SettingsError(
                f"with distributed=True all processes call {call} with the same arguments, and "
                f"these differ from those of process 0: {', '.join(different)}."
            )

    group.together(compare)


def _leave() -> None:
    """Leave the group that was made here, which torch asks for."""
    if dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def _gentle_interrupt(group: TorchGroup) -> Generator[None, None, None]:
    """A block in which the first Ctrl-C is heard where all processes hear of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    pressed = -math.inf
    group.is_interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        before, pressed = pressed, time.monotonic()
        if pressed - before < ECHO:
            return
        if group.is_interrupted:
            raise KeyboardInterrupt
        group.is_interrupted = True

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
