"""The file format: tensors and a JSON document in safetensors, with version and checksum."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from pdelsr.errors import FileFormatError, said
from pdelsr.files.atomic import NOT_WRITTEN, read_path, unwritable, write_whole
from pdelsr.files.header import DamagedHeader, read_header
from pdelsr.files.seal import checksum
from pdelsr.version import __version__

FORMAT = "pdelsr-solution"  # of all files; what a file holds is in its document
VERSION = 6
EARLIER = ("pdelsr-refined",)  # formats that are no longer written


@dataclass(frozen=True)
class Kind:
    """A kind of file, in the words of messages.

    Args:
        what: such a file, as "a solution".
        writer: of such files, which users call.
        again: how to make another.
    """

    what: str
    writer: str
    again: str


SOLUTION = Kind("a solution saved by pdelsr", "Solution.save", "solve again")


@dataclass(frozen=True)
class Contents:
    """What a file holds: named tensors on the CPU, and a document of plain data."""

    tensors: Mapping[str, Tensor]
    document: Mapping[str, Any]


def write(path: str | Path, contents: Contents) -> None:
    """Write to a temporary file beside `path`, then move it there.

    Raises:
        SettingsError: the path is no path.
        FileFormatError: the path is a folder, or lies in one that cannot be written.
    """
    path = read_path(path)
    try:
        if path.is_dir():
            raise FileFormatError(f"{path} is a folder: give the path of a file.")
        if path.exists() and not path.is_file():
            raise FileFormatError(f"{path} is a device or a pipe: give the path of a file.")
        write_whole(path, encoded(contents))
    except FileFormatError:  # a ValueError, too
        raise
    except NOT_WRITTEN as error:
        raise FileFormatError(unwritable(path, error)) from error


def encoded(contents: Contents) -> bytes:
    """The bytes of a file."""
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
        "sha256": checksum(tensors, document),
    }
    return save(tensors, metadata)


def read(path: str | Path, kind: Kind = SOLUTION) -> Contents:
    """Read what `write` has written.

    Args:
        path: of the file.
        kind: of the file, for messages.

    Raises:
        SettingsError: the path is no path.
        FileFormatError: the file is missing, foreign, damaged, or of a newer version.
    """
    if not read_path(path).is_file():
        raise FileFormatError(f"there is no file {path}: give one written by {kind.writer}.")
    try:
        with Path(path).open("rb") as file:
            header = read_header(file)
        _require_readable(path, header.metadata, kind)
        with safe_open(path, framework="pt") as opened:
            names = opened.keys()
            # copies, because products round differently if a matrix is not aligned in the file
            tensors = {name: opened.get_tensor(name).clone() for name in names}
    except (SafetensorError, DamagedHeader, OSError) as error:
        raise FileFormatError(
            f"{path} is damaged, or not {kind.what} ({said(error)}): save it again, or use another "
            "copy."
        ) from error
    return _checked(path, tensors, header.metadata, kind)


def decoded(data: bytes) -> Contents:
    """The contents that `encoded` turned into these bytes.

    Raises:
        FileFormatError: they are damaged, or of another version.
    """
    what = "a pickled solution"
    try:
        header = read_header(io.BytesIO(data))
        _require_readable(what, header.metadata, SOLUTION)
        tensors = {name: tensor.clone() for name, tensor in load(data).items()}
    except (SafetensorError, DamagedHeader) as error:
        raise FileFormatError(
            f"{what} is damaged ({said(error)}): pickle it again, or use another copy."
        ) from error
    return _checked(what, tensors, header.metadata, SOLUTION)


def _checked(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], kind: Kind
) -> Contents:
    if checksum(tensors, metadata["document"]) != metadata["sha256"]:
        raise FileFormatError(
            f"{path} was changed after it was saved (its checksum differs): use another copy, or "
            f"{kind.again}."
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


def _require_readable(path: str | Path, metadata: Mapping[str, str], kind: Kind) -> None:
    if metadata.get("format") in EARLIER:
        raise FileFormatError(
            f"{path} was written by an earlier version of pdelsr, which this one cannot read: "
            f"{kind.again}."
        )
    if metadata.get("format") != FORMAT or not {"version", "document", "sha256"} <= set(metadata):
        raise FileFormatError(
            f"{path} is not {kind.what}: give a file written by {kind.writer}, or use another copy."
        )
    if metadata["version"] != str(VERSION):
        raise FileFormatError(
            f"{path} has format version {metadata['version']}, and this pdelsr {__version__} reads "
            f"version {VERSION}: install pdelsr {metadata.get('pdelsr', 'as it was')}, which wrote "
            "it."
        )
