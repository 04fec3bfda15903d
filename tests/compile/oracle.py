"""Blocks evaluated by sympy alone, at fields in closed form, to compare compiled blocks with."""

from __future__ import annotations

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from pdelsr.compile import Block


def tensor(array: np.ndarray) -> Tensor:
    """A double-precision tensor."""
    return torch.as_tensor(np.array(array, dtype=np.float64))


def numbers(expression: sp.Expr, symbols: tuple, points: np.ndarray) -> np.ndarray:
    """Values of an expression at points, one column a symbol, by sympy's own numerics."""
    rows = [dict(zip(symbols, map(sp.Float, map(float, row)), strict=True)) for row in points]
    return np.array([float(sp.N(sp.sympify(expression).subs(row))) for row in rows])


def jet_of(block: Block, fields: tuple, coordinates: tuple, points: np.ndarray) -> Tensor:
    """The jet of closed-form fields in the order of a block's entries, (entries, n)."""
    rows = []
    for entry in block.entries:
        slope = fields[entry.component]
        for coordinate, count in zip(coordinates, entry.index, strict=True):
            slope = sp.diff(slope, coordinate, count)
        rows.append(numbers(slope, coordinates, points))
    return tensor(np.stack(rows))


def autograd_coefficients(block: Block, x: Tensor, jet: Tensor) -> Tensor:
    """∂F/∂jet by automatic differentiation of the compiled value, (entries, n)."""
    variable = jet.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(block.value(x, variable).sum(), variable)
    return slopes
