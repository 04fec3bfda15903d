"""Physics-informed training of an operator: Adam on the residuals of many instances, no labels."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from rich.progress import Progress
from torch import Tensor

from pdelsr.compile import compile_problem
from pdelsr.declare import Problem
from pdelsr.declare.inputs import bounds_of, coordinate_of
from pdelsr.errors import FileFormatError, SettingsError
from pdelsr.finetune.refinement import require_soft, sensor_values
from pdelsr.linearize.bound_block import BoundBlock
from pdelsr.linearize.points import PointPlan
from pdelsr.operators.physics import PIDeepONet
from pdelsr.results.container import Contents, read, write
from pdelsr.solvers.settings import require_at_least, require_positive, require_whole

POOL = 8192  # points of a block that steps draw from
NODES = 1025  # of the tables that input functions are read from in training
KIND = "operator-training"


@dataclass(frozen=True)
class Training:
    """What `train_operator` did.

    Args:
        losses: one a step since the start, Σ_b w_b mean(F_b²) over its functions and points.
        seconds: of this call.
        finished: whether all steps were taken.
    """

    losses: Sequence[float] = field(repr=False)
    seconds: float
    finished: bool


def train_operator(
    problem: Problem,
    operator: PIDeepONet,
    *,
    functions: int = 1000,
    steps: int = 10_000,
    batch: int = 64,
    points: int = 128,
    learning_rate: int | float = 1e-3,
    decay: int | float = 0.9,
    decay_steps: int = 1000,
    path: str | Path | None = None,
    save_every: int = 1000,
    time_limit: int | float = math.inf,
    seed: int = 0,
    verbose: bool = False,
    callback: Callable[[int, float], None] = lambda step, loss: None,
) -> Training:
    """Train an operator on the equations of a parametric problem, in place.

    Every step takes some of the functions and, for each block, some points that they share, so that
    branch and trunk are evaluated once each. The loss is Σ_b w_b mean(F_b²) with the weights of the
    problem. In training only, input functions are read from tables, linear between 1,025 nodes.

    Args:
        problem: with one input function of one coordinate, and a sampler for it.
        operator: whose weights move; its dtype and device are those of the training.
        functions: input functions, drawn once.
        steps: of Adam, in all.
        batch: functions of a step.
        points: of each block in a step.
        learning_rate: at the start.
        decay: factor on the rate after each `decay_steps` steps.
        decay_steps: see `decay`.
        path: checkpoint; a training that was cut goes on from it, exactly as if it had not been.
        save_every: steps between two checkpoints.
        time_limit: seconds after which training stops, with a checkpoint.
        seed: of functions, points and order.
        verbose: show a progress bar.
        callback: called with every step and its loss.

    Raises:
        SettingsError: a problem or options that do not fit, or a loss that is not finite.
        FileFormatError: the checkpoint belongs to another training.
    """
    for name, value in (("functions", functions), ("steps", steps), ("batch", batch)):
        require_whole(name, value, 1)
    require_whole("points", points, 1)
    require_whole("save_every", save_every, 1)
    require_whole("seed", seed, 0)
    require_positive("learning_rate", learning_rate)
    require_positive("decay", decay)
    require_positive("time_limit", time_limit)
    require_at_least("decay_steps", decay_steps, 1)
    if not isinstance(operator, PIDeepONet):
        raise SettingsError(
            f"train_operator: the operator is {type(operator).__name__}, expected a PIDeepONet; "
            "train your own module by yourself, and refine it."
        )
    if not callable(callback):
        raise SettingsError(f"callback is {callback!r}: give a function of a step and its loss.")
    if path is not None and not Path(path).absolute().parent.is_dir():
        raise FileFormatError(f"{path} cannot be written: there is no such folder.")
    begin = time.perf_counter()
    loss = Loss(problem, operator, functions, seed)
    optimizer = torch.optim.Adam(operator.parameters(), lr=learning_rate)
    settings = {
        "problem": problem.name,
        "functions": functions,
        "batch": batch,
        "points": points,
        "learning_rate": learning_rate,
        "decay": decay,
        "decay_steps": decay_steps,
        "seed": seed,
        "shapes": [list(p.shape) for p in operator.parameters()],
    }
    losses = _resumed(path, settings, operator, optimizer)
    with Progress(disable=not verbose) as progress:
        task = progress.add_task(problem.name, total=steps, completed=len(losses))
        for step in range(len(losses), steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * decay ** (step / decay_steps)
            optimizer.zero_grad()
            value = loss(step, batch, points)
            if not torch.isfinite(value):
                raise SettingsError(f"the loss is not finite at step {step}: lower learning_rate.")
            value.backward()
            optimizer.step()
            losses.append(value.item())
            callback(step, losses[-1])
            progress.advance(task)
            late = time.perf_counter() - begin > time_limit
            if path is not None and (late or (step + 1) % save_every == 0 or step + 1 == steps):
                _save(path, settings, operator, optimizer, losses)
            if late:
                break
    return Training(losses, time.perf_counter() - begin, len(losses) >= steps)


class Loss:
    """Σ_b w_b mean(F_b²) over some functions and points.

    Args:
        problem: a parametric one.
        operator: that is trained.
        functions: that are drawn.
        seed: of functions and points.
    """

    def __init__(self, problem: Problem, operator: PIDeepONet, functions: int, seed: int) -> None:
        require_trainable_problem(problem, operator)
        self.operator, self.seed = operator, seed
        like = next(operator.parameters())
        (name,) = problem.inputs
        drawn = problem.inputs[name].sample(functions, seed)
        self.table = Table(problem, name, drawn, like)
        where = operator.sensors.detach().cpu().double().numpy()
        values = np.stack([sensor_values(f, where) for f in drawn])
        self.values = torch.from_numpy(values).to(like)
        compiled = compile_problem(problem.at(**{name: self.table}))
        plan = PointPlan(
            problem.domain,
            {b.name: POOL for b in compiled.blocks},
            dtype=like.dtype,
            device=like.device,
        )
        self.blocks = plan.bind(compiled.blocks, seed)

    def __call__(self, step: int, batch: int, points: int) -> Tensor:
        """The loss of one step; equal steps give equal losses."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        count = len(self.values)
        rows = torch.randperm(count, generator=generator)[: min(batch, count)]
        self.table.choose(rows)
        b = self.operator.branch(self.values[rows])
        total = b.new_zeros(())
        for block in self.blocks:
            index = torch.randint(len(block), (points,), generator=generator)
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


