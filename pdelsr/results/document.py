"""The document of a saved solution: its required contents and tensors."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from pdelsr.errors import FileFormatError
from pdelsr.files.typed import shown


@dataclass(frozen=True)
class ReportDocument:
    """The reduced system of a refinement, without its tensors."""

    rank: int
    effective_rank: int | None
    condition: float | None
    limit: str | None
    solver_ended: str | None
    directions: str


@dataclass(frozen=True)
class NetworkDocument:
    """The settings of a built-in network, or a description of the user's own."""

    settings: Mapping[str, Any] | None
    own: str | None


@dataclass(frozen=True)
class ProblemDocument:
    """The identity of the problem."""

    name: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Document:
    """The parts of a saved solution that are plain data; fields as in `Solution`."""

    problem: Mapping[str, Any]
    network: Mapping[str, Any]
    method: Mapping[str, Any]
    settings: Mapping[str, Any]
    status: str
    blocks: Mapping[str, Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]]
    report: Mapping[str, Any] | None
    points: Sequence[Sequence[Any]]
    weights: Mapping[str, float]
    heldout: float
    heldout_start: float
    estimate: Mapping[str, Any]
    ended: str | None
    next_step: str | None
    iterations: int
    best_iteration: int
    rounds: int
    seconds: float
    peak_memory_bytes: int
    error_history: Sequence[Sequence[float]] = ()


def require_small_network(settings: Mapping[str, Any], size: tuple[int, int], count: int) -> None:
    """Refuse settings of a network far larger than the weights of the file.

    Building such a network could take all memory before its size is compared.

    Args:
        settings: of the network.
        size: number of coordinates and of unknowns of the problem.
        count: weights in the file.

    Raises:
        FileFormatError: a size is no whole number, or exceeds what `count` parameters allow.
    """
    given = settings.get("in_features"), settings.get("out_features")
    if given != size:
        raise FileFormatError(f"its network maps {given}, expected {size} as in the problem")
    hidden = settings.get("hidden", ())
    waves = [settings.get("harmonics", 1), settings.get("fourier", 0)]
    sizes: list[Any] = [*waves, *(hidden if isinstance(hidden, list | tuple) else [None])]
    if any(isinstance(s, bool) or not isinstance(s, int) or s < 0 for s in sizes):
        raise FileFormatError(f"its network has the sizes {shown(sizes)}, expected whole numbers")
    periodic = len(settings.get("periodic") or ())
    features = size[0] - periodic + 2 * (waves[0] * periodic + waves[1])
    products = [a * b for a, b in pairwise([features, *hidden, size[1]])]
    if max([*sizes, *products], default=0) > count:
        raise FileFormatError(f"its network has the sizes {shown(sizes)} and {count} weights")


def require_tensors(
    tensors: Mapping[str, Tensor], document: Document, dim: int, dtype: torch.dtype
) -> None:
    """Refuse tensors that do not belong together, or are not finite.

    Args:
        tensors: of the file, by name.
        document: of the same file.
        dim: number of coordinates.
        dtype: of the run.

    Raises:
        FileFormatError: there is one; the message names the first.
    """
    m = _length(tensors, "theta")
    shapes: dict[str, tuple[int | None, ...]] = {"theta": (m,)}
    if "delta" in tensors:
        shapes["delta"] = (m,)
    for i, (_, sites) in enumerate(document.points):
        shapes |= {f"points.{i}.{site}": (None, dim) for site in range(sites)}
    for name, shape in shapes.items():
        _require(tensors, name, shape, dtype)


def require_report_tensors(
    tensors: Mapping[str, Tensor], report: ReportDocument, dtype: torch.dtype
) -> None:
    """Refuse tensors that do not belong to the reduced system, or are not finite.

    Raises:
        FileFormatError: there is one; the message names the first.
    """
    m = _length(tensors, "theta")
    for name in ("singular_values", "basis_values"):
        if name == "singular_values" or name in tensors:
            _require(tensors, name, (None,), None)
    if "y" in tensors:
        _require(tensors, "y", (report.rank,), dtype)
    if report.directions == "Dense":
        _require(tensors, "V", (m, report.rank), dtype)
    if report.directions == "Columns":
        _require(tensors, "index", (report.rank,), torch.int64)
        index = tensors["index"]
        if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < m:
            raise FileFormatError(f"its tensor 'index' points outside of {m} parameters")
    if report.directions == "Groups":
        _require(tensors, "order", (m,), torch.int64)
        _require(tensors, "weights", (m,), dtype)
        if not torch.equal(tensors["order"].sort().values.cpu(), torch.arange(m)):
            raise FileFormatError(f"its tensor 'order' is no order of {m} parameters")
        if not 0 < report.rank <= m:
            raise FileFormatError(f"it has {report.rank} groups of {m} parameters")
    unknown = report.effective_rank is None, report.condition is None
    if any(unknown) and tensors["singular_values"].numel():
        raise FileFormatError("it has singular values, and lacks effective rank or condition")
    if report.directions == "Identity" and report.rank != m:
        raise FileFormatError(f"it has rank {report.rank} in the full basis of {m} parameters")


def _length(tensors: Mapping[str, Tensor], name: str) -> int:
    if name not in tensors:
        raise FileFormatError(f"it lacks the tensor {name!r}")
    return tensors[name].numel()


def _require(
    tensors: Mapping[str, Tensor],
    name: str,
    shape: tuple[int | None, ...],
    dtype: torch.dtype | None,
) -> None:
    if name not in tensors:
        raise FileFormatError(f"it lacks the tensor {name!r}")
    found = tensors[name]
    right = len(found.shape) == len(shape) and all(
        want is None or have == want for have, want in zip(found.shape, shape, strict=True)
    )
    if not right:
        wanted = ", ".join("n" if s is None else str(s) for s in shape)
        raise FileFormatError(
            f"its tensor {name!r} has shape {tuple(found.shape)}, expected ({wanted})"
        )
    if found.dtype != dtype if dtype else not found.is_floating_point():
        raise FileFormatError(
            f"its tensor {name!r} is of {found.dtype}, expected {dtype or 'reals'}"
        )
    if name != "basis_values" and name != "singular_values" and not torch.isfinite(found).all():
        raise FileFormatError(f"its tensor {name!r} is not finite")


def require_entries(document: Document, names: Collection[str]) -> None:
    """Refuse points that are not listed as (block, number of sites), and impossible numbers.

    Args:
        document: of a file.
        names: of the problem's statements.

    Raises:
        FileFormatError: there are some; the message shows the first.
    """
    for name, found in document.blocks.items():
        residuals = found.get("train_rms", 0.0), found.get("heldout_rms", 0.0)
        if name not in names or any(isinstance(r, int | float) and r < 0 for r in residuals):
            raise FileFormatError(f"its blocks have the entry {shown({name: dict(found)})}")
    for entry in document.points:
        good = len(entry) == 2 and isinstance(entry[0], str) and entry[1] in (1, 2)
        if not good:
            raise FileFormatError(f"its points have the entry {shown(entry)}")
    weights = document.weights
    if not all(math.isfinite(w) and w >= 0 for w in weights.values()):
        raise FileFormatError(f"its weights are {shown(dict(weights))}")
