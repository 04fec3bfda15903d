"""Values of expressions that hold callables of the user's, and what those compute on the way."""

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
    """The values of an expression, nan where there is none; those of its parts join `known`.

    Args:
        expression: in the coordinates that `known` begins with.
        known: changed: values by expression.
    """
    return interpreted.value(expression, known, _called)


def calls_in(applied: Any, known: Known) -> list[Call]:
    """What a callable of the user's computes on its way to its values."""
    return recorded(applied._imp_, _tensors(applied, known))


def _called(applied: Any, known: Known) -> Any:
    """A callable of the user's; one that fails is told of by the stage that needs it."""
    tensors = _tensors(applied, known)
    try:
        given = applied._imp_(*tensors)
        given = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given
        values = np.asarray(given, dtype=float).reshape(-1)
        return np.broadcast_to(values, len(tensors[0]))
    except (Exception, SystemExit):  # whatever a user's function raises
        return math.nan


def _tensors(applied: Any, known: Known) -> list[torch.Tensor]:
    """The arguments of a callable at all points."""
    n = next((len(v) for k, v in known.items() if isinstance(k, sp.Symbol)), 1)
    arguments = (value(a, known) for a in applied.args)
    return [torch.as_tensor(np.broadcast_to(a, n).astype(float)) for a in arguments]
