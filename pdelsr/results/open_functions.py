"""The functions that the equations leave open, in words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.solvers.refinement.sensitivity import Modes

FITS = 1e-3  # share of a function that a polynomial may miss
DEGREES = (0, 1, 2, 3)  # of polynomials to try
MOST = 3  # functions described one by one


def in_words(
    modes: Modes,
    count: int,
    sizes: Float[Tensor, " k"],
    points: Float[Tensor, "p d"],
    names: Sequence[str],
    coordinates: Sequence[str],
) -> tuple[str, ...]:
    """The first functions of `modes`, which the equations do not see.

    Args:
        modes: with the open ones first.
        count: number of open ones.
        sizes: of the unknowns, the units of the modes.
        points: of the modes.
        names: of the unknowns.
        coordinates: their names.
    """
    functions = modes.functions[:count] * sizes  # as they add to the unknowns
    moving = functions.square().mean(1).sqrt()
    moved = [k for k in range(len(names)) if bool((moving[:, k] > FITS * moving.max(1)[0]).any())]
    who = " and ".join(names[k] for k in moved)
    for degree in DEGREES:
        if _fit(functions, points, degree):
            return (f"{who} {_verb(moved)} known up to {_polynomial(degree, count, coordinates)}",)
    where = [_peak(functions[i], points, coordinates) for i in range(min(count, MOST))]
    if count == 1:
        what = f"a multiple of a function that is largest near {where[0]}"
    else:
        what = f"{count} functions, largest near {', '.join(where)}{' …' if count > MOST else ''}"
    return (f"{who} {_verb(moved)} known up to {what}",)


def _verb(moved: Sequence[int]) -> str:
    return "is" if len(moved) == 1 else "are"


def _fit(functions: Float[Tensor, "c p k"], points: Float[Tensor, "p d"], degree: int) -> bool:
    """Whether every unknown of every function is a polynomial of that degree."""
    low, high = points.amin(0), points.amax(0)
    scaled = 2 * (points - low) / torch.where(high > low, high - low, torch.ones_like(low)) - 1
    columns = [torch.ones_like(scaled[:, 0])]
    for n in range(1, degree + 1):
        columns += [scaled[:, i] ** n for i in range(scaled.shape[1])]
    Q = torch.linalg.qr(torch.stack(columns, 1)).Q
    left = functions - torch.einsum("pq,rq,crk->cpk", Q, Q, functions)
    return bool((left.norm(dim=(1, 2)) <= FITS * functions.norm(dim=(1, 2))).all())


def _polynomial(degree: int, count: int, coordinates: Sequence[str]) -> str:
    """Text such as "a constant", "a + b x", "a multiple of a + b x"."""
    if degree == 0:
        return "a constant" if count == 1 else "constants"
    powers = [f"{c}{_power(n)}" for n in range(1, degree + 1) for c in coordinates]
    terms = ["a", *(f"{chr(ord('b') + i)} {p}" for i, p in enumerate(powers))]
    text = " + ".join(terms)
    return text if count >= len(terms) else f"a function of the form {text}"


def _power(n: int) -> str:
    return {1: "", 2: "²", 3: "³"}[n]


def _peak(
    function: Float[Tensor, "p k"], points: Float[Tensor, "p d"], coordinates: Sequence[str]
) -> str:
    """The point where a function is largest."""
    return place_text(points[int(function.abs().amax(1).argmax())], coordinates)


def place_text(point: Float[Tensor, " d"], coordinates: Sequence[str]) -> str:
    """Text such as "(x = 0.5, y = 1)"."""
    named = zip(coordinates, point.tolist(), strict=True)
    return f"({', '.join(f'{c} = {v:.3g}' for c, v in named)})"
