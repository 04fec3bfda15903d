"""The checksum by which a file of tensors tells that it is as it was written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def checksum(tensors: Mapping[str, Tensor], document: str) -> str:
    """SHA-256 over a document and the name, type, shape and bytes of every tensor.

    Args:
        tensors: by name, contiguous, on the CPU.
        document: what the file says beside them.
    """
    found = hashlib.sha256(document.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
