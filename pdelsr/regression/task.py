"""What is refined on data: a module, its samples, and the residual of its prediction."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdelsr.errors import SettingsError
from pdelsr.processes import ALONE, Group
from pdelsr.progress import PassDisplay
from pdelsr.regression.data import Batch, Data, over_pieces
from pdelsr.regression.model import Model
from pdelsr.regression.target import Residual


@dataclass(frozen=True)
class Task:
    """A module, the data that it is fitted to, and F.

    Args:
        model: q and its derivatives.
        given: the module as the user gave it; `model` may have smooth rectifiers in its place.
        data: of the fit.
        residual: F.
        display: shows the progress of a pass over the data.
        samples: n, the number of samples.
        outputs: k, numbers that the module gives per sample.
        entries: p, numbers that F gives per sample.
        group: processes that have the other samples of the fit.
        others: how many these are.
    """

    model: Model
    given: Model
    data: Data
    residual: Residual
    display: PassDisplay
    samples: int
    outputs: int
    entries: int
    group: Group = ALONE
    others: int = 0

    @property
    def total(self) -> int:
        """Samples of all processes."""
        return self.samples + self.others

    @property
    def is_changed(self) -> bool:
        """Whether inputs are smoothed or rectifiers mollified."""
        return self.data.smoothing is not None or self.model.module is not self.given.module

    @property
    def rows(self) -> int:
        """Rows of the linear problems; those of this process."""
        return self.samples * self.entries


def counted(
    model: Model, data: Data, residual: Residual, display: PassDisplay, of: str = ""
) -> int:
    """Count the samples; refuse outputs and residuals that do not fit or are not finite.

    Args:
        model: of the predictions.
        data: the samples.
        residual: F.
        display: of the pass.
        of: which samples these are, if they are a part, for messages.
    """
    total = 0
    for batch in display.over("reading", data):
        for length, trouble in over_pieces(batch, lambda b: _trouble(model, residual, b)):
            if trouble is not None:
                what, where = trouble
                raise SettingsError(
                    f"the {what} is not finite at sample {total + where}{of}: check the data and "
                    "the module there."
                )
            total += length
    return total


def _trouble(model: Model, residual: Residual, batch: Batch) -> tuple[str, int] | None:
    """What is not finite, and at which sample first; refuse shapes that do not fit."""
    q = model(batch.inputs)
    residual.check(q, batch.targets)
    bad = ~torch.isfinite(residual(q, batch.targets)).all(dim=1)
    if not bad.any():
        return None
    what = "output" if not torch.isfinite(q).all() else "residual"
    return what, int(bad.nonzero()[0])
