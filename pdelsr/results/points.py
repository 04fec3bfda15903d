"""Where a solution is evaluated: points as an array, or one array a coordinate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError


@dataclass(frozen=True)
class Query:
    """Points in the network's dtype and device, and the form in which results go back.

    Args:
        points: (n, d).
        shape: of the results, with n elements.
        device: of the user's tensors; None where numpy arrays or numbers came in.
    """

    points: Float[Tensor, "n d"]
    shape: tuple[int, ...]
    device: torch.device | None

    def answer(self, values: Float[Tensor, " n"]) -> np.ndarray | Tensor:
        """Values at the points as the user gave these: numpy for numpy, torch for torch."""
        values = values.reshape(self.shape)
        return values.cpu().numpy() if self.device is None else values.to(self.device)


def read_points(
    points: Any, columns: Mapping[str, Any], coordinates: Sequence[sp.Symbol], like: Tensor
) -> Query:
    """Read `points` (n, d), or one array a coordinate that broadcast together.

    Args:
        points: array or tensor (n, d), columns in the order of the coordinates; (n,) for one
            coordinate; None where `columns` are given.
        columns: arrays, tensors or numbers by coordinate name.
        coordinates: of the problem, space first, then time.
        like: a tensor of the dtype and device in which the network lives.

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
    tensors = [_tensor(columns[name], name, like) for name in names]
    try:
        spread = torch.broadcast_tensors(*tensors)
    except RuntimeError:
        shapes = ", ".join(f"{n} {tuple(t.shape)}" for n, t in zip(names, tensors, strict=True))
        raise SettingsError(
            f"the coordinates have shapes that do not broadcast: {shapes}."
        ) from None
    flat = torch.stack([s.reshape(-1) for s in spread], dim=1)
    return Query(flat, tuple(spread[0].shape), _device_of(columns.values()))


def read_axis(given: Any, name: str) -> Float[np.ndarray, "..."]:
    """Positions along one coordinate, (n,), or a number, as fp64.

    Raises:
        SettingsError: an array of more dimensions, or something that is no number.
    """
    found = _tensor(given, name, torch.empty(0, dtype=torch.float64)).numpy()
    if found.ndim > 1 or not found.size:
        raise SettingsError(
            f"{name} has shape {tuple(found.shape)}: give positions along it, (n,), or a number."
        )
    return found


def require_coordinates(columns: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse keyword arguments that are not exactly the coordinates."""
    for name in columns:
        if name not in names:
            raise SettingsError(f"{name!r} is not a coordinate; it has {', '.join(names)}.")
    missing = [name for name in names if name not in columns]
    if missing:
        raise SettingsError(f"coordinate {missing[0]!r} is missing: give {missing[0]}=... too.")


def _from_array(points: Any, names: Sequence[str], like: Tensor) -> Query:
    tensor = _tensor(points, "points", like)
    if tensor.ndim == 1 and len(names) == 1:
        tensor = tensor[:, None]
    if tensor.ndim != 2 or tensor.shape[1] != len(names):
        raise SettingsError(
            f"points have shape {tuple(tensor.shape)}; expected (n, {len(names)}): one row a "
            f"point, columns {', '.join(names)}."
        )
    return Query(tensor, (tensor.shape[0],), _device_of([points]))


def _tensor(given: Any, name: str, like: Tensor) -> Tensor:
    try:
        if not isinstance(given, Tensor):
            given = torch.from_numpy(np.array(given, dtype=np.float64))
        return given.detach().to(dtype=like.dtype, device=like.device)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{name}: expected numbers, got {type(given).__name__}.") from error


def _device_of(given: Any) -> torch.device | None:
    """The device of the first tensor, or None where there is none."""
    return next((g.device for g in given if isinstance(g, Tensor)), None)
