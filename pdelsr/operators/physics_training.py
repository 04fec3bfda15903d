"""Physics-informed training of an operator: Adam on residuals of many instances, no labels."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from pdelsr.declare import Problem
from pdelsr.errors import FileFormatError, SettingsError
from pdelsr.operators.checkpoint import network_text, resumed, save
from pdelsr.operators.loss import Loss
from pdelsr.operators.physics import PIDeepONet
from pdelsr.progress import PassDisplay
from pdelsr.resources.pieces import is_out_of_memory, told_what_to_lower
from pdelsr.solvers.state.settings import require_at_least, require_positive, require_whole


@dataclass(frozen=True)
class Training:
    """The result of `train_operator`.

    Args:
        losses: one per step from the first on, Σ_b w_b mean(F_b²) over its functions and points;
            they scatter, because every step takes other functions.
        seconds: of this call.
        finished: whether all steps were taken.
    """

    losses: Sequence[float]
    seconds: float
    finished: bool

    def __repr__(self) -> str:
        span = f"loss {self.losses[0]:.1e} to {self.losses[-1]:.1e}, " if self.losses else ""
        end = "finished" if self.finished else "not finished"
        return f"<Training: {len(self.losses):,} steps, {span}{self.seconds:.1f} s, {end}>"


@torch.inference_mode(False)  # callers may have switched slopes off
@torch.enable_grad()
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

    Every step takes some functions and, for each block, some points that they share, so branch and
    trunk are evaluated once each. The loss is Σ_b w_b mean(F_b²) with the weights of the problem.
    For training only, input functions are tabulated, and linear between 1,025 nodes, or 129 and 33
    an axis for functions of two and three coordinates.

    Args:
        problem: with input functions of one to three coordinates, and a sampler for each.
        operator: trained in place, in its own dtype and on its own device.
        functions: number of input functions, drawn once.
        steps: of Adam, in all.
        batch: functions of a step.
        points: of each block in a step.
        learning_rate: of the first step.
        decay: factor on the rate after each `decay_steps` steps.
        decay_steps: see `decay`.
        path: checkpoint; an interrupted training goes on from it, exactly as without the
            interruption.
        save_every: steps between two checkpoints.
        time_limit: seconds after which training stops, with a checkpoint.
        seed: for functions, points and order.
        verbose: show a progress bar, in a terminal.
        callback: called with every step and its loss.

    Raises:
        SettingsError: the problem or an option does not fit, or a loss is not finite.
        MemoryLimitError: memory ran out; the checkpoint has the steps that were taken.
        FileFormatError: the checkpoint belongs to another training.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> s, a = pl.unknown("s", x), pl.input_function("a", x)
        >>> problem = pl.Problem(
        ...     name="antiderivative",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(s.diff(x), a)],
        ...     conditions=[pl.Dirichlet(s, 0, on="x=0")],
        ...     inputs={a: pl.GaussianProcess(length_scale=0.3)},
        ...     reference=pl.reference.OfInputs(pl.reference.antiderivative),
        ... )
        >>> operator = pl.operators.PIDeepONet([i / 20 for i in range(21)], 1, hidden=(10, 10, 10))
        >>> training = pl.train_operator(problem, operator, functions=10, steps=5, batch=5)
        >>> training.finished, len(training.losses)
        (True, 5)
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
        "inputs": list(operator.sensor_sets),
        "outputs": operator.outputs,
        "functions": functions,
        "batch": batch,
        "points": points,
        "learning_rate": learning_rate,
        "decay": decay,
        "decay_steps": decay_steps,
        "seed": seed,
        "shapes": [list(p.shape) for p in operator.parameters()],
        "networks": [network_text(network) for network in (operator.branch, operator.trunk)],
        **loss.identity,
    }
    losses = resumed(path, settings, operator, optimizer)
    lower = told_what_to_lower("lower batch or points", next(operator.parameters()).device)
    with lower, PassDisplay(verbose, kept=True) as display:
        left = range(len(losses), steps)
        for step in display.over(problem.name, left, steps, lambda _: 1, len(losses)):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * decay ** (step / decay_steps)
            optimizer.zero_grad()
            try:
                value = _with_gradient(loss, step, batch, points)
            except (MemoryError, RuntimeError) as error:
                if path is not None and losses and is_out_of_memory(error):
                    save(path, settings, operator, optimizer, losses)
                raise
            optimizer.step()
            losses.append(value.item())
            callback(step, losses[-1])
            late = time.perf_counter() - begin > time_limit
            if path is not None and (late or (step + 1) % save_every == 0 or step + 1 == steps):
                save(path, settings, operator, optimizer, losses)
            if late:
                break
    return Training(losses, time.perf_counter() - begin, len(losses) >= steps)


def _with_gradient(loss: Loss, step: int, batch: int, points: int) -> torch.Tensor:
    """The loss of a step; adds its gradient to that of the parameters."""
    value = loss(step, batch, points)
    if not torch.isfinite(value):
        raise SettingsError(f"the loss is not finite at step {step}: lower learning_rate.")
    value.backward()
    return value.detach()
