"""Adam and L-BFGS on a loss, stopped by a watch and safe against NaN."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pdelsr.linearize import StackedResidual
from pdelsr.linearize.halving import in_pieces


@dataclass
class SumOfSquares:
    """A loss that is a sum over points, and its gradient, which is the sum of those of pieces.

    Args:
        total: number of points.
        of: the sum over a part of 0 … total, with a graph.
        once: points of one reverse pass; fewer from the moment on when memory runs out.
    """

    total: int
    of: Callable[[slice], Tensor]
    once: int

    def __call__(self) -> Tensor:
        """The loss, without a graph."""
        with torch.no_grad():
            return sum_of(found for _, found in in_pieces(self.total, self.once, self.of))

    def backward(self, parameters: Sequence[nn.Parameter]) -> Tensor:
        """The loss; adds its gradient to that of the parameters."""

        def sloped(part: slice) -> tuple[Tensor, tuple[Tensor | None, ...]]:
            value = self.of(part)
            return value.detach(), torch.autograd.grad(value, parameters, allow_unused=True)

        values = []
        for part, (value, slopes) in in_pieces(self.total, self.once, sloped):
            values.append(value)
            for p, slope in zip(parameters, slopes, strict=True):
                if slope is not None:
                    p.grad = slope if p.grad is None else p.grad.add_(slope)
            if part.stop < self.total:
                self.once = part.stop - part.start
        return sum_of(values)


def sum_of(values: Iterable[Tensor]) -> Tensor:
    """Σ of at least one tensor."""
    first, *others = values
    return sum(others, first)


def squared_norm(residual: StackedResidual, once: int | None = None) -> SumOfSquares:
    """‖f‖² of the network, as a loss, by `once` points at a time (all of them by default)."""

    def of(part: slice) -> Tensor:
        some = residual.part(part)
        return some.values(some.jets()).square().sum()

    return SumOfSquares(residual.row_count, of, once or residual.row_count)


def adam(
    network: nn.Module,
    loss: SumOfSquares,
    steps: int,
    rate: int | float,
    decay: int | float,
    watch: Callable[[float], bool],
    optimizer: torch.optim.Adam | None = None,
) -> torch.optim.Adam:
    """`steps` steps of Adam with a rate that decays exponentially by `decay` over them.

    Args:
        network: whose parameters move.
        loss: ‖f‖².
        steps: to take.
        rate: learning rate at the start.
        decay: factor on the rate from the first to the last step.
        watch: told sqrt(loss) after every step; True stops.
        optimizer: of an earlier call, to go on with.
    """
    parameters = _trainable(network)
    optimizer = optimizer or torch.optim.Adam(parameters, lr=rate)
    for group in optimizer.param_groups:
        group["lr"] = rate
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, decay ** (1.0 / max(steps, 1)))
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss.backward(parameters)
        if not torch.isfinite(value):
            break
        optimizer.step()
        schedule.step()
        if watch(value.item() ** 0.5):
            break
    return optimizer


def lbfgs(
    network: nn.Module,
    loss: SumOfSquares,
    steps: int,
    history: int,
    watch: Callable[[float], bool],
    chunk: int = 10,
) -> float:
    """L-BFGS with strong Wolfe line search; the last finite parameters are kept.

    Settings of Cao and Zhang (2026): gradient and change tolerances 1e-10 and 1e-12.

    Args:
        network: whose parameters move.
        loss: ‖f‖².
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
        return loss.backward(parameters)

    size, previous = float("nan"), float("inf")
    for start in range(0, steps, chunk):
        optimizer.param_groups[0]["max_iter"] = min(chunk, steps - start)
        good = [p.detach().clone() for p in parameters]
        optimizer.step(closure)
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
