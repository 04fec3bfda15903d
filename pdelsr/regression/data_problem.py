"""F(q + J V y) on samples: its places, their linear systems, and the steps between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.lstsq import System
from pdelsr.lstsq.system import require_finite
from pdelsr.processes import Group
from pdelsr.regression.data import Batch, Data, over_pieces
from pdelsr.regression.products import JacobianTimes
from pdelsr.regression.task import Task
from pdelsr.solvers.refinement.reduced import Place, Reduced, Step

LEAST_GAIN = 1e-3  # gain of a Newton step, relative, below which no further one is taken
SHARES = (1.0, 0.5, 0.25, 0.125)  # of a Newton step that are compared on the true residual


@dataclass(frozen=True, eq=False)
class DataPlace(Place):
    """A refined prediction of all samples.

    Args:
        problem: F(q + J V y).
    """

    problem: DataProblem

    def system(self) -> DataSystem:
        return DataSystem(self, self.problem.modes)


@dataclass(frozen=True, eq=False)
class DataSystem(System):
    """A = ∂F/∂q J V and b = A y − f, recomputed by every pass over the data.

    The rows of one pass are those of another only in the same order, which products with vectors
    need. Whoever reads the rows once needs no order.

    Args:
        place: where F is linearized.
        modes: orthonormal components of F, whose values take the place of its entries; None for
            the entries themselves. J is replaced by M Mᵀ J, where they are those of the problem.

    Raises:
        NotFiniteError: an entry is not finite.
        SettingsError: a loader gives the samples in another order than before, in a product.
    """

    place: DataPlace
    modes: Float[Tensor, "p j"] | None = None
    _order: list[float] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        problem = self.place.problem
        return problem.task.samples * self._entries, problem.rank

    @property
    def like(self) -> Tensor:
        return self.place.problem.task.model.like

    @property
    def group(self) -> Group:
        return self.place.problem.task.group

    @property
    def _entries(self) -> int:
        """Rows of a sample."""
        return self.place.problem.task.entries if self.modes is None else self.modes.shape[1]

    @property
    def b(self) -> Float[Tensor, " n"]:
        y = self.place.y

        def local() -> Tensor:
            found = [self._times(batch, y) - self._f(batch) for batch in self._in_order()]
            return torch.cat(found)

        return self.group.together(local)

    def chunks(self) -> Iterator[tuple[Float[Tensor, "c r"], Float[Tensor, " c"]]]:
        problem = self.place.problem
        parts = (part for batch in problem.task.data for part in over_pieces(batch, *self._way))
        shown = problem.task.display.over(
            "least squares", parts, problem.task.samples, itemgetter(0)
        )
        yield from (found for _, found in shown)

    def rows_in_order(self) -> Iterator[Float[Tensor, "c r"]]:
        for batch in self._in_order():
            yield from (rows for _, (rows, _) in over_pieces(batch, *self._way))

    @property
    def _way(self) -> tuple[Callable[[Batch], tuple[Tensor, Tensor]], int]:
        """How rows are formed, and for how many samples at once."""
        times = self.place.problem.times
        if self.modes is None:
            return self._rows, times.samples
        return self._rows_of_modes, times.samples_of(self._entries)

    def outer(self) -> Float[Tensor, "n n"]:
        """A Aᵀ; where the module has a kernel of its own, no row of A is formed."""
        problem = self.place.problem
        kernel = problem.times.kernel(self.modes) if problem.is_linear else None
        if kernel is None and self.modes is None:  # by reverse mode, which forms rows and no more
            entries = torch.eye(problem.task.entries).to(self.like)
            return replace(self, modes=entries).outer()
        if kernel is None:
            return super().outer()
        batches = list(self._in_order())
        K = kernel(torch.cat([batch.inputs[0] for batch in batches]))
        if problem.task.residual.is_relative:
            weights = [problem.task.residual.weights(batch.targets, K) for batch in batches]
            factors = torch.cat(weights)[:, 0].repeat_interleave(self._entries)
            K.mul_(factors[:, None]).mul_(factors)
        return K

    def times(self, y: Float[Tensor, " r"]) -> Float[Tensor, " n"]:
        return self.group.together(
            lambda: torch.cat([self._times(batch, y) for batch in self._in_order()])
        )

    def transpose_times(self, w: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        return self.group.sum(self.group.together(lambda: self._transposed(w)))

    def _transposed(self, w: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        """Aᵀ w of the samples of this process."""
        task, out, start = self.place.problem.task, self.place.problem.zeros(), 0
        for batch in self._in_order():
            part = w[start : start + len(batch) * self._entries].reshape(len(batch), -1)
            start += part.numel()
            seeds = part if self.modes is None else part @ self.modes.T
            seeds = task.residual.transpose_times(self._where(batch), batch.targets, seeds)
            out += self.place.problem.times.transposed(batch.inputs, seeds)
        return out

    def _rows(self, batch: Batch) -> tuple[Tensor, Tensor]:
        residual, y = self.place.problem.task.residual, self.place.y
        JV = self.place.problem.times(batch.inputs)
        q = self.place.problem.task.model(batch.inputs) + JV @ y
        A = residual.times(q, batch.targets, JV).flatten(0, 1)
        f = residual(q, batch.targets).flatten()
        require_finite(A, f)
        return A, A @ y - f

    def _rows_of_modes(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """As `_rows`, by one reverse pass for each component of each sample."""
        problem, n, j = self.place.problem, len(batch), self._entries
        assert self.modes is not None
        residual, seeds = problem.task.residual, self.modes.T.expand(n, -1, -1)
        seeds = residual.transpose_times_many(self._where(batch), batch.targets, seeds)
        repeated = tuple(x.repeat_interleave(j, dim=0) for x in batch.inputs)
        A = problem.times.seeded(repeated, seeds.flatten(0, 1))
        f = self._f(batch)
        require_finite(A, f)
        return A, A @ self.place.y - f

    def _times(self, batch: Batch, y: Float[Tensor, " r"]) -> Tensor:
        problem = self.place.problem
        moved = problem.times.along(batch.inputs, y[:, None])
        moved = problem.task.residual.times(self._where(batch), batch.targets, moved)
        found = moved if self.modes is None else (moved[..., 0] @ self.modes)
        found = found.flatten()
        require_finite(found, found)
        return found

    def _f(self, batch: Batch) -> Tensor:
        found = self.place.problem.task.residual(self._q(batch), batch.targets)
        return (found if self.modes is None else found @ self.modes).flatten()

    def _where(self, batch: Batch) -> Float[Tensor, "n k"]:
        """Where F has its slopes; anywhere if they are the same for all predictions."""
        if self.place.problem.is_linear:
            return batch.targets.reshape(len(batch), -1).to(self.like)
        return self._q(batch)

    def _q(self, batch: Batch) -> Tensor:
        return self.place.problem.predicted(batch, self.place.y[:, None])[..., 0]

    def _in_order(self) -> Iterator[Batch]:
        """All batches; those of a loader are compared with the ones of the pass before."""
        task = self.place.problem.task
        batches = task.display.over("least squares", task.data, task.samples)
        for number, batch in enumerate(batches):
            if not task.data.is_in_memory:
                mark = batch.mark()
                if number == len(self._order):
                    self._order.append(mark)
                if mark != self._order[number]:
                    raise SettingsError(
                        "the loader gives the samples in another order each time, and this solver "
                        "multiplies with their rows again and again: do not shuffle them, or leave "
                        "lstsq out, since streaming QR reads every row once."
                    )
            yield batch


@dataclass(frozen=True, eq=False)
class DataProblem(Reduced):
    """F(q + J V y) on the samples of a data set; ‖f‖ is its root mean square over the samples.

    Args:
        task: module, data and residual.
        times: J V.
        modes: components of F that linear problems fit in place of all entries, see `DataSystem`;
            predictions move within their span.
    """

    slow: ClassVar[float] = 1 / (1 + LEAST_GAIN)

    task: Task
    times: JacobianTimes
    modes: Float[Tensor, "p j"] | None = None

    @property
    def rank(self) -> int:
        return self.times.rank

    @property
    def is_linear(self) -> bool:
        return self.task.residual.is_linear

    def zeros(self) -> Float[Tensor, " r"]:
        """y of the module as it is."""
        return self.task.model.like.new_zeros(self.rank)

    def at(self, y: Float[Tensor, " r"]) -> DataPlace:
        return DataPlace(y, self.sizes(self.task.data, y[:, None])[0], self)

    def step(
        self,
        place: Place,
        target: Float[Tensor, " r"],
        left_over: Callable[[], float | None],
        alone: bool,
    ) -> Step | None:
        """The best of several shares of the step, compared in one pass over the data.

        If F is linear in q the whole step is best, and the factors may know the residual that is
        left.
        """
        if self.is_linear and (left := left_over()) is not None:
            shares, tried = (1.0,), target[:, None]
            sizes = [left / math.sqrt(self.task.total)]
        else:
            shares = (1.0,) if self.is_linear else SHARES
            tried = torch.stack([place.y + s * (target - place.y) for s in shares], dim=1)
            sizes = self.sizes(self.task.data, tried)
        best = int(torch.tensor(sizes).nan_to_num(math.inf).argmin())
        if not sizes[best] < place.size:
            return None
        return Step(DataPlace(tried[:, best], sizes[best], self), shares[best])

    def sizes(self, data: Data, Y: Float[Tensor, "r c"]) -> list[float]:
        """Root mean square over the samples of ‖F‖ at q + J V y, for every column y of Y."""

        def squares(batch: Batch) -> Tensor:
            q = self.predicted(batch, Y)
            columns = (self.task.residual(q[..., c], batch.targets) for c in range(Y.shape[1]))
            return torch.stack([f.square().sum() for f in columns])

        def local() -> tuple[int, Tensor]:
            count, total = 0, Y.new_zeros(Y.shape[1])
            for batch in self.task.display.over("residuals", data):
                for length, found in over_pieces(batch, squares):
                    total += found
                    count += length
            return count, total

        group = self.task.group
        count, total = group.together(local)
        return (group.sum(total) / sum(group.counts(count))).sqrt().tolist()

    def predicted(self, batch: Batch, Y: Float[Tensor, "r c"]) -> Float[Tensor, "n k c"]:
        """q + J V y for every column y of Y."""
        q = self.task.model(batch.inputs)[:, :, None]
        if not Y.any():
            return q.expand(-1, -1, Y.shape[1])
        return q + self._within(self.times.along(batch.inputs, Y))

    def _within(self, moved: Float[Tensor, "n k c"]) -> Float[Tensor, "n k c"]:
        """Outputs in the span of the components, of which no other parts are determined."""
        if self.modes is None:
            return moved
        return self.modes @ (self.modes.T @ moved)
