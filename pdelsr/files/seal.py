"""The digests of tensors, and the checksum of a file of tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from pdelsr.files.digest import digest


def checksum(tensors: Mapping[str, Tensor], document: str) -> str:
    """The digest of a document and the name, type, shape and bytes of every tensor.

    Args:
        tensors: by name.
        document: the other contents of the file.
    """
    return digest(_parts_of_file(tensors, document))


def digest_of_tensors(tensors: Iterable[Tensor]) -> str:
    """The digest of types, shapes and bytes of some tensors."""
    return digest(part for tensor in tensors for part in _parts(tensor))


def _parts_of_file(tensors: Mapping[str, Tensor], document: str) -> Iterator[str | memoryview]:
    yield document
    for name in sorted(tensors):
        yield f"{name} "
        yield from _parts(tensors[name])


def _parts(tensor: Tensor) -> Iterator[str | memoryview]:
    flat = tensor.detach().cpu().contiguous()
    yield f"{flat.dtype} {tuple(flat.shape)}"
    yield flat.reshape(-1).view(torch.uint8).numpy().data