class Table:
    """Some input functions at once, as one coefficient: linear between nodes.

    It is called with n points, repeated for each of the chosen functions.

    Args:
        problem: whose coordinate the functions belong to.
        name: of the input function.
        functions: all of them.
        like: gives dtype and device.
    """

    is_tensor_function = True

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
        self.nodes = torch.from_numpy(values).to(like)
        self.chosen = torch.arange(1)

    def choose(self, rows: Tensor) -> None:
        """The functions of the next calls."""
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
        SettingsError: several unknowns or input functions, no sampler, another number of
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


def _resumed(
    path: str | Path | None,
    settings: dict[str, Any],
    operator: PIDeepONet,
    optimizer: torch.optim.Adam,
) -> list[float]:
    """The losses of the checkpoint, whose weights and moments are put in; none where none is."""
    if path is None or not Path(path).exists():
        return []
    contents = read(path)
    if contents.document.get("kind") != KIND:
        raise FileFormatError(f"{path} is no checkpoint of a training: give another path.")
    other = contents.document["settings"]
    differ = [name for name in settings if other.get(name) != settings[name]]
    if differ:
        raise FileFormatError(
            f"{path} belongs to a training that differs in {', '.join(differ)}: give another path, "
            "or remove it."
        )
    losses = contents.tensors["losses"].tolist()
    parameters = dict(operator.named_parameters())
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(contents.tensors[f"weight.{name}"])
            optimizer.state[p] = {
                "step": torch.tensor(float(len(losses))),
                "exp_avg": contents.tensors[f"mean.{name}"].to(p),
                "exp_avg_sq": contents.tensors[f"square.{name}"].to(p),
            }
    return losses


def _save(
    path: str | Path,
    settings: dict[str, Any],
    operator: PIDeepONet,
    optimizer: torch.optim.Adam,
    losses: list[float],
) -> None:
    tensors = {"losses": torch.tensor(losses, dtype=torch.float64)}
    for name, p in operator.named_parameters():
        state = optimizer.state[p]
        tensors[f"weight.{name}"] = p.detach()
        tensors[f"mean.{name}"] = state["exp_avg"]
        tensors[f"square.{name}"] = state["exp_avg_sq"]
    write(path, Contents(tensors, {"kind": KIND, "settings": settings}))
