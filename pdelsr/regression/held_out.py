"""The data of a refinement: a part for the fit, and a part held out to choose the rank."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.regression.data import Data, split, tensors_of
from pdelsr.regression.model import Model


def fit_and_held_out(
    model: Model,
    inputs: Any,
    targets: Any,
    rank: int | str,
    validation: Any,
    batch_size: int,
    generator: torch.Generator,
) -> tuple[Data, Data | None]:
    """The data of the fit, and the data held out to choose the rank."""

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
