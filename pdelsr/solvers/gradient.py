"""Adam and L-BFGS on a loss, stopped by a watch and safe against NaN."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pdelsr.linearize import StackedResidual

Loss = Callable[[], Tensor]


def squared_norm(residual: StackedResidual) -> Loss:
    """‖f‖² of the network, as a loss."""
    return lambda: residual.values(residual.jets()).square().sum()


def adam(
    network: nn.Module,
    loss: Loss,
    steps: int,
    rate: int | float,
    decay: int | float,
    watch: Callable[[float], bool],
    optimizer: torch.optim.Adam | None = None,
) -> torch.optim.Adam:
    """`steps` steps of Adam with a rate that decays exponentially by `decay` over them.

    Args:
        network: whose parameters move.
        loss: ‖f‖² with a graph.
        steps: to take.
        rate: learning rate at the start.
        decay: factor on the rate from the first to the last step.
        watch: told sqrt(loss) after every step; True stops.
        optimizer: of an earlier call, to go on with.
    """
    optimizer = optimizer or torch.optim.Adam(_trainable(network), lr=rate)
    for group in optimizer.param_groups:
        group["lr"] = rate
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, decay ** (1.0 / max(steps, 1)))
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        if not torch.isfinite(value):
            break
        optimizer.step()
        schedule.step()
        if watch(value.item() ** 0.5):
            break
    return optimizer


def lbfgs(
    network: nn.Module,
    loss: Loss,
    steps: int,
    history: int,
    watch: Callable[[float], bool],
    chunk: int = 10,
) -> float:
    """L-BFGS with strong Wolfe line search; the last finite parameters are kept.

    Settings of Cao and Zhang (2026): gradient and change tolerances 1e-10 and 1e-12.

    Args:
        network: whose parameters move.
        loss: ‖f‖² with a graph.
        steps: at most.
        history: pairs of vectors kept.
        watch: told sqrt(loss) after every `chunk` steps; True stops.
        chunk: steps between two looks at the watch.

    Returns:
        sqrt(loss) at the end.
    """
    parameters = _trainable(network)
    optimizer = torch.optim.LBFGS(
        parameters,
        lr=1.0,
        history_size=history,
        tolerance_grad=1e-10,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    size, previous = float("nan"), float("inf")
    for start in range(0, steps, chunk):
        optimizer.param_groups[0]["max_iter"] = min(chunk, steps - start)
        good = [p.detach().clone() for p in parameters]
        optimizer.step(closure)
        with torch.no_grad():
            size = loss().item() ** 0.5
        if not size < float("inf"):
            with torch.no_grad():
                for p, value in zip(parameters, good, strict=True):
                    p.copy_(value)
            return previous
        if watch(size) or size >= previous:
            break
        previous = size
    return size


def _trainable(network: nn.Module) -> list[nn.Parameter]:
    return [p for p in network.parameters() if p.requires_grad]
