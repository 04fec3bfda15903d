"""Jets of reference solutions: symbolic where there is a formula, else by differences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import sympy as sp
import torch
from torch import Tensor

import pdelsr as pl
from pdelsr.networks.index_set import IndexSet

REACH = 4  # points of a stencil on either side
STEP = 1e-3
NODES = np.arange(-REACH, REACH + 1)


def has_formula(problem: pl.Problem) -> bool:
    """Whether the reference is given by sympy expressions."""
    return isinstance(problem.reference, sp.Basic | dict)


def reference_jet(problem: pl.Problem, points: Tensor, indices: IndexSet) -> Tensor:
    """The reference in the place of a network: its jet (A, n, k) at points (n, d)."""
    jet_of = symbolic_jet if has_formula(problem) else difference_jet
    values = [jet_of(problem, points.numpy(), index) for index in indices.indices]
    return torch.from_numpy(np.stack(values))


def symbolic_jet(problem: pl.Problem, points: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
    """One derivative of every unknown, by sympy, (n, k)."""
    given: Any = problem.reference
    fields = [given[u] if isinstance(given, dict) else given for u in problem.unknowns]
    columns = [partial(_derivative, problem.coordinates, index)(u)(*points.T) for u in fields]
    return np.stack([np.broadcast_to(c, len(points)) for c in columns], axis=1)


def difference_jet(problem: pl.Problem, points: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
    """One derivative of every unknown along a single coordinate, by central differences, (n, k)."""
    order = sum(index)
    if order == 0:
        return problem.reference_values(points)
    assert max(index) == order, "mixed derivatives are not needed"
    direction = np.array(index) / order
    weights = stencil(order)
    shifted = (points + STEP * node * direction for node in NODES)
    return sum(w * problem.reference_values(p) for w, p in zip(weights, shifted, strict=True))


def stencil(order: int) -> np.ndarray:
    """Weights of the central difference of this order that is exact on polynomials of degree 8."""
    moments = np.vander(NODES, increasing=True).T.astype(float)
    wanted = np.zeros(len(NODES))
    wanted[order] = float(sp.factorial(order))
    return np.linalg.solve(moments, wanted) / STEP**order


def _derivative(
    coordinates: tuple[sp.Symbol, ...], index: tuple[int, ...], u: sp.Expr
) -> Callable[..., Any]:
    counts = [(c, k) for c, k in zip(coordinates, index, strict=True) if k]
    return sp.lambdify(coordinates, sp.diff(u, *counts) if counts else u, "numpy")
