"""LSR of any torch module on data: basis, streaming QR, choice of the rank (Algorithm S1)."""

from __future__ import annotations

import copy
import inspect
import logging
import math
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.batch.checks import require_kinds, require_known, require_options
from pdelsr.batch.data import Batch, Data, over_pieces, split, tensors_of
from pdelsr.batch.directions import BASES, directions
from pdelsr.batch.memory import affordable_rank
from pdelsr.batch.model import Inputs, Model, require_forward_mode, require_samplewise
from pdelsr.batch.products import JacobianTimes
from pdelsr.batch.progress import PassDisplay
from pdelsr.batch.ranks import geometric
from pdelsr.batch.refined import Family, RankScore, RefinedModule
from pdelsr.batch.separable import Separable, SeparableTimes
from pdelsr.batch.target import Residual, UserResidual
from pdelsr.errors import SettingsError
from pdelsr.linearize.halving import is_out_of_memory, release, told_what_to_lower
from pdelsr.lstsq.streaming import Nested, StreamingQR
from pdelsr.solvers.estimate import FEWEST
from pdelsr.solvers.settings import DTYPES, require_choice, require_whole

logger: logging.Logger = logging.getLogger(__name__)

BATCH = 256  # samples at once, of tensors
LARGEST_RANK = 2000  # that "auto" starts from
RANKS = 24  # that are compared on held-out data, in geometric progression
SURE = 2.0  # standard errors that a refinement must gain on held-out data
ENOUGH = 1e-3  # gain of a Newton step, relative, below which no further one is taken
STEPS = (1.0, 0.5, 0.25, 0.125)  # shares of a Newton step that are compared on the true residual
LOWER = "lower rank, batch_size or memory_budget, or take basis='coordinate'"
PRODUCTS = ("auto", "rows", "columns", "separable")


def refine(
    model: nn.Module,
    inputs: Tensor | Sequence[Tensor] | Iterable[Any],
    targets: Tensor | None = None,
    *,
    rank: int | str = "auto",
    validation: float | tuple[Any, Any] | Iterable[Any] | None = None,
    residual: UserResidual | None = None,
    parameter_fraction: int | float = 1.0,
    basis: str = "output",
    newton_steps: int = 1,
    products: str = "auto",
    batch_size: int | None = None,
    dtype: str = "float64",
    seed: int = 0,
    memory_budget: int | None = None,
    verbose: bool = False,
    **misspelled: Any,
) -> RefinedModule:
    """Refine a trained or untrained module in one linear least-squares solve.

        min_y Σ_i ‖ F(q_i, t_i) + ∂F/∂q (J V y)_i ‖² ,   u = q + J V y

    The module is copied; nothing of the user's is changed. Memory does not grow with the number of
    samples: rows are folded into a triangle batch by batch.

    Args:
        model: a torch module that treats every sample on its own, with one or more inputs and one
            output tensor, and that torch.func differentiates by forward mode. Frozen parameters
            and buffers stay constant.
        inputs: tensors with one row a sample (several in a tuple), or a loader of
            (inputs, targets) that can be passed over more than once.
        targets: with one row a sample; None with a loader.
        rank: r, or "auto" for the best one on held-out data, which may be 0: no refinement.
        validation: the held-out data of "auto": a share of the samples (0.2 by default, arrays
            only), a tuple (inputs, targets), or a loader.
        residual: F(q, targets), sample by sample; q − targets by default. For classes,
            `lambda q, t: q.softmax(1) - one_hot(t)`.
        parameter_fraction: share of θ that may move, chosen at random.
        basis: "output" (randomized SVD of about r + 1000 rows of J), "coordinate" (r parameters
            drawn at random, for little time and memory) or "gaussian".
        newton_steps: linearizations of F, for residuals that are not linear in q.
        products: how J V is formed: "rows" (reverse mode), "columns" (forward mode), or "auto" for
            the faster one on a few samples. Operators of `pdelsr.operators` have a third way,
            "separable", which "auto" takes.
        batch_size: samples at once, with tensors; 256 by default.
        dtype: of the refinement and of what comes back, "float64" or "float32".
        seed: of basis, rows and split.
        memory_budget: bytes of one chunk of J V; None for a share of what is free.
        verbose: show a bar for every pass over the data, in a terminal.
        misspelled: refused, with the nearest name of an option.

    Raises:
        SettingsError: options, data or module that do not fit, or an output that is not finite.
        MemoryLimitError: the rank does not fit into the free memory.
    """
    require_known(misspelled, OPTIONS)
    require_kinds(model, inputs, targets, seed)
    size = BATCH if batch_size is None else batch_size
    require_options(rank, parameter_fraction, newton_steps, size, dtype)
    if newton_steps > 1 and residual is None:
        raise SettingsError(
            "newton_steps needs residual=: the difference from the targets is linear in the "
            "prediction, and one step solves it."
        )
    if batch_size is not None and targets is None:
        raise SettingsError("batch_size is for tensors: a loader has batches of its own.")
    require_choice("products", products, PRODUCTS)
    require_choice("basis", basis, BASES)
    if memory_budget is not None:
        require_whole("memory_budget", memory_budget, 1)
    generator = torch.Generator().manual_seed(seed)
    copied = copy.deepcopy(model).to(DTYPES[dtype])
    view = Model(copied, parameter_fraction, generator)
    fit, held = _data(view, inputs, targets, rank, validation, size, generator)
    device = view.like.device
    with PassDisplay(verbose) as display, told_what_to_lower(LOWER, device):
        first = next(iter(fit))
        output = require_samplewise(view, first.inputs)
        task = _Task(view, fit, Residual(residual, tuple(output.shape[1:])), display)
        task.samples = task.count(fit)
        if held is not None:
            given = len(next(iter(held)).inputs)
            if given != len(first.inputs):
                raise SettingsError(
                    f"the validation data have {given} input(s), the others {len(first.inputs)}: "
                    "give validation=((input, …), targets)."
                )
            task.count(held)
        require_forward_mode(view, first.inputs)
        outputs = math.prod(output.shape[1:])
        r = affordable_rank(rank, _largest(rank, view, task.samples * outputs), view, basis)

        def at(r: int) -> RefinedModule:
            if basis == "coordinate" and r < view.size:
                view.keep(r, generator)
            with _differentiable(copied):
                if r < view.size:
                    task.V, task.values = directions(
                        *(basis, view, fit, r, outputs, task.samples),
                        *(generator, display, memory_budget),
                    )
                times = _times(view, task.V, products, first.inputs, memory_budget)
                return task.solve(times, newton_steps, held)

        while rank == "auto" and r > FEWEST:
            try:
                return at(r)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            release(device)
            task.V, r = None, r // 2
        return at(r)


