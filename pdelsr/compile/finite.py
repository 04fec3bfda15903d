"""Values that are not finite, refused with the first point where they occur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdelsr.errors import ProblemError


def require_finite(
    values: Float[Tensor, " n"],
    x: Float[Tensor, "n c"],
    columns: Sequence[Any],
    what: str,
) -> None:
    """Refuse NaN and infinity.

    Args:
        values: at the points.
        x: points, (n, c), c at least the number of columns.
        columns: names of the leading columns of the points.
        what: how the message calls the values.

    Raises:
        ProblemError: one is not finite; the message names the first point.
    """
    good = torch.isfinite(values)
    if not good.all():
        raise ProblemError(
            f"{what} is {values[~good][0].item()} at {first_point(~good, x, columns)} "
            f"({(~good).sum().item()} of {len(x)} points); check the formula there."
        )


def first_point(where: Bool[Tensor, " n"], x: Float[Tensor, "n c"], columns: Sequence[Any]) -> str:
    """The first point where `where` holds, as "x = 0.5, t = 1"."""
    point = x[where][0].tolist()
    return ", ".join(f"{c} = {v:.6g}" for c, v in zip(columns, point, strict=False))
