"""What a task may do to predict better on new samples: smooth inputs, mollified rectifiers."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.networks.mollified import mollified, rectifier_inputs
from pdelsr.regression.data import Data
from pdelsr.regression.fit import chosen
from pdelsr.regression.parts import Parts
from pdelsr.regression.smoothing import Smoothing, smoothing_of, smoothings
from pdelsr.regression.task import Task
from pdelsr.resources.pieces import is_out_of_memory, release
from pdelsr.solvers.refinement.memory.estimate import LEAST_COLUMNS
from pdelsr.solvers.state.settings import require_positive
from pdelsr.subspace.base import width_of

logger: logging.Logger = logging.getLogger(__name__)

COMPONENTS_FROM = 2000  # samples whose principal components are taken
PILOT = 4  # times fewer directions, or samples, in the fits by which variants are compared
WIDTHS = (0.2, 0.4)  # of mollified rectifiers, relative to what enters them


@dataclass(frozen=True)
class Variant:
    """A change of inputs and module.

    Args:
        smoothing: of the inputs; None for the inputs as they are.
        width: of mollified rectifiers, relative to the root mean square of what enters them; 0 for
            the module as it is.
    """

    smoothing: Smoothing | None = None
    width: float = 0.0

    def of(self, task: Task) -> Task:
        """The task with this change."""
        task = replace(task, data=replace(task.data, smoothing=self.smoothing))
        return task if not self.width else with_rectifiers(task, self.width)

    def __str__(self) -> str:
        level = "none" if self.smoothing is None else f"{self.smoothing.level:g}"
        return f"smoothing {level}, width {self.width:g}"


@dataclass(frozen=True)
class Wishes:
    """What the user asked for.

    Args:
        smoothing: τ, "auto", or None for none.
        mollify: width of rectifiers, "auto", or None for none.
    """

    smoothing: str | int | float | None
    mollify: str | int | float | None

    def __post_init__(self) -> None:
        for name in ("smoothing", "mollify"):
            value = getattr(self, name)
            if isinstance(value, str) and value != "auto":
                raise SettingsError(f"{name} is {value!r}: give a number, 'auto', or None.")
            if not isinstance(value, str) and value is not None:
                require_positive(name, value, finite=True)


def in_best_variant(
    task: Task, parts: Parts, held: Data | None, most: int, wishes: Wishes
) -> tuple[Task, Data | None, Parts]:
    """Task and held-out data as the user wants them, or as held-out data favour, and their parts.

    Levels of smoothing are compared first, then widths of rectifiers at the best of them, and the
    levels again where such a width is better than none.

    Raises:
        SettingsError: inputs cannot be smoothed, or there are no rectifiers to mollify.
    """
    inputs = _first_argument(task.data)
    begin = Variant(
        None if _is_open(wishes.smoothing) else _smoothing(inputs, wishes.smoothing),
        0.0 if _is_open(wishes.mollify) else _width(task, wishes.mollify),
    )
    compares = parts.solver.keeps_leading or parts.solver.has_path
    if held is None or not compares or not task.data.is_in_memory:
        return begin.of(task), held and replace(held, smoothing=begin.smoothing), parts
    levels: list[Smoothing] = []
    widths: tuple[float, ...] = ()
    if _is_open(wishes.smoothing) and inputs is not None:
        levels = smoothings(inputs)
    if _is_open(wishes.mollify) and _has_rectifiers(task):
        widths = WIDTHS
    best = begin
    if levels or widths:
        trials = _Trials(task, parts, held, most, begin)
        trials.run([begin])
        trials.run([replace(trials.best, smoothing=level) for level in levels])
        trials.run([replace(trials.best, width=width) for width in widths])
        best = trials.best
        if best.width:
            others = [s for s in (None, *levels) if s is not best.smoothing] if levels else []
            trials.run([replace(best, smoothing=s) for s in others])
            best = trials.best
        if trials.damping:
            parts = replace(parts, solver=parts.solver.near(trials.damping))
    return best.of(task), replace(held, smoothing=best.smoothing), parts


def with_rectifiers(task: Task, width: float) -> Task:
    """The task with mollified rectifiers in a copy of its module."""
    found = rectifier_inputs(task.given.module, _some(task.data))
    widths = {name: width * size for name, size in found.items() if size > 0}
    return replace(task, model=task.model.inside(mollified(task.given.module, widths)))


class _Trials:
    """Smaller fits of variants, judged on held-out data.

    Args:
        task: module and data, all of them.
        parts: of the fits.
        held: held-out data.
        most: the largest rank of the fit itself.
        begin: what is best before any trial.

    Attributes:
        best: the variant with the smallest residual so far.
        damping: of its fit.
    """

    def __init__(self, task: Task, parts: Parts, held: Data, most: int, begin: Variant) -> None:
        self.task, self.parts, self.held, self.rank = task, parts, held, most
        self.best, self.damping, self._least = begin, 0.0, math.inf
        self._has_room = True
        # iterations cannot be cut for a trial: smooth inputs need more of them
        if parts.solver.most_rows is not None:
            self.task = _quarter(task)
            self.parts = replace(parts, solver=parts.solver.on_part(PILOT))
        elif not parts.solver.has_path and width_of(parts.basis, task.model.module) is None:
            self.rank = min(most, max(most // PILOT, LEAST_COLUMNS))

    def run(self, variants: Sequence[Variant]) -> None:
        """Fit the variants, as long as there is memory, and keep the best one."""
        for variant in variants:
            self._has_room = self._has_room and self._fits(variant)

    def _fits(self, variant: Variant) -> bool:
        """Fit a variant, and keep it if it is the best one; whether there was memory for it."""
        held = replace(self.held, smoothing=variant.smoothing)
        try:
            found = chosen(variant.of(self.task), self.parts, held, self.rank)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            release(self.task.model.like.device)
            return False  # the fit itself takes what memory there is
        scores = found.history[1:]  # the first one is that of the module as it is
        if not scores:
            return True
        score = min(scores, key=lambda score: score.validation)
        logger.info("%s: %.3e on held-out data", variant, score.validation)
        if score.validation < self._least:
            self.best, self.damping, self._least = variant, score.damping, score.validation
        return True


def _quarter(task: Task) -> Task:
    """The task on a part of its samples, spread over all of them."""
    assert isinstance(task.data.source, tuple)
    source = tuple(x[::PILOT] for x in task.data.source)
    return replace(task, data=replace(task.data, source=source), samples=len(source[-1]))


def _is_open(wish: str | int | float | None) -> bool:
    return isinstance(wish, str)


def _smoothing(inputs: Tensor | None, level: str | int | float | None) -> Smoothing | None:
    """The smoothing that was asked for."""
    if level is None:
        return None
    if inputs is None:
        raise SettingsError(
            "smoothing needs the inputs in memory, as one real tensor with several numbers a "
            "sample: leave it out."
        )
    return smoothing_of(inputs, float(level))


def _width(task: Task, width: str | int | float | None) -> float:
    """The width that was asked for."""
    if width is None:
        return 0.0
    if not _has_rectifiers(task):
        raise SettingsError(
            f"mollify is for rectifiers, and {type(task.given.module).__name__} has no torch.nn."
            "ReLU or LeakyReLU among its parts: leave it out, or write torch.relu as such a part."
        )
    return float(width)


def _has_rectifiers(task: Task) -> bool:
    return any(rectifier_inputs(task.given.module, _some(task.data)).values())


def _some(data: Data) -> tuple[Tensor, ...]:
    """Inputs of samples all over the data as they were given; of a loader, its first batch."""
    if not isinstance(data.source, tuple):
        return next(iter(data)).given
    every = max(1, len(data.source[-1]) // COMPONENTS_FROM)
    some = tuple(x[::every] for x in data.source)
    return next(iter(replace(data, source=some, size=len(some[-1])))).given


def _first_argument(data: Data) -> Tensor | None:
    """Some of the inputs, if they are one floating tensor in memory, else None."""
    if not isinstance(data.source, tuple) or len(data.source) != 2:
        return None
    inputs = torch.as_tensor(data.source[0])
    if not inputs.is_floating_point() or inputs.ndim < 2:
        return None
    some = torch.linspace(0, len(inputs) - 1, min(len(inputs), COMPONENTS_FROM)).long()
    return inputs[some.to(inputs.device)].to(data.like)