OPTIONS = [name for name in inspect.signature(refine).parameters if name != "misspelled"]


@contextmanager
def _differentiable(module: nn.Module) -> Generator[None, None, None]:
    """Says which module torch.func cannot differentiate for many samples or directions at once."""
    try:
        yield
    except (RuntimeError, NotImplementedError) as error:
        if is_out_of_memory(error):
            raise
        raise SettingsError(
            f"torch.func cannot differentiate {type(module).__name__} for many samples or "
            "directions at once; so it is with recurrent layers (LSTM, GRU, RNN), fused attention "
            f"and in-place operations. Replace that part. It said: {error}"
        ) from error


@dataclass
class _Task:
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

    def _newton(self, times: JacobianTimes, steps: int, y: Float[Tensor, " r"]) -> _Found:
        """Linearizations of F with shortened steps, as long as the residual falls."""
        before = size = self._norms(times, self.data, y[:, None])[0]
        found = None
        while True:
            steps -= 1
            nested = self._linearized(times, y)
            found = found or _Found(y, nested, before, size, y, 0.0)
            target = nested.padded(times.rank)
            shares = (1.0,) if self.residual.is_linear else STEPS
            tried = torch.stack([y + s * (target - y) for s in shares], dim=1)
            norms = self._fitted(times, nested, tried)
            best = int(torch.tensor(norms).nan_to_num(math.inf).argmin())
            if not norms[best] < size:
                break
            base, y = y, tried[:, best]
            gained, size = size - norms[best], norms[best]
            found = _Found(y, nested, before, size, base, shares[best])
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
class _Found:
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


def _times(
    model: Model, V: Tensor | None, products: str, probe: Inputs, budget: int | None
) -> JacobianTimes:
    kind = type(model.module)
    separable = issubclass(kind, Separable) and kind.forward is Separable.forward
    if separable and products in ("auto", "separable"):
        return SeparableTimes(model, V, probe, budget)
    if products == "separable":
        raise SettingsError(
            f"products='separable' needs a Separable module with its own forward, and "
            f"{kind.__name__} is none: leave it out, or derive the module from "
            "pdelsr.operators.Separable."
        )
    return JacobianTimes(model, V, products, probe, budget)


def _largest(rank: int | str, model: Model, rows: int) -> int:
    if isinstance(rank, int):
        if rank > rows:
            raise SettingsError(
                f"rank {rank} is more than the {rows} numbers of the data (samples × outputs): the "
                "fit would not be determined. Lower it, or give more data."
            )
        if rank > model.size:
            raise SettingsError(
                f"rank {rank} is more than the {model.size} parameters that may move: lower it, or "
                "raise parameter_fraction."
            )
        return rank
    return min(LARGEST_RANK, model.size, max(1, rows // 2))


def _data(
    model: Model,
    inputs: Any,
    targets: Any,
    rank: int | str,
    validation: Any,
    batch_size: int,
    generator: torch.Generator,
) -> tuple[Data, Data | None]:
    """The data of the fit, and those that are held out for the choice of the rank."""

    def data(source: Any) -> Data:
        return Data(source, batch_size, model.like)

    source: Any = inputs if targets is None else tensors_of(inputs, targets)
    several = isinstance(source, list | tuple) and all(isinstance(x, Tensor) for x in source)
    if targets is None and (isinstance(source, Tensor) or (several and len(source) > 0)):
        raise SettingsError("targets are missing: give inputs and targets, or a loader of both.")
    held = None
    if rank == "auto":
        share = 0.2 if validation is None else validation
        if isinstance(share, int | float):
            if targets is None:
                raise SettingsError(
                    "rank='auto' with a loader needs validation=, another loader or a tuple "
                    "(inputs, targets): the order of a loader may change, so it cannot be split."
                )
            if not 0 < share < 1:
                raise SettingsError(f"validation is {share}: give a share between 0 and 1.")
            source, held = split(tensors_of(inputs, targets), float(share), generator)
        elif isinstance(share, tuple):
            if len(share) != 2:
                raise SettingsError(
                    f"validation has {len(share)} parts: give (inputs, targets), with several "
                    "inputs as ((input, …), targets)."
                )
            held = tensors_of(*share)
        else:
            held = share
    elif validation is not None:
        raise SettingsError("validation= is used by rank='auto' only: leave one of the two out.")
    return data(source), None if held is None else data(held)
