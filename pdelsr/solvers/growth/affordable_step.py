"""The next step of a search among untrained networks, and the growth of aligned ones.

It is the largest step that the time allows. All functions are pure functions of times, sizes and
limits, without a clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pdelsr.solvers.run.network_maker import Gains

GROWTH = 2.0  # largest factor on the parameters in one step
WIDENING = 1.5  # the same for aligned networks, unless it is the last growth
LEAST_GROWTH = 1.15  # smallest one that is worth a step
POWERS = (2.0, 3.0)  # of the parameters, with which the time of a refinement may grow
USUAL_POWER = 2.4  # as long as nothing is known
ALIGNMENT = 6.0  # times of a refinement: cost of an alignment and the next refinement
LEAST_ALIGNMENT = 2.0  # the same, for the shortest useful alignment
MARGIN = 1.1  # on predicted times
MORE_POINTS, FEWER_POINTS = 2.0, 0.3  # times the points of another network of the same size
LEAST_POINTS = 0.2  # the same at the end, when there is no time for more


class Kind(Enum):
    """The kind of a step."""

    GROW = "a larger untrained network"
    AGAIN = "another untrained network of the same size"
    ALIGN = "an alignment"
    STOP = "nothing"


@dataclass(frozen=True)
class Step:
    """The next step of a search.

    Args:
        kind: of the step.
        parameters: of the network.
        points: factor on the points per parameter of the last refinement.
        seconds: estimated time of the step.
    """

    kind: Kind
    parameters: int
    points: float = 1.0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind.value} with {self.parameters:,} parameters, about {self.seconds:.0f} s"


@dataclass(frozen=True)
class Situation:
    """The facts after a refinement of an untrained network, from which the next step follows.

    Args:
        parameters: m of the best network.
        most: parameters up to which limit and memory allow.
        seconds: of a refinement at m.
        power: of m, with which this time grows.
        left: seconds for further steps; infinite without a time limit.
        pays: whether the last growth gained as much as it has to, or there was none yet.
        enough: whether untrained networks represent the solution so well that alignment would add
            little.
        gains: of alignment and growth, if known.
        done: whether the residual is down to rounding, with nothing left to gain.
    """

    parameters: int
    most: int
    seconds: float
    power: float
    left: float
    pays: bool
    enough: bool
    done: bool
    gains: Gains | None = None

    def time_of(self, parameters: int | float) -> float:
        """Seconds that a refinement of a network of another size takes, with some margin."""
        return MARGIN * self.seconds * (parameters / self.parameters) ** self.power


def next_step(now: Situation) -> Step:
    """The largest step that fits.

    As long as growth pays, it is a larger network, by any factor up to 2, or a little more, that
    fits into limits and time. Without time for that, or when growth no longer pays, it is another
    network of the same size on as many points as there is time for, which may be better by chance.
    A solution that untrained networks do not represent is left to alignment. If alignment is known
    to gain more than the growth that there is time for, it comes earlier, and the last growth
    leaves time for it. Without a time limit only steps that pay are taken.
    """
    m = now.parameters
    if now.done:
        return Step(Kind.STOP, m)
    largest = min(_largest_factor(now) * m, now.most) if now.pays else 0.0
    target = _size_to_align(now) if now.pays else None
    if target == m:
        return Step(Kind.ALIGN, m)
    affordable = min(largest, target or _affordable(now))
    if affordable >= LEAST_GROWTH * m:
        return _growth(now, affordable)
    in_want_of_time = largest >= LEAST_GROWTH * m
    if not now.enough and not in_want_of_time:
        return Step(Kind.ALIGN, m)
    points = min(MORE_POINTS, now.left / now.time_of(m)) if now.seconds else MORE_POINTS
    if math.isinf(now.left) or points < LEAST_POINTS:
        return Step(Kind.STOP, m)
    return Step(Kind.AGAIN, m, points, points * now.time_of(m))


def wanted_step(now: Situation) -> Step | None:
    """The next step if there were no time limit; None if nothing would gain."""
    largest = min(GROWTH * now.parameters, now.most)
    if now.done or not now.pays or largest < LEAST_GROWTH * now.parameters:
        return None
    return _growth(now, largest)


def widening(seconds: int | float, power: int | float, left: int | float) -> float:
    """The factor on the parameters of an aligned network.

    It is 1.5 as long as that leaves time for another growth; otherwise the factor that takes all of
    the time, up to 2.

    Args:
        seconds: of the last iteration.
        power: of the parameters, with which these seconds grow.
        left: seconds until the end of the run.
    """
    if math.isinf(left) or not seconds:
        return WIDENING
    share = max(left, 0.0) / (MARGIN * seconds)
    if share >= WIDENING**power * (1 + LEAST_GROWTH**power):
        return WIDENING
    return min(share ** (1 / power), GROWTH)


def power_of(measured: Sequence[tuple[int, float]]) -> float:
    """The power of the parameters with which the times of refinements grow.

    Args:
        measured: parameters and seconds of refinements, in order of time.
    """
    least, most = POWERS
    if not measured:
        return USUAL_POWER
    m, seconds = measured[-1]
    others = [(n, s) for n, s in measured if n * LEAST_GROWTH < m and 0 < s < seconds]
    if not others:
        return USUAL_POWER
    n, s = others[-1]
    return min(max(math.log(seconds / s) / math.log(m / n), least), most)


def _size_to_align(now: Situation) -> int | float | None:
    """Parameters of the network to align; None if growth alone gains more.

    There is time for a last growth to that size and the alignment after it or, if that growth would
    be too small, for an alignment of the present network.
    """
    gains, m = now.gains, now.parameters
    if gains is None or now.enough or math.isinf(now.left):
        return None
    alone = gains.grown(min(_affordable(now), now.most) / m)
    aligned, share = min(_affordable(now, ALIGNMENT), now.most), 1.0
    if aligned < LEAST_GROWTH * m:
        aligned, share = m, min(now.left / (ALIGNMENT * now.time_of(m)), 1.0)
    worth_it = share * ALIGNMENT > LEAST_ALIGNMENT
    gain = gains.grown(aligned / m) * gains.alignment**share
    return aligned if worth_it and gain > alone else None


def _largest_factor(now: Situation) -> float:
    """2, or a little more if growth by 2 would leave too little time for another network."""
    alone = _affordable(now) / now.parameters
    most = GROWTH * (1 + FEWER_POINTS) ** (1 / now.power)
    return alone if GROWTH < alone < most else GROWTH


def _affordable(now: Situation, after: int | float = 0) -> float:
    """Parameters of a refinement that takes all the time left.

    Args:
        now: what is known.
        after: time for later work, in multiples of that refinement.
    """
    if now.seconds <= 0 or math.isinf(now.left):
        return math.inf
    share = max(now.left, 0.0) / (MARGIN * (1 + after) * now.seconds)
    return now.parameters * share ** (1 / now.power)


def _growth(now: Situation, parameters: int | float) -> Step:
    found = int(parameters)
    return Step(Kind.GROW, found, seconds=now.time_of(found))
