"""What a search among untrained networks does next, and by how much aligned ones grow.

The largest step that the time allows. Pure functions of times, sizes and limits, without a clock.
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
POWERS = (2.0, 3.0)  # of the parameters, that the time of a refinement may grow with
USUAL_POWER = 2.4  # as long as nothing is known
ALIGNMENT = 6.0  # times of a refinement that an alignment and the next refinement take
LEAST_ALIGNMENT = 2.0  # the same, of one that is worth it
MARGIN = 1.1  # on predicted times
MORE_POINTS, FEWER_POINTS = 2.0, 0.3  # times the points of another network of the same size
LEAST_POINTS = 0.2  # the same at the end, where there is no time for more


class Kind(Enum):
    """Of a step."""

    GROW = "a larger untrained network"
    AGAIN = "another untrained network of the same size"
    ALIGN = "an alignment"
    STOP = "nothing"


@dataclass(frozen=True)
class Step:
    """What is done next.

    Args:
        kind: of the step.
        parameters: of the network.
        points: times those that the last refinement had for each parameter.
        seconds: that the step takes, about.
    """

    kind: Kind
    parameters: int
    points: float = 1.0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind.value} with {self.parameters:,} parameters, about {self.seconds:.0f} s"


@dataclass(frozen=True)
class Situation:
    """What is known after a refinement of an untrained network.

    Args:
        parameters: m of the best network.
        most: parameters up to which limit and memory allow.
        seconds: that a refinement at m takes.
        power: of m that this time grows with.
        left: seconds for further steps; infinite without a time limit.
        pays: whether the last growth gained as much as growth has to, or there was none yet.
        enough: whether untrained networks hold the solution to so many digits that alignment would
            add little.
        gains: of an alignment and of growth, as far as they are known.
        done: whether the residual is down to rounding, so that nothing is left to gain.
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

    A larger network as long as that pays, by any factor up to 2, or a little more, that fits into
    limits and time. Without the time for it, or where it pays no more, another network of the same
    size on as many points as there is time for, which may be better by chance. A solution that
    untrained networks do not hold is left to alignment; where that is known to gain more than the
    growth that there is time for, this comes earlier, and the last growth leaves time for it.
    Without a time limit only what pays is done.
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
    """What would come next if there were no time limit; None where nothing would gain."""
    largest = min(GROWTH * now.parameters, now.most)
    if now.done or not now.pays or largest < LEAST_GROWTH * now.parameters:
        return None
    return _growth(now, largest)


def widening(seconds: int | float, power: int | float, left: int | float) -> float:
    """The factor on the parameters of an aligned network.

    1.5 as long as there is time for another growth after that one; else what takes all of the time,
    up to 2.

    Args:
        seconds: of the last iteration.
        power: of the parameters that these grow with.
        left: until the end of the run.
    """
    if math.isinf(left) or not seconds:
        return WIDENING
    share = max(left, 0.0) / (MARGIN * seconds)
    if share >= WIDENING**power * (1 + LEAST_GROWTH**power):
        return WIDENING
    return min(share ** (1 / power), GROWTH)


def power_of(measured: Sequence[tuple[int, float]]) -> float:
    """By which power of the parameters the times of refinements grow.

    Args:
        measured: parameters and seconds of refinements, the last ones at the end.
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
    """Parameters of the network that is to be aligned; None where growth alone gains more.

    There is time for a last growth to that size and the alignment after it, or, where that would be
    no growth worth a step, for an alignment of the present network.
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
    """2, or a little more where that growth would leave too little time for another network."""
    alone = _affordable(now) / now.parameters
    most = GROWTH * (1 + FEWER_POINTS) ** (1 / now.power)
    return alone if GROWTH < alone < most else GROWTH


def _affordable(now: Situation, after: int | float = 0) -> float:
    """Parameters of a refinement that takes all the time left.

    Args:
        now: what is known.
        after: times of that refinement, for what is to follow.
    """
    if now.seconds <= 0 or math.isinf(now.left):
        return math.inf
    share = max(now.left, 0.0) / (MARGIN * (1 + after) * now.seconds)
    return now.parameters * share ** (1 / now.power)


def _growth(now: Situation, parameters: int | float) -> Step:
    found = int(parameters)
    return Step(Kind.GROW, found, seconds=now.time_of(found))
