"""Fields of a solution at points, by name: values, derivatives, reference, error."""

from __future__ import annotations

import numpy as np
import sympy as sp
import torch
from jaxtyping import Float

from pdelsr.compile import Interior
from pdelsr.linearize import BoundBlock
from pdelsr.results.base import BaseSolution
from pdelsr.results.derivative import derivative_name, read_derivative
from pdelsr.results.given import Derivatives
from pdelsr.results.reference_errors import compared

Fields = dict[str, np.ndarray]
"""Values (n,) by name."""


def fields_at(
    solution: BaseSolution,
    points: Float[np.ndarray, "n d"],
    derivatives: Derivatives = (),
    reference: bool = True,
    residuals: bool = False,
) -> Fields:
    """The unknowns and any other requested fields.

    "u" is the solution, "u_x" a derivative, and "residual_of_equation" lhs − rhs. With a reference
    there are "u_reference" and "u_error", the difference u − u_reference less the open part; both
    are NaN where the reference has no value.

    Raises:
        SettingsError: there is no such derivative.
    """
    problem = solution.problem
    predicted = solution.predict(points)
    found = predicted if isinstance(predicted, dict) else {solution.names[0]: predicted}
    values = np.stack([found[name] for name in solution.names], axis=1)
    wanted = (derivatives,) if isinstance(derivatives, str | sp.Basic) else derivatives
    for given in wanted:
        entry = read_derivative(given, problem.unknowns, problem.coordinates)
        name = derivative_name(entry, problem.unknowns, problem.coordinates)
        found[name] = solution.derivative(given, points)
    against = compared(solution, points, values) if reference else None
    if against is not None:
        for i, name in enumerate(solution.names):
            found[f"{name}_reference"] = against.reference[:, i]
            found[f"{name}_error"] = against.error[:, i]
    return found | (_residuals(solution, points) if residuals else {})


def _residuals(solution: BaseSolution, points: Float[np.ndarray, "n d"]) -> Fields:
    """F of every equation, without weights."""
    dtype, device = solution.settings.torch_dtype, solution.settings.torch_device
    x = torch.as_tensor(points, dtype=dtype, device=device)
    predictor = solution.predictor
    bound = [
        BoundBlock(block, (x,), x, torch.ones_like(x[:, 0]))
        for block in solution.compiled.blocks
        if isinstance(block.region, Interior)
    ]
    names = [f"residual_of_{b.block.name.replace(' ', '_')}" for b in bound]
    values = [b.evaluate(predictor).cpu().double().numpy() for b in bound]
    return dict(zip(names, values, strict=True))
