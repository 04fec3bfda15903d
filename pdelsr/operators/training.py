"""Supervised training of a module by Adam with a decaying rate."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from pdelsr.errors import SettingsError, said
from pdelsr.resources.pieces import is_out_of_memory
from pdelsr.solvers.state.settings import require_at_least, require_choice, require_whole


def relative_error(q: Tensor, targets: Tensor) -> Tensor:
    """‖q − t‖ / ‖t‖ of every sample, (n,)."""
    difference, size = ((q - targets).flatten(1), targets.flatten(1))
    return torch.linalg.vector_norm(difference, dim=1) / torch.linalg.vector_norm(size, dim=1)


def absolute_error(q: Tensor, targets: Tensor) -> Tensor:
    """‖q − t‖ of every sample, (n,)."""
    return torch.linalg.vector_norm((q - targets).flatten(1), dim=1)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": nn.functional.mse_loss,
    "absolute": lambda q, targets: absolute_error(q, targets).mean(),
    "relative": lambda q, targets: relative_error(q, targets).mean(),
}


def train(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    decay: float = 0.01,
    decay_every: int | None = None,
    weight_decay: float = 0.0,
    loss: str = "mse",
    seed: int = 0,
    callback: Callable[[int, float], None] = lambda epoch, loss: None,
) -> list[float]:
    """Minimize a mean loss, in place.

    Args:
        model: the module to train.
        inputs: with one row per sample.
        targets: of the output's shape.
        epochs: passes over the data.
        batch_size: samples of a step.
        learning_rate: of Adam in the first epoch.
        decay: factor on the rate from the first to the last epoch, or after every so many epochs.
        decay_every: these epochs, between which the rate is constant; None for a rate that falls in
            every epoch.
        weight_decay: added to the slopes, times the parameters.
        loss: "mse"; "absolute", the mean over the samples of ‖q − t‖; or "relative", the mean of
            ‖q − t‖ / ‖t‖, usual for operators.
        seed: for the order of the samples.
        callback: called with every epoch and its mean loss.

    Returns:
        The mean loss of every epoch.

    Raises:
        SettingsError: inputs and targets differ in length or do not fit the module, the loss is
            unknown, or it is not finite.
    """
    if decay_every is not None:
        require_whole("decay_every", decay_every, 1)
    require_at_least("weight_decay", weight_decay, 0)
    require_choice("loss", loss, tuple(LOSSES))
    measured = LOSSES[loss]
    if len(inputs) != len(targets):
        raise SettingsError(f"{len(inputs)} inputs and {len(targets)} targets: give as many.")
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay)
    if decay_every is None:
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, decay ** (1 / max(epochs, 1)))
    else:
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, decay_every, decay)
    generator = torch.Generator().manual_seed(seed)
    losses = []
    for epoch in range(epochs):
        total = 0.0
        order = torch.randperm(len(inputs), generator=generator, device="cpu")
        for rows in order.split(batch_size):
            optimizer.zero_grad()
            value = measured(_output(model, inputs[rows], targets[rows]), targets[rows])
            value.backward()
            optimizer.step()
            total += value.item() * len(rows)
        schedule.step()
        losses.append(total / len(inputs))
        if not math.isfinite(losses[-1]):
            raise SettingsError(f"the loss is not finite in epoch {epoch}: lower learning_rate.")
        callback(epoch, losses[-1])
    return losses


def _output(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The output for a batch.

    Raises:
        SettingsError: the module does not take the inputs, or gives another shape than the targets.
    """
    name, shape = type(model).__name__, tuple(inputs.shape)
    try:
        found = model(inputs)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise SettingsError(f"{name} fails on inputs of shape {shape}: {said(error)}") from error
    if found.shape != targets.shape:
        raise SettingsError(
            f"{name} gives {tuple(found.shape)} for a batch of inputs {shape}, and the targets are "
            f"{tuple(targets.shape)}: give targets of the output's shape."
        )
    return found
