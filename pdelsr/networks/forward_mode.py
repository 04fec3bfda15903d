"""Torch's forward mode, and modules with other parameters, while other threads use the same ones.

The levels of torch's forward mode belong to the process, not to the thread, and
`torch.func.functional_call` puts the parameters of a call into the module itself meanwhile.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from itertools import chain
from threading import RLock
from typing import Any, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


class _OneThread:
    """A lock that a forked process finds open, whoever held it in the parent."""

    def __init__(self) -> None:
        self._lock = RLock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._open)

    def _open(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


def jvp(
    function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False
) -> tuple[Any, ...]:
    """`torch.func.jvp`, by one thread at a time; calls may be nested."""
    with ONE_THREAD:
        return torch.func.jvp(function, primals, tangents, has_aux=has_aux)


def own_containers(module: M) -> M:
    """The module around the same parameters and buffers, where nobody else sees other ones put in.

    Modules and their attributes are copied, tensors are not, which takes about as long as one
    evaluation on few points.
    """
    tensors = chain(module.parameters(), module.buffers())
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})


ONE_THREAD = _OneThread()
"""Held while torch's forward mode runs, or anything else that the whole process sees."""
