"""The choice of hard or soft conditions for a default network, if the user leaves it open."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import replace

from pdelsr.compile import Interior
from pdelsr.declare import Problem
from pdelsr.declare.expressions import field, jets
from pdelsr.resources.deadline import given_up_after
from pdelsr.solvers.design.trial import FEWER_PARAMETERS, FIRST_SCALES, PARAMETERS, Designer, Trial
from pdelsr.solvers.run.job import Job

logger: logging.Logger = logging.getLogger(__name__)

FORM_SHARE = 0.15  # of the time left, for the trial
BETTER = 3.0  # times the residual of soft conditions, above which hard ones are given up


def in_better_form(job: Job, left: float = math.inf) -> Job:
    """The job as it is, or with soft conditions if a trial favours them.

    An ansatz that satisfies one condition exactly may be unable to approach another one. If a side
    with given values meets one with a given flux, the slope of u = g + D N along the former is that
    of g, whatever N is; if the flux condition needs another slope, the error spreads from the
    corner. Then all conditions are better soft. The residual of the ansatz has no block for the
    conditions it satisfies, so the two forms are compared as functions: small networks of both
    kinds are refined, and put into all statements of the problem with the weights and points of the
    soft form.

    The trial needs a linear problem, because it uses untrained networks, and a condition with
    derivatives that meets a hard one. If it would take more than 0.15 of the seconds left, the
    conditions stay hard.

    Args:
        job: without a user's choice of the form.
        left: seconds until the time limit.
    """
    if not can_disagree(job):
        return job
    with given_up_after(FORM_SHARE * left):
        return _better(job, job.soft)
    logger.info("there is no time to compare hard and soft conditions: they are hard")
    return job


def can_disagree(job: Job) -> bool:
    """Whether a hard condition may spoil another one, and small networks can show it."""
    tells = job.method.tries_designs and job.problem.is_linear
    some_hard = job.hard and bool(job.compiled.exact)
    some_soft = any(not isinstance(b.region, Interior) for b in job.compiled.blocks)
    return tells and some_hard and some_soft and has_flux(job.problem)


def _better(hard: Job, soft: Job) -> Job:
    """The one of two jobs whose small refined networks leave the smaller residual."""
    rigid, loose = Designer(hard), Designer(soft)
    judge = loose.trial(loose.open_designs(PARAMETERS // FEWER_PARAMETERS)[0], {})
    sizes = [min(_sizes(d, judge), default=math.inf) for d in (rigid, loose)]
    if not BETTER * sizes[1] < sizes[0]:
        return hard
    logger.info(
        "conditions are soft: small networks leave a residual of %.1e with %s exact, and of "
        "%.1e without",
        sizes[0],
        ", ".join(hard.compiled.exact),
        sizes[1],
    )
    return soft


def has_flux(problem: Problem) -> bool:
    """Whether a condition on a boundary with corners contains derivatives."""
    conditions = (s for s in problem.statements if s.kind not in ("equation", "initial"))
    return len(problem.coordinates) > 1 and any(
        jet != field(jet) for s in conditions for jet in jets(s.residual)
    )


def _sizes(designer: Designer, judge: Trial) -> Iterator[float]:
    """Residuals of small refined networks on the held-out points of another trial."""
    for design in designer.open_designs(PARAMETERS // FEWER_PARAMETERS):
        trial = designer.trial(design, {})
        for scale in FIRST_SCALES:
            refined = trial.refined(designer.build(replace(design, weight_scale=scale)))
            if refined is not None:
                yield judge.heldout_size(refined, refined.network)
