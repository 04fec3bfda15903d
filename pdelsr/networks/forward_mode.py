"""Torch's forward mode, and modules with other parameters, safe for several threads.

The levels of torch's forward mode belong to the process, not to the thread, and during a call
`torch.func.functional_call` puts the parameters into the module itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


class _OneThread:
    """A lock that is open in a forked process, even if it was held in the parent."""

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


@contextmanager
def plain_attention() -> Generator[None, None, None]:
    """Attention by plain products, whose derivatives torch knows, in place of fused kernels."""
    fast = torch.backends.mha.get_fastpath_enabled()
    with ONE_THREAD, sdpa_kernel(SDPBackend.MATH):
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


ONE_THREAD = _OneThread()
"""Held while torch's forward mode runs, or anything else that affects the whole process."""
