"""Whether the default network satisfies conditions exactly, where nobody has chosen."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import replace

from pdelsr.compile import Interior, compile_problem
from pdelsr.declare import Problem
from pdelsr.declare.expressions import field, jets
from pdelsr.resources.deadline import given_up_after
from pdelsr.solvers.design.trial import FIRST_SCALES, PARAMETERS, SMALL, Designer, Trial
from pdelsr.solvers.prepare import chosen_hard, with_chunks
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.settings import RunSettings

logger: logging.Logger = logging.getLogger(__name__)

SHARE = 0.15  # of the time left, for the trial
BETTER = 3.0  # times the residual of soft conditions, from which hard ones are given up


def chosen_form(
    problem: Problem, method: Method, settings: RunSettings, left: float = math.inf
) -> bool:
    """Whether conditions are made hard: the user's choice, else the method's, else by a trial.

    An ansatz that satisfies one condition exactly may be unable to come near to another one. Where
    a fixed side meets one that gives a flux, u = g + D N has no slope along the fixed side,
    whatever N is; if the other condition asks for one there, the error spreads from the corner.
    Then all conditions are better soft. The residual of the ansatz has no block for what it
    satisfies, so that the two are compared as functions: small networks of both kinds are refined,
    and put into all statements of the problem with the weights and points of the soft form.

    Only linear problems are tried, whose untrained networks tell, and only where a condition with
    derivatives meets one that is hard. Where the trial would take more than 0.15 of the seconds
    left, the conditions are hard.
    """
    hard = chosen_hard(method, settings)
    open_still = settings.hard is None and method.tries_designs and problem.is_linear
    if not hard or not open_still or not has_flux(problem):
        return hard
    with given_up_after(SHARE * left):
        return _tried(problem, method, with_chunks(settings))
    logger.info("there is no time to compare hard and soft conditions: they are hard")
    return True


def _tried(problem: Problem, method: Method, settings: RunSettings) -> bool:
    compiled = compile_problem(problem, True)
    soft_ones = [b.name for b in compiled.blocks if not isinstance(b.region, Interior)]
    if not compiled.exact or not soft_ones:
        return True
    rigid = Designer(problem, compiled, method, settings)
    loose = replace(rigid, compiled=compile_problem(problem, False))
    judge = loose.trial(loose.open_designs(PARAMETERS // SMALL)[0], {})
    sizes = [min(_sizes(d, judge), default=math.inf) for d in (rigid, loose)]
    found = not BETTER * sizes[1] < sizes[0]
    if not found:
        logger.info(
            "conditions are soft: small networks leave a residual of %.1e with %s exact, and of "
            "%.1e without",
            sizes[0],
            ", ".join(compiled.exact),
            sizes[1],
        )
    return found


def has_flux(problem: Problem) -> bool:
    """Whether a condition on a boundary that has corners contains derivatives."""
    conditions = (s for s in problem.statements if s.kind not in ("equation", "initial"))
    return len(problem.coordinates) > 1 and any(
        jet != field(jet) for s in conditions for jet in jets(s.residual)
    )


def _sizes(designer: Designer, judge: Trial) -> Iterator[float]:
    """Residuals of small refined networks on the held-out points of another trial."""
    for design in designer.open_designs(PARAMETERS // SMALL):
        trial = designer.trial(design, {})
        for scale in FIRST_SCALES:
            refined = trial.refined(designer.build(replace(design, weight_scale=scale)))
            if refined is not None:
                yield judge.heldout_size(refined, refined.network)
