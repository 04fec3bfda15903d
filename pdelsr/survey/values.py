"""Values of expressions with callables, and the intermediate values of the callables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy as sp
import torch

from pdelsr.declare import interpreted
from pdelsr.declare.interpreted import Known
from pdelsr.survey.recorded import Call, recorded


def value(expression: sp.Basic, known: Known) -> Any:
    """The values of an expression, nan where there is none; adds those of its parts to `known`.

    Args:
        expression: of the coordinates in `known`.
        known: values by expression; extended in place.
    """
    return interpreted.value(expression, known, _called)


def calls_in(applied: Any, known: Known) -> list[Call]:
    """The intermediate values of a callable."""
    return recorded(applied._imp_, _tensors(applied, known))


def _called(applied: Any, known: Known) -> Any:
    """The values of a callable; if it fails, the stage that needs it reports that."""
    tensors = _tensors(applied, known)
    try:
        given = applied._imp_(*tensors)
        given = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given
        values = np.asarray(given, dtype=float).reshape(-1)
        return np.broadcast_to(values, len(tensors[0]))
    except (Exception, SystemExit):  # anything a user's function raises
        return math.nan


def _tensors(applied: Any, known: Known) -> list[torch.Tensor]:
    """The arguments of a callable at all points, as tensors."""
    n = next((len(v) for k, v in known.items() if isinstance(k, sp.Symbol)), 1)
    arguments = (value(a, known) for a in applied.args)
    return [torch.as_tensor(np.broadcast_to(a, n).astype(float)) for a in arguments]
