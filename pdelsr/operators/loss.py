"""The training loss of an operator, and the input functions of a step as one coefficient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.compile import compile_problem
from pdelsr.declare import Problem
from pdelsr.declare.inputs import bounds_of, coordinate_of
from pdelsr.errors import SettingsError
from pdelsr.linearize.bound_block import BoundBlock
from pdelsr.linearize.points import PointPlan
from pdelsr.operators.at_input import require_soft, sensor_values
from pdelsr.operators.physics import PIDeepONet

POOL = 8192  # points of a block from which steps draw
NODES = 1025  # of the tables of input functions in training


class Loss:
    """Σ_b w_b mean(F_b²) over some functions and points.

    Args:
        problem: a parametric one.
        operator: the one that is trained.
        functions: number of input functions to draw.
        seed: for functions and points.
    """

    def __init__(self, problem: Problem, operator: PIDeepONet, functions: int, seed: int) -> None:
        require_trainable_problem(problem, operator)
        self.operator: PIDeepONet = operator
        self.seed: int = seed
        like = next(operator.parameters())
        (name,) = problem.inputs
        drawn = problem.inputs[name].sample(functions, seed)
        self.table: FunctionTable = FunctionTable(problem, name, drawn, like)
        where = operator.sensors.detach().cpu().double().numpy()
        values = np.stack([sensor_values(f, where) for f in drawn])
        self.values: Tensor = torch.from_numpy(values).to(like)
        compiled = compile_problem(problem.at(**{name: self.table}))
        plan = PointPlan(
            problem.domain,
            {b.name: POOL for b in compiled.blocks},
            dtype=like.dtype,
            device=like.device,
        )
        self.blocks: tuple[BoundBlock, ...] = plan.bind(compiled.blocks, seed)

    def __call__(self, step: int, batch: int, points: int) -> Tensor:
        """The loss of one step; equal steps give equal losses."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        count = len(self.values)
        rows = torch.randperm(count, generator=generator, device="cpu")[: min(batch, count)]
        self.table.choose(rows)
        b = self.operator.branch(self.values[rows])
        total = b.new_zeros(())
        for block in self.blocks:
            index = torch.randint(len(block), (points,), generator=generator, device="cpu")
            total = total + block.block.weight * self._residual(block, index, b).square().mean()
        return total

    def _residual(self, block: BoundBlock, index: Tensor, b: Float[Tensor, "B p"]) -> Tensor:
        """F at all pairs of a function and a point, (B n,)."""
        found: list[Tensor] = [torch.empty(0)] * len(block.block.entries)
        for sites, site in zip(block.sites, block.site_entries, strict=True):
            jet = self.operator.trunk(sites[index], site.indices)  # (A, n, p)
            for slot, position in zip(site.slots, site.positions, strict=True):
                found[slot] = (b @ jet[position].T).flatten()
        columns = block.columns[index].repeat(len(b), 1)
        return block.block.value(columns, torch.stack(found))


class FunctionTable:
    """Several input functions as one coefficient, linear between nodes.

    It is called with n points, repeated for each chosen function.

    Args:
        problem: whose coordinate the functions belong to.
        name: of the input function.
        functions: all of them.
        like: gives dtype and device.
    """

    is_tensor_function = True
    low: float
    high: float

    def __init__(
        self, problem: Problem, name: str, functions: Sequence[Callable[..., Any]], like: Tensor
    ) -> None:
        coordinate = coordinate_of(name, problem.system)
        if coordinate is None:
            raise SettingsError(
                f"train_operator wants an input function of one coordinate, and {name} is applied "
                "to another expression, or to several."
            )
        self.low, self.high = (float(end) for end in bounds_of(coordinate, problem.system))
        nodes = np.linspace(self.low, self.high, NODES)
        values = np.stack([sensor_values(f, nodes[:, None]) for f in functions])
        self.nodes: Tensor = torch.from_numpy(values).to(like)
        self.chosen: Tensor = torch.arange(1)

    def choose(self, rows: Tensor) -> None:
        """Choose the functions of the next calls."""
        self.chosen = rows

    def __call__(self, x: Tensor) -> Tensor:
        x = x[: len(x) // len(self.chosen)]
        position = (x - self.low) * ((NODES - 1) / (self.high - self.low))
        left = position.floor().clamp(0, NODES - 2).long()
        share = position - left
        picked = self.nodes[self.chosen]
        return torch.lerp(
            picked[:, left], picked[:, left + 1], share.expand(len(picked), -1)
        ).flatten()


def require_trainable_problem(problem: Problem, operator: PIDeepONet) -> None:
    """Refuse what `train_operator` cannot take.

    Raises:
        SettingsError: there are several unknowns or input functions, no sampler, a wrong number of
            coordinates, or hard conditions.
    """
    require_soft(problem)
    missing = problem.missing_inputs
    if len(problem.unknowns) != 1 or len(missing) != 1:
        raise SettingsError(
            f"{problem.name} has {len(problem.unknowns)} unknown(s) and {len(missing)} input "
            "function(s) to give: an operator maps one function to one function."
        )
    if missing[0] not in problem.inputs:
        raise SettingsError(
            f"{problem.name} does not say where {missing[0]} comes from: give "
            f"Problem(inputs={{{missing[0]}: sampler}})."
        )
    d = operator.trunk.in_features
    if d != len(problem.coordinates):
        raise SettingsError(
            f"the operator has {d} coordinate(s), and {problem.name} has "
            f"{len(problem.coordinates)}."
        )
