"""The training loss of an operator, and the input functions of a step as one coefficient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy
import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.compile import compile_problem
from pdelsr.declare import Problem
from pdelsr.declare.inputs import bounds_of, coordinates_of
from pdelsr.errors import SettingsError
from pdelsr.files.identity import problem_lines
from pdelsr.linearize.block_digest import digest_of_values, digests_of_blocks
from pdelsr.linearize.bound_block import BoundBlock
from pdelsr.linearize.points import PointPlan
from pdelsr.operators.at_input import require_outputs, require_soft
from pdelsr.operators.physics import PIDeepONet
from pdelsr.operators.sensors import require_sensors_of, sensor_values, values_at

POOL = 8192  # points of a block from which steps draw
NODES = (1025, 129, 33)  # along an axis, of tables of functions of 1, 2, 3 coordinates


class Loss:
    """Σ_b w_b mean(F_b²) over some functions and points.

    Args:
        problem: a parametric one.
        operator: the one that is trained.
        functions: number of input functions to draw.
        seed: for functions and points.

    Attributes:
        identity: what tells this loss from others: the problem, and digests of some values.
    """

    def __init__(self, problem: Problem, operator: PIDeepONet, functions: int, seed: int) -> None:
        require_trainable_problem(problem, operator)
        self.operator: PIDeepONet = operator
        self.seed: int = seed
        like = next(operator.parameters())
        drawn = drawn_functions(problem, functions, seed)
        self.tables: dict[str, FunctionTable] = {
            name: FunctionTable(problem, name, found, like) for name, found in drawn.items()
        }
        values = [
            values_at(dict(zip(drawn, instance, strict=True)), operator.sensor_sets)
            for instance in zip(*drawn.values(), strict=True)
        ]
        self.values: Tensor = torch.from_numpy(np.stack(values)).to(like)
        compiled = compile_problem(problem.at(**self.tables))
        plan = PointPlan(
            problem.domain,
            {b.name: POOL for b in compiled.blocks},
            dtype=like.dtype,
            device=like.device,
        )
        self.blocks: tuple[BoundBlock, ...] = plan.bind(compiled.blocks, seed)
        self.identity: dict[str, Any] = {
            "problem": problem_lines(problem),
            "statements": digests_of_blocks(compiled.blocks, plan),
            "readings": digest_of_values([self.values[:1]]),
        }

    def __call__(self, step: int, batch: int, points: int) -> Tensor:
        """The loss of one step; equal steps give equal losses."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        count = len(self.values)
        rows = torch.randperm(count, generator=generator, device="cpu")[: min(batch, count)]
        for table in self.tables.values():
            table.choose(rows)
        b = self.operator.branch(self.values[rows])
        total = b.new_zeros(())
        for block in self.blocks:
            index = torch.randint(len(block), (points,), generator=generator, device="cpu")
            total = total + block.block.weight * self._residual(block, index, b).square().mean()
        return total

    def _residual(self, block: BoundBlock, index: Tensor, b: Float[Tensor, "B p"]) -> Tensor:
        """F at all pairs of a function and a point, (B n,)."""
        found: list[Tensor] = [torch.empty(0)] * len(block.block.entries)
        outputs = b.unflatten(1, (self.operator.outputs, -1))
        for sites, site in zip(block.sites, block.site_entries, strict=True):
            jet = self.operator.trunk(sites[index], site.indices)  # (A, n, k p)
            jet = jet.unflatten(2, (self.operator.outputs, -1))
            for slot, position, k in zip(site.slots, site.positions, site.components, strict=True):
                found[slot] = (outputs[:, k] @ jet[position, :, k].T).flatten()
        columns = block.columns[index].repeat(len(b), 1)
        return block.block.value(columns, torch.stack(found))


