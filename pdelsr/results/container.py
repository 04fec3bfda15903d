"""The file format: tensors and a JSON document in safetensors, with version and checksum."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pdelsr.errors import FileFormatError, said
from pdelsr.version import __version__

FORMAT = "pdelsr-solution"
VERSION = 6
OLD = 600  # seconds after which a temporary file belongs to no writer any more


@dataclass(frozen=True)
class Contents:
    """What a file holds: named tensors on the CPU, and a document of plain data."""

    tensors: Mapping[str, Tensor]
    document: Mapping[str, Any]


def write(path: str | Path, contents: Contents) -> None:
    """Write to a temporary file beside `path`, then move it there.

    Raises:
        FileFormatError: the path is a folder, or lies in one that cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise FileFormatError(f"{path} is a folder: give the path of a file.")
    if path.exists() and not path.is_file():  # the move below would take its place
        raise FileFormatError(f"{path} is a device or a pipe: give the path of a file.")
    tensors = {
        k: t.detach().cpu().clone(memory_format=torch.contiguous_format)
        for k, t in contents.tensors.items()
    }
    document = json.dumps(contents.document)
    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "pdelsr": __version__,
        "document": document,
        "sha256": _checksum(tensors, document),
    }
    temporary = _temporary(path, os.getpid())
    try:
        with temporary.open("wb") as file:
            file.write(save(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, ValueError) as error:  # the latter of a path with a null byte
        why = getattr(error, "strerror", None) or error
        raise FileFormatError(f"{path} cannot be written: {why}; give another path.") from error
    finally:
        with suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove old temporary files of writers of this path: those of killed processes."""
    for leftover in path.parent.glob(_temporary(path, "*").name):
        with suppress(OSError):  # of a folder that is read-only, say: the run does not need it
            if time.time() - leftover.stat().st_mtime > OLD:
                leftover.unlink()


def _temporary(path: Path, writer: int | str) -> Path:
    """A hidden file beside the path, whose name is not too long where that of the path is not."""
    known = hashlib.sha256(path.name.encode(errors="surrogateescape")).hexdigest()[:16]
    return path.with_name(f".{known}.{writer}.tmp")


def read(path: str | Path) -> Contents:
    """Read what `write` has written.

    Raises:
        FileFormatError: the file is missing, foreign, damaged, or of a newer version.
    """
    if not Path(path).is_file():
        raise FileFormatError(f"there is no file {path}: give one written by Solution.save.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            _require_readable(path, metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise FileFormatError(
            f"{path} is damaged, or not a solution saved by pdelsr ({said(error)}): save it again, "
            "or use another copy."
        ) from error
    if _checksum(tensors, metadata["document"]) != metadata["sha256"]:
        raise FileFormatError(
            f"{path} was changed after it was saved (its checksum differs): use another copy, or "
            "solve again."
        )
    return Contents(tensors, _document(path, metadata["document"]))


def _document(path: str | Path, text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{path} holds a document that cannot be read ({said(error)}): use another copy."
        ) from error
    if not isinstance(document, dict):
        raise FileFormatError(f"{path} holds no document of named values: use another copy.")
    return document


def _require_readable(path: str | Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT or not {"version", "document", "sha256"} <= set(metadata):
        raise FileFormatError(
            f"{path} is not a solution saved by pdelsr: give a file written by Solution.save."
        )
    if metadata["version"] != str(VERSION):
        raise FileFormatError(
            f"{path} has format version {metadata['version']}, and this pdelsr {__version__} reads "
            f"version {VERSION}: install pdelsr {metadata.get('pdelsr', 'as it was')}, which wrote "
            "it."
        )


def _checksum(tensors: Mapping[str, Tensor], document: str) -> str:
    """SHA-256 over the document and the name, type, shape and bytes of every tensor."""
    found = hashlib.sha256(document.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
