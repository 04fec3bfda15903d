"""The linear least-squares fit of a module: streaming QR, Newton steps, choice of the rank."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from operator import itemgetter

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.batch.data import Batch, Data, over_pieces
from pdelsr.batch.model import Model
from pdelsr.batch.products import JacobianTimes
from pdelsr.batch.ranks import geometric
from pdelsr.batch.refined import Family, RankScore, RefinedModule
from pdelsr.batch.target import Residual
from pdelsr.errors import SettingsError
from pdelsr.lstsq.streaming import Nested, StreamingQR
from pdelsr.progress import PassDisplay

logger: logging.Logger = logging.getLogger(__name__)

RANKS = 24  # that are compared on held-out data, in geometric progression
SURE = 2.0  # standard errors that a refinement must gain on held-out data
ENOUGH = 1e-3  # gain of a Newton step, relative, below which no further one is taken
STEPS = (1.0, 0.5, 0.25, 0.125)  # shares of a Newton step that are compared on the true residual


@dataclass
class Fit:
    """A module, the data that it is fitted to, the residual, and the directions."""

    model: Model
    data: Data
    residual: Residual
    display: PassDisplay
    samples: int = 0
    V: Tensor | None = None
    values: Tensor | None = None

    def count(self, data: Data) -> int:
        """Samples; refuses outputs and residuals that do not fit or are not finite."""
        total = 0
        for batch in self.display.over("reading", data):
            for length, trouble in over_pieces(batch, self._trouble):
                if trouble is not None:
                    what, where = trouble
                    raise SettingsError(
                        f"the {what} is not finite at sample {total + where}: check the data and "
                        "the module there."
                    )
                total += length
        return total

    def _trouble(self, batch: Batch) -> tuple[str, int] | None:
        """What is not finite, and at which sample first; refuses what does not fit."""
        q = self.model(batch.inputs)
        self.residual.check(q, batch.targets)
        bad = ~torch.isfinite(self.residual(q, batch.targets)).all(dim=1)
        if not bad.any():
            return None
        what = "output" if not torch.isfinite(q).all() else "residual"
        return what, int(bad.nonzero()[0])

    def solve(self, times: JacobianTimes, newton_steps: int, held: Data | None) -> RefinedModule:
        """The refinement, at the rank that held-out data favour if there are any."""
        steps = 1 if self.residual.is_linear else newton_steps
        if held is None:
            return self._given(times, steps)
        return self._chosen(times, steps, held)

    def _given(self, times: JacobianTimes, steps: int) -> RefinedModule:
        r = times.rank
        found = self._newton(times, steps, self.model.like.new_zeros(r))
        scores = [
            RankScore(0, found.before, math.nan, 0.0),
            RankScore(r, found.size, math.nan, torch.linalg.vector_norm(found.y).item()),
        ]
        better = found.size < found.before
        status = "given" if better else f"rank {r} does not lower the residual: try a smaller one"
        family = self._family(found.nested, found.base, found.share)
        return self._refined(r if better else 0, found.y, family, scores, status)

    def _chosen(self, times: JacobianTimes, steps: int, held: Data) -> RefinedModule:
        """The best rank of one linearization on held-out data; further steps at that rank."""
        nested = self._linearized(times, self.model.like.new_zeros(times.rank))
        ranks = [0, *geometric(times.rank, RANKS)]
        Y = torch.stack([nested.padded(k) if k else nested.z.new_zeros(times.rank) for k in ranks])
        train = self._fitted(times, nested, Y.T)
        validation = self._norms(times, held, Y.T)
        scores = [
            RankScore(k, a, b, torch.linalg.vector_norm(y).item())
            for k, a, b, y in zip(ranks, train, validation, Y, strict=True)
        ]
        best = min(scores, key=lambda s: s.validation if math.isfinite(s.validation) else math.inf)
        if not self._surely_better(times, held, Y[ranks.index(best.rank)]):
            best = scores[0]
        k, y = best.rank, Y[ranks.index(best.rank)]
        status = "best on held-out data" if k else "no rank is better on held-out data"
        if k and steps > 1:
            narrow = times.narrowed(k)
            further = self._newton(narrow, steps - 1, y[:k]).y
            size = self._norms(narrow, held, further[:, None])[0]
            if size < best.validation:
                y = torch.nn.functional.pad(further, (0, times.rank - k))
                scores.append(RankScore(k, math.nan, size, torch.linalg.vector_norm(y).item()))
        family = self._family(nested, torch.zeros_like(y), 1.0)
        return self._refined(k, y, family, scores, status)

    def _surely_better(self, times: JacobianTimes, held: Data, y: Float[Tensor, " r"]) -> bool:
        """Whether ‖F‖² falls by more than its standard error over the held-out samples.

        The best of many ranks always seems better than none on noisy data.
        """
        if not y.any():
            return False
        count, total, squares = 0, 0.0, 0.0

        def gains(batch: Batch) -> Tensor:
            q = self.model(batch.inputs)
            moved = q + times.along(batch.inputs, y[:, None])[..., 0]
            before, after = (
                self.residual(u, batch.targets).square().sum(dim=1) for u in (q, moved)
            )
            return (before - after).double()

        for batch in self.display.over("comparison", held):
            for length, gain in over_pieces(batch, gains):
                count += length
                total += gain.sum().item()
                squares += gain.square().sum().item()
        mean = total / count
        deviation = math.sqrt(max(squares / count - mean**2, 0.0) / max(count - 1, 1))
        return mean > SURE * deviation

    def _family(self, nested: Nested, base: Tensor, share: float) -> Family:
        return Family(self.V, self.values, nested, base, share, self.residual, self.samples)

    def _refined(
        self, k: int, y: Tensor, family: Family, scores: list[RankScore], status: str
    ) -> RefinedModule:
        logger.info("%s at rank %d: %s", type(self.model.module).__name__, k, status)
        delta = family.lifted(y if k else torch.zeros_like(y))
        return RefinedModule(self.model, delta, k, family, scores, status)

    def _newton(self, times: JacobianTimes, steps: int, y: Float[Tensor, " r"]) -> Found:
        """Linearizations of F with shortened steps, as long as the residual falls."""
        before = size = self._norms(times, self.data, y[:, None])[0]
        found = None
        while True:
            steps -= 1
            nested = self._linearized(times, y)
            found = found or Found(y, nested, before, size, y, 0.0)
            target = nested.padded(times.rank)
            shares = (1.0,) if self.residual.is_linear else STEPS
            tried = torch.stack([y + s * (target - y) for s in shares], dim=1)
            norms = self._fitted(times, nested, tried)
            best = int(torch.tensor(norms).nan_to_num(math.inf).argmin())
            if not norms[best] < size:
                break
            base, y = y, tried[:, best]
            gained, size = size - norms[best], norms[best]
            found = Found(y, nested, before, size, base, shares[best])
            if not steps or gained < ENOUGH * size:
                break
        return found

    def _linearized(self, times: JacobianTimes, y: Float[Tensor, " r"]) -> Nested:
        """The least-squares problem at q + J V y."""
        linear = StreamingQR(times.rank, self.model.like)
        parts = (
            part
            for batch in self.data
            for part in over_pieces(batch, lambda b: self._system(times, b, y), times.samples)
        )
        size = itemgetter(0)
        for _, (A, b) in self.display.over("least squares", parts, self.samples, size):
            linear.update(A, b)
        return linear.finish()

    def _system(self, times: JacobianTimes, batch: Batch, y: Tensor) -> tuple[Tensor, Tensor]:
        """A and A y − f of a batch, linearized at q + J V y."""
        JV = times(batch.inputs)
        q = self.model(batch.inputs) + JV @ y
        A = self.residual.times(q, batch.targets, JV).flatten(0, 1)
        f = self.residual(q, batch.targets).flatten()
        if not (torch.isfinite(A).all() and torch.isfinite(f).all()):
            raise SettingsError(
                f"the derivatives of {type(self.model.module).__name__} or of the residual are not "
                "finite on the data: check the module there, as sqrt has none at 0."
            )
        return A, A @ y - f

    def _fitted(self, times: JacobianTimes, nested: Nested, Y: Float[Tensor, "r c"]) -> list[float]:
        """`_norms` on the data of the fit, which the triangle knows where F is linear in q."""
        if not self.residual.is_linear:
            return self._norms(times, self.data, Y)
        return [math.sqrt(nested.squares(y) / self.samples) for y in Y.T]

    def _norms(self, times: JacobianTimes, data: Data, Y: Float[Tensor, "r c"]) -> list[float]:
        """Root mean square over the samples of ‖F‖ at q + J V y, for every column y of Y."""
        total, count = Y.new_zeros(Y.shape[1]), 0
        moved = bool(Y.any())

        def squares(batch: Batch) -> Tensor:
            q = self.model(batch.inputs)[:, :, None]
            q = q + times.along(batch.inputs, Y) if moved else q.expand(-1, -1, Y.shape[1])
            columns = (self.residual(q[..., c], batch.targets) for c in range(Y.shape[1]))
            return torch.stack([f.square().sum() for f in columns])

        for batch in self.display.over("residuals", data):
            for length, found in over_pieces(batch, squares):
                total += found
                count += length
        return (total / count).sqrt().tolist()


@dataclass(frozen=True)
class Found:
    """What Newton steps found.

    Args:
        y: of the best state.
        nested: the linearization whose step led there.
        before: residual at the start.
        size: residual at y.
        base: where the linearization was made.
        share: of its step that was taken.
    """

    y: Tensor
    nested: Nested
    before: float
    size: float
    base: Tensor
    share: float