class FunctionTable:
    """Several input functions as one coefficient, linear between nodes of a grid.

    It is called with n points, repeated for each chosen function.

    Args:
        problem: whose coordinates the functions belong to.
        name: of the input function.
        functions: all of them.
        like: gives dtype and device.
    """

    is_tensor_function = True

    def __init__(
        self, problem: Problem, name: str, functions: Sequence[Callable[..., Any]], like: Tensor
    ) -> None:
        coordinates = coordinates_of(name, problem.system)
        if not coordinates or len(coordinates) > len(NODES):
            raise SettingsError(
                f"train_operator wants input functions of one to {len(NODES)} coordinates, and "
                f"{name} is applied to other expressions, or to more."
            )
        count = NODES[len(coordinates) - 1]
        self.bounds: list[tuple[float, float]] = [
            (float(low), float(high))
            for low, high in (bounds_of(c, problem.system) for c in coordinates)
        ]
        axes = np.meshgrid(*(np.linspace(*ends, count) for ends in self.bounds), indexing="ij")
        nodes = np.stack([axis.ravel() for axis in axes], axis=1)
        known, nearest = _within(problem, coordinates, nodes)
        values = np.stack([sensor_values(f, known)[nearest] for f in functions])
        self.nodes: Tensor = torch.from_numpy(values).to(like)
        self.chosen: Tensor = torch.arange(1)

    def choose(self, rows: Tensor) -> None:
        """Choose the functions of the next calls."""
        self.chosen = rows

    def __call__(self, *x: Tensor) -> Tensor:
        count = NODES[len(self.bounds) - 1]
        picked = self.nodes[self.chosen]
        corners, shares = [torch.zeros(1, dtype=torch.long, device=picked.device)], []
        for axis, (low, high) in zip(x, self.bounds, strict=True):
            position = axis[: len(axis) // len(self.chosen)] - low
            position = position * ((count - 1) / (high - low))
            left = position.floor().clamp(0, count - 2).long()
            shares.append(position - left)
            corners = [count * corner + left + step for corner in corners for step in (0, 1)]
        values = [picked[:, corner] for corner in corners]
        for share in reversed(shares):
            pairs = zip(values[::2], values[1::2], strict=True)
            values = [torch.lerp(a, b, share.expand(len(picked), -1)) for a, b in pairs]
        return values[0].flatten()


def _within(
    problem: Problem, coordinates: tuple[Any, ...], nodes: Float[np.ndarray, "n c"]
) -> tuple[Float[np.ndarray, "k c"], Int[np.ndarray, " n"]]:
    """The nodes in the domain, where functions are known, and the nearest of them to each."""
    for place in (problem.domain, problem.domain.space):
        if coordinates == place.coordinates:
            known = nodes[place.contains(nodes, tolerance=1e-9)]
            return known, scipy.spatial.cKDTree(known).query(nodes)[1]
    return nodes, np.arange(len(nodes))


def drawn_functions(
    problem: Problem, count: int, seed: int
) -> dict[str, Sequence[Callable[..., Any]]]:
    """Functions for each input of a parametric problem, independent of each other.

    Args:
        problem: with a sampler for every input function that is not given.
        count: of functions for each.
        seed: equal seeds give equal functions.
    """
    return {
        name: problem.inputs[name].sample(count, _seed_of(number, seed))
        for number, name in enumerate(problem.missing_inputs)
    }


def _seed_of(number: int, seed: int) -> int:
    """A seed of 32 bits for the input function of that number."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) if number else seed


def require_samplers(problem: Problem) -> None:
    """Refuse input functions that come from nowhere.

    Raises:
        SettingsError: one has no sampler.
    """
    for name in problem.missing_inputs:
        if name not in problem.inputs:
            raise SettingsError(
                f"{problem.name} does not say where {name} comes from: give "
                f"Problem(inputs={{{name}: sampler}})."
            )


def require_trainable_problem(problem: Problem, operator: PIDeepONet) -> None:
    """Refuse what `train_operator` cannot take.

    Raises:
        SettingsError: there are no input functions to give, or sensors of others, no sampler, a
            wrong number of unknowns or coordinates, or hard conditions.
    """
    require_soft(problem)
    missing = problem.missing_inputs
    if missing and problem.instance:
        raise SettingsError(
            f"{problem.name} is partly given ({', '.join(problem.instance)}): an operator is "
            "trained for all of its input functions. Give none of them, or write those that stay "
            "by pl.coefficient."
        )
    if not missing:
        raise SettingsError(
            f"{problem.name} has no input function to give: an operator is trained for many of "
            "them; give the parametric problem, without .at(...)."
        )
    require_outputs(operator, problem)
    require_sensors_of(problem, missing, operator.sensor_sets)
    require_samplers(problem)
    d = operator.trunk.in_features
    if d != len(problem.coordinates):
        raise SettingsError(
            f"the operator has {d} coordinate(s), and {problem.name} has "
            f"{len(problem.coordinates)}."
        )
