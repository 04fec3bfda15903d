"""The residual |F| of every equation on views of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from pdelsr.compile import Block, Interior
from pdelsr.linearize import BoundBlock
from pdelsr.results.base import BaseSolution
from pdelsr.results.plot.fields import magnitude_panels
from pdelsr.results.plot.mesh import Mesh
from pdelsr.results.plot.panel import Panel
from pdelsr.results.plot.style import plain

MOST_ALONG_AXIS = 101  # grid points along an axis of a map: derivatives cost more than values


def residual_panels(
    solution: BaseSolution, views: Sequence[Mesh]
) -> dict[str, dict[str, list[Panel]]]:
    """Panels of every equation."""
    meshes = [replace(m, count=min(m.count, MOST_ALONG_AXIS)) if m.is_map else m for m in views]
    blocks = [b for b in solution.compiled.blocks if isinstance(b.region, Interior)]
    table = {}
    for block in blocks:
        values = [m.spread(residual(solution, block, m.points[m.inside])) for m in meshes]
        title = f"|residual| of {plain(block.name)}"
        table[block.name] = {"residual": magnitude_panels(title, "|F|", meshes, values)}
    return table


def residual(
    solution: BaseSolution, block: Block, points: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"]:
    """|F| of an equation at points, without weights."""
    dtype, device = solution.settings.torch_dtype, solution.settings.torch_device
    x = torch.as_tensor(points, dtype=dtype, device=device)
    bound = BoundBlock(block, (x,), x, torch.ones_like(x[:, 0]))
    return bound.evaluate(solution.predictor).abs().cpu().double().numpy()
