"""The points of an evaluation: one array of points, or one array per coordinate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError, said

Numbers = np.ndarray | Tensor
"""The user's numbers, not copied."""


@dataclass(frozen=True)
class Query(ABC):
    """Points as given, and the form in which results are returned.

    Only the piece under evaluation is copied.

    Args:
        shape: of the results, with n elements.
        like: a tensor of the dtype and device of the network.
        device: of the user's tensors; None for numpy arrays or numbers.
    """

    shape: tuple[int, ...]
    like: Tensor
    device: torch.device | None

    def __len__(self) -> int:
        return math.prod(self.shape)

    @abstractmethod
    def piece(self, part: slice) -> Float[Tensor, "p d"]:
        """Some of the points, in the dtype and on the device of the network."""

    def answer(self, values: Float[Tensor, " n"]) -> np.ndarray | Tensor:
        """The values in the user's form: numpy for numpy, torch for torch."""
        values = values.reshape(self.shape)
        return values.cpu().numpy() if self.device is None else values.to(self.device)

    def _read(self, numbers: Numbers) -> Tensor:
        if not isinstance(numbers, Tensor):
            numbers = torch.from_numpy(np.array(numbers, dtype=np.float64))
        return numbers.to(self.like)


@dataclass(frozen=True)
class Listed(Query):
    """Points in the rows of an array (n, d)."""

    points: Numbers

    def piece(self, part: slice) -> Float[Tensor, "p d"]:
        return self._read(self.points[part])


@dataclass(frozen=True)
class Spread(Query):
    """Points from one array per coordinate, broadcast to the shape of the results."""

    columns: tuple[Numbers, ...]

    def piece(self, part: slice) -> Float[Tensor, "p d"]:
        return torch.stack([self._read(_flat(column, part)) for column in self.columns], dim=1)


def _flat(spread: Numbers, part: slice) -> Numbers:
    """Some elements of an array in row order, without a full copy."""
    if not isinstance(spread, Tensor):
        return spread.flat[part]
    if spread.is_contiguous():
        return spread.view(-1)[part]
    places = torch.arange(part.start, part.stop, device=spread.device)
    return spread[torch.unravel_index(places, spread.shape)]


def read_points(
    points: Any, columns: Mapping[str, Any], coordinates: Sequence[sp.Symbol], like: Tensor
) -> Query:
    """Read `points` (n, d), or one array per coordinate, which broadcast together.

    Args:
        points: array or tensor (n, d), columns in the order of the coordinates; (n,) for one
            coordinate; None if `columns` are given.
        columns: arrays, tensors or numbers by coordinate name.
        coordinates: of the problem, space first, then time.
        like: a tensor of the dtype and device of the network.

    Raises:
        SettingsError: both or neither is given, a coordinate is missing or unknown, or a shape
            does not fit.
    """
    names = [c.name for c in coordinates]
    if (points is None) == (not columns):
        listed = ", ".join(f"{name}=..." for name in names)
        raise SettingsError(
            f"give points as an array of shape (n, {len(names)}), or one array a coordinate "
            f"({listed}); {'nothing' if points is None else 'both'} was given."
        )
    if points is not None:
        return _from_array(points, names, like)
    require_coordinates(columns, names)
    given = [_numbers(columns[name], name) for name in names]
    try:
        shape = np.broadcast_shapes(*(tuple(numbers.shape) for numbers in given))
    except ValueError:
        shapes = ", ".join(f"{n} {tuple(a.shape)}" for n, a in zip(names, given, strict=True))
        raise SettingsError(
            f"the coordinates have shapes that do not broadcast: {shapes}."
        ) from None
    spread = tuple(
        a.expand(shape) if isinstance(a, Tensor) else np.broadcast_to(a, shape) for a in given
    )
    return Spread(shape, like, _device_of(columns.values()), spread)


def read_axis(given: Any, name: str) -> Float[np.ndarray, "..."]:
    """Positions along one coordinate, (n,), or a number, as fp64.

    Raises:
        SettingsError: the array has more dimensions, or an entry is no number.
    """
    numbers = _numbers(given, name)
    found = numbers.cpu().numpy() if isinstance(numbers, Tensor) else numbers
    if found.ndim > 1 or not found.size:
        raise SettingsError(
            f"{name} has shape {tuple(found.shape)}: give positions along it, (n,), or a number."
        )
    return found.astype(np.float64)


def require_coordinates(columns: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse keyword arguments that are not exactly the coordinates."""
    for name in columns:
        if name not in names:
            raise SettingsError(f"{name!r} is not a coordinate; it has {', '.join(names)}.")
    missing = [name for name in names if name not in columns]
    if missing:
        raise SettingsError(f"coordinate {missing[0]!r} is missing: give {missing[0]}=... too.")


def _from_array(points: Any, names: Sequence[str], like: Tensor) -> Query:
    given = _numbers(points, "points")
    if given.ndim == 1 and len(names) == 1:
        given = given[:, None]
    if given.ndim != 2 or given.shape[1] != len(names):
        raise SettingsError(
            f"points have shape {tuple(given.shape)}; expected (n, {len(names)}): one row a "
            f"point, columns {', '.join(names)}."
        )
    return Listed((given.shape[0],), like, _device_of([points]), given)


def _numbers(given: Any, name: str) -> Numbers:
    """Real numbers as an array or a tensor; anything else is converted.

    Raises:
        SettingsError: they are of another kind, or some are missing.
    """
    if isinstance(given, Tensor):
        return _dense_real(given.detach(), name)
    if np.ma.is_masked(given):
        raise SettingsError(f"{name}: some entries are masked; leave these points out.")
    try:
        found = np.asarray(given)
        if found.dtype.kind == "O" and not any(entry is None for entry in found.flat):
            found = np.asarray(found, dtype=np.float64)  # of sympy numbers, say
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise SettingsError(
            f"{name}: expected numbers, got {type(given).__name__} ({said(error)})."
        ) from error
    if found.dtype.kind not in "biuf":
        kind = "real numbers" if found.dtype.kind == "c" else "numbers"
        raise SettingsError(
            f"{name}: expected {kind}, got {type(given).__name__} of type {found.dtype}."
        )
    return found


def _dense_real(given: Tensor, name: str) -> Tensor:
    """Refuse tensors with complex numbers, without numbers, or sparse ones."""
    if given.is_complex():
        raise SettingsError(f"{name}: expected real numbers, got a tensor of {given.dtype}.")
    if given.is_meta or given.layout != torch.strided:
        kind = "a meta tensor" if given.is_meta else f"a tensor of layout {given.layout}"
        raise SettingsError(f"{name}: expected numbers, got {kind}; give a dense one.")
    return given


def _device_of(given: Any) -> torch.device | None:
    """The device of the first tensor, or None without tensors."""
    return next((g.device for g in given if isinstance(g, Tensor)), None)
