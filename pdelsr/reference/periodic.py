"""Marches of several periodic fields from given initial values, by Fourier series and ETDRK4."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike

from pdelsr.errors import ProblemError
from pdelsr.reference.checks import (
    Function,
    require_count,
    require_interval,
    require_points,
    require_positive,
    require_within,
    values_of,
)
from pdelsr.reference.dense import Panel, panel_lengths
from pdelsr.reference.fourier import Fourier
from pdelsr.reference.march import along_panels, march
from pdelsr.reference.resolution import (
    amplitude,
    require_finite,
    require_modes,
    require_panels,
    require_steps,
)

LEAST_SIZE = 1e-4  # of the largest field, by which smaller ones are judged: they have its rounding
HALVINGS = 5  # of the first panel, in which the high modes of the initial values decay
MOST_DOUBLED = 16  # times the given steps


@dataclass(frozen=True, eq=False)
class PeriodicMarch(ABC):
    """Fields on a period in x, from initial values, refused where they are not resolved.

    Args:
        start: initial values, one function for each field.
        x: the period (low, high).
        time: final time.
        modes: wave numbers kept.
        steps: least number of time steps.
        panels: of time, for the dense output.
    """

    title: ClassVar[str]

    start: Sequence[Function]
    x: tuple[float, float]
    time: float
    modes: int
    steps: int
    panels: int

    @abstractmethod
    def linear(self, space: Fourier) -> Complex[np.ndarray, "k m"]:
        """The linear part, diagonal in the coefficients of each field."""

    @abstractmethod
    def nonlinear(
        self, space: Fourier, v: Complex[np.ndarray, "k m"]
    ) -> Complex[np.ndarray, "k m"]:
        """The nonlinear part."""

    def __call__(self, points: ArrayLike) -> Float[np.ndarray, "n ..."]:
        rows = require_points(points, self.title, 2)
        t = require_within(rows[:, 1], 0.0, self.time, self.title, "t")
        found = [along_panels(panels, rows[:, 0], t, self._evaluate) for panels in self.solution]
        return found[0] if len(found) == 1 else np.stack(found, axis=1)

    def doubled(self) -> PeriodicMarch:
        """The same reference at doubled resolution, to check this one against."""
        return replace(self, modes=2 * self.modes, steps=2 * self.steps, panels=2 * self.panels)

    @cached_property
    def solution(self) -> tuple[tuple[Panel, ...], ...]:
        """Panels of the Fourier coefficients of each field."""
        with np.errstate(over="ignore", invalid="ignore"):  # a blow-up is refused in words
            fields = self._in_time(self._march(self.steps // 2), self.steps)
        for together in zip(*fields, strict=True):  # the fields at the same times
            for panel, size in zip(together, _sizes([amplitude(p) for p in together]), strict=True):
                require_modes(panel, self.modes, self.title, size)
                require_panels(panel, self.panels, self.title, size)
        return tuple(tuple(panel.trimmed() for panel in panels) for panels in fields)

    def _in_time(
        self, coarse: tuple[tuple[Panel, ...], ...], steps: int
    ) -> tuple[tuple[Panel, ...], ...]:
        """The march in `steps` steps, doubled until half of them would almost suffice."""
        fine = self._march(steps)
        try:
            for panel in (panel for panels in fine for panel in panels):
                require_finite(panel, steps, self.title)
            sizes = _sizes([min(map(amplitude, panels)) for panels in fine])
            for before, now, size in zip(coarse, fine, sizes, strict=True):
                require_steps(before, now, steps, self.title, size)
        except ProblemError:
            if steps >= MOST_DOUBLED * self.steps:
                raise
            return self._in_time(fine, 2 * steps)
        return fine

    def _march(self, steps: int) -> tuple[tuple[Panel, ...], ...]:
        space, k = Fourier(self.x, self.modes), len(self.start)
        values = [values_of(a, f"{self.title}: an initial value", space.grid) for a in self.start]

        def N(v: Complex[np.ndarray, " km"], t: float) -> Complex[np.ndarray, " km"]:
            return self.nonlinear(space, v.reshape(k, -1)).ravel()

        lengths = panel_lengths(self.time, self.panels, HALVINGS)
        first = space.transform(np.stack(values)).ravel()
        marched = march(first, self.linear(space).ravel(), N, lengths, steps)
        return tuple(
            tuple(Panel(p.start, p.length, np.split(p.coefficients, k, axis=1)[i]) for p in marched)
            for i in range(k)
        )

    def _evaluate(
        self, panel: Panel, x: Float[np.ndarray, " n"], t: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        low, high = self.x
        return panel(2 * np.pi * (x - low) / (high - low), t)


def _sizes(amplitudes: Sequence[float]) -> list[float]:
    """The sizes that errors of each field are compared with."""
    return [max(own, LEAST_SIZE * max(amplitudes)) for own in amplitudes]


def march_settings(
    title: str,
    x: tuple[int | float, int | float],
    time: int | float,
    modes: int,
    steps: int,
    panels: int,
) -> tuple[tuple[float, float], float, int, int, int]:
    """The same settings of a `PeriodicMarch`, or a refusal.

    Raises:
        ProblemError: the period is empty, the time is not positive, or a count is too small.
    """
    return (
        require_interval(x, f"{title}: x"),
        require_positive(time, f"{title}: time"),
        require_count(modes, f"{title}: modes", 4),
        require_count(steps, f"{title}: steps", 2),
        require_count(panels, f"{title}: panels", 1),
    )
