"""Documents of saved solutions and checkpoints, edited and sealed again: refused, or harmless."""

from __future__ import annotations

import copy
import io
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.files.container import Contents, read, write
from pdelsr.files.header import LONGEST, DamagedHeader, read_header

X = pl.coordinates("x")
EDITS: dict[str, Callable[[Any], Any]] = {
    "missing": lambda old: ...,
    "null": lambda old: None,
    "text": lambda old: "x",
    "negative": lambda old: -1,
    "huge": lambda old: 10**30,
    "flag": lambda old: True,
    "nested": lambda old: [old],
    "named": lambda old: {"a": old},
    "not finite": lambda old: float("nan"),
}


def problem() -> pl.Problem:
    """-u'' + u³ = f with u = 0 at both ends."""
    u = pl.unknown("u", X)
    source = sp.pi**2 * sp.sin(sp.pi * X) + sp.sin(sp.pi * X) ** 3
    equation = sp.Eq(-u.diff(X, 2) + u**3, source)
    return pl.Problem("rod", pl.Interval(X, 0, 1), [equation], [pl.Dirichlet(u, 0)])


OPTIONS: dict[str, Any] = {"hidden": (6, 6), "points": 30, "weight_scale": 1.0}


def places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document, the first of lists that are alike."""
    if at:
        yield at
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, (*at, key))
    elif isinstance(document, list) and document:
        yield from places(document[0], (*at, 0))
        if len(document) > 1:
            yield from places(document[-1], (*at, -1))


def edited(document: Any, at: tuple[Any, ...], edit: Callable[[Any], Any]) -> Any:
    """A copy of the document with one edit."""
    found = copy.deepcopy(document)
    *way, last = at
    inner = found
    for key in way:
        inner = inner[key]
    new = edit(inner[last])
    if new is ...:
        del inner[last]
    else:
        inner[last] = new
    return found


def survives(path: Path, contents: Contents, use: Callable[[], Any], every: int) -> int:
    """Make every so-many-th edit, and use the file; how many were made."""
    document = contents.document
    where = [(at, edit) for at in places(document) for edit in EDITS]
    chosen = where[::every]
    for at, edit in chosen:
        write(path, Contents(contents.tensors, edited(document, at, EDITS[edit])))
        try:
            use()
        except pl.FileFormatError:
            continue
        except Exception as error:
            raise AssertionError(f"{edit} at {at}: {error!r}") from error
    return len(chosen)


def test_of_a_solution(tmp_path: Path) -> None:
    path = tmp_path / "a"
    pl.solve(problem(), "lsr", basis="gaussian", rank=9, **OPTIONS).save(path)

    def use() -> None:
        solution = pl.load(path, problem())
        solution.predict(x=0.5)
        solution.summary()
        solution.to_json()
        solution.save(tmp_path / "b")

    assert survives(path, read(path), use, every=9) > 100


def test_of_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a"
    options = {**OPTIONS, "checkpoint": path, "max_iterations": 1}
    pl.solve(problem(), "lsr", **options)
    assert survives(path, read(path), lambda: pl.solve(problem(), "lsr", **options), every=31) > 50


HEADERS: dict[str, Any] = {
    "no tensor": {"a": 1},
    "no list": [],
    "a type that is not known": {"a": {"dtype": "F4", "shape": [1], "data_offsets": [0, 8]}},
    "a huge shape": {"a": {"dtype": "F64", "shape": [2**61], "data_offsets": [0, 8]}},
    "a shape that overflows": {"a": {"dtype": "F64", "shape": [2**32] * 2, "data_offsets": [0, 0]}},
    "a negative size": {"a": {"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]}},
    "beyond the end": {"a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}},
    "a gap": {"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}},
    "metadata that are no texts": {"__metadata__": {"a": 1}},
}


def file_with(header: bytes, length: int | None = None) -> io.BytesIO:
    """Eight bytes of data behind a header."""
    return io.BytesIO(struct.pack("<Q", length or len(header)) + header + bytes(8))


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_that_does_not_fit_is_refused(header: Any) -> None:
    with pytest.raises(DamagedHeader):
        read_header(file_with(json.dumps(header).encode()))


def test_a_header_that_a_parser_would_need_gigabytes_for_is_refused() -> None:
    shape = "[" + "1," * 4_000_000 + "1]"
    entry = f'{{"a": {{"dtype": "F64", "shape": {shape}, "data_offsets": [0, 8]}}}}'
    with pytest.raises(DamagedHeader, match="no list of tensors"):
        read_header(file_with(entry.encode()))


@pytest.mark.parametrize("length", [10**12, LONGEST, 2**64 - 1])
def test_a_header_that_is_longer_than_the_file_is_refused(length: int) -> None:
    with pytest.raises(DamagedHeader, match="and the file"):
        read_header(file_with(b"{}", length))
