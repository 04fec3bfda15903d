"""Adam and L-BFGS on a loss, piece by piece, and safe against NaN."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from pdelsr.linearize import StackedResidual
from pdelsr.processes import ALONE, Group
from pdelsr.resources.pieces import in_pieces

ADAM_PIECE, LBFGS_PIECE = 100, 10  # steps at most in one piece


@dataclass
class SumOfSquares:
    """A loss that is a sum over points, with its gradient as a sum over pieces.

    Args:
        total: number of points.
        of: the sum over a part of 0 … total, with a graph.
        once: points of one reverse pass; halved when memory runs out.
        group: processes over which the points are spread; `total` are those of this one.
    """

    total: int
    of: Callable[[slice], Tensor]
    once: int
    group: Group = ALONE

    def __call__(self) -> Tensor:
        """The loss, without a graph."""

        def local() -> Tensor:
            with torch.no_grad():
                return sum_of(found for _, found in in_pieces(self.total, self.once, self.of))

        return self.group.sum(self.group.together(local))

    def backward(self, parameters: Sequence[nn.Parameter]) -> Tensor:
        """The loss; adds its gradient to that of the parameters."""

        def sloped(part: slice) -> tuple[Tensor, tuple[Tensor | None, ...]]:
            value = self.of(part)
            return value.detach(), torch.autograd.grad(value, parameters, allow_unused=True)

        def local() -> Tensor:
            values = []
            for part, (value, slopes) in in_pieces(self.total, self.once, sloped):
                values.append(value)
                for p, slope in zip(parameters, slopes, strict=True):
                    if slope is not None:
                        p.grad = slope if p.grad is None else p.grad.add_(slope)
                if part.stop < self.total:
                    self.once = part.stop - part.start
            return sum_of(values)

        found = self.group.together(local)
        for p in parameters if self.group.size > 1 else ():
            p.grad = self.group.sum(torch.zeros_like(p) if p.grad is None else p.grad)
        return self.group.sum(found)


def sum_of(values: Iterable[Tensor]) -> Tensor:
    """Σ of at least one tensor."""
    first, *others = values
    return sum(others, first)


def squared_norm(residual: StackedResidual, once: int | None = None) -> SumOfSquares:
    """‖f‖² of the network as a loss, `once` points at a time (all by default)."""

    def of(part: slice) -> Tensor:
        some = residual.part(part)
        return some.values(some.jets()).square().sum()

    return SumOfSquares(residual.row_count, of, once or residual.row_count, residual.row_group)


@dataclass
class GradientRun(ABC):
    """A given number of optimizer steps, in pieces between which the run can be saved.

    The pieces are always the same, so an interrupted run that goes on takes the same steps as one
    without interruption.

    Args:
        steps: number of steps in all.
        taken: steps so far.
        over: whether the run has ended, early or not.
        state: of the optimizer after the last piece, as `torch.optim` gives it.
    """

    steps: int
    taken: int = 0
    over: bool = False
    state: dict[str, Any] | None = None
    _optimizer: torch.optim.Optimizer | None = field(
        default=None, repr=False, compare=False, metadata={"transient": True}
    )

    def advance(
        self,
        network: nn.Module,
        loss: SumOfSquares,
        watch: Callable[[float], bool],
        most: int | None = None,
    ) -> None:
        """Take one piece.

        Args:
            network: trained in place; the same in every piece.
            loss: ‖f‖².
            watch: called with sqrt(loss); True stops the piece.
            most: steps of this piece; None for the usual size.
        """
        parameters = [p for p in network.parameters() if p.requires_grad]
        if self._optimizer is None:
            self._optimizer = self._made(parameters)
            if self.state is not None:
                self._optimizer.load_state_dict(self.state)
        self._piece(parameters, loss, watch, most)
        with torch.no_grad():
            for p in parameters:
                p.copy_(loss.group.agreed(p))
        self.over = self.over or self.taken >= self.steps
        self.state = self._optimizer.state_dict()

    @abstractmethod
    def _made(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer before its first step."""

    @abstractmethod
    def _piece(
        self,
        parameters: list[nn.Parameter],
        loss: SumOfSquares,
        watch: Callable[[float], bool],
        most: int | None,
    ) -> None:
        """Take one piece, and count its steps."""


@dataclass
class AdamRun(GradientRun):
    """Adam with a learning rate that decays exponentially by `decay` over all steps."""

    rate: int | float = 1e-3
    decay: int | float = 1.0

    def _made(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=self.rate)

    def _piece(
        self,
        parameters: list[nn.Parameter],
        loss: SumOfSquares,
        watch: Callable[[float], bool],
        most: int | None,
    ) -> None:
        assert self._optimizer is not None
        stop = min(self.steps, self.taken + (most or ADAM_PIECE))
        for step in range(self.taken, stop):
            self._optimizer.param_groups[0]["lr"] = self.rate * self.decay ** (step / self.steps)
            self._optimizer.zero_grad()
            value = loss.backward(parameters)
            if not torch.isfinite(value):
                break
            self._optimizer.step()
            self.taken = step + 1
            if watch(value.item() ** 0.5):
                return
        self.taken = stop


@dataclass
class LBFGSRun(GradientRun):
    """L-BFGS with strong Wolfe line search; the last finite parameters are kept.

    Settings are those of Cao and Zhang (2026): gradient and change tolerances 1e-10 and 1e-12. It
    ends early when a piece no longer lowers the loss.

    Args:
        history: pairs of vectors kept.
        size: sqrt(loss) at the end of the last piece.
    """

    history: int = 100
    size: float = math.inf

    def _made(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(
            parameters,
            lr=1.0,
            history_size=self.history,
            tolerance_grad=1e-10,
            tolerance_change=1e-12,
            line_search_fn="strong_wolfe",
        )

    def _piece(
        self,
        parameters: list[nn.Parameter],
        loss: SumOfSquares,
        watch: Callable[[float], bool],
        most: int | None,
    ) -> None:
        optimizer = self._optimizer
        assert optimizer is not None

        def closure() -> Tensor:
            optimizer.zero_grad()
            return loss.backward(parameters)

        now = min(most or LBFGS_PIECE, self.steps - self.taken)
        optimizer.param_groups[0]["max_iter"] = now
        good = [p.detach().clone() for p in parameters]
        optimizer.step(closure)  # pyright: ignore[reportCallIssue, reportArgumentType]
        size = loss().item() ** 0.5
        self.taken += now
        if not size < math.inf:
            with torch.no_grad():
                for p, value in zip(parameters, good, strict=True):
                    p.copy_(value)
            self.over = True
            return
        self.over = watch(size) or size >= self.size
        self.size = size
