"""Samplers of random input functions, for problems that are posed for many of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from pdelsr.declare.input_samples import (
    ChebyshevField,
    ChebyshevInterpolant,
    FourierSeries,
    Given,
    InputSample,
    PiecewiseLinear,
    Spline,
)
from pdelsr.errors import ProblemError, described
from pdelsr.reference.chebyshev import chebyshev_nodes
from pdelsr.reference.checks import require_count, require_interval, require_positive
from pdelsr.sample.samplers import Seed, fresh

if TYPE_CHECKING:
    Transform: TypeAlias = Callable[[np.ndarray], np.ndarray] | None
    Draw: TypeAlias = Callable[[np.random.Generator], Callable[..., np.ndarray]]
    Pair: TypeAlias = tuple[int | float, int | float]
    Box: TypeAlias = Pair | Sequence[Pair]
else:
    Transform = Draw = Box = object  # checked by the samplers, in the words of the user

REACH = 6  # length scales beyond which the smoothing kernel exp(-z²) is below rounding
SPACING = 1 / 3  # of white noise, in length scales: aliasing is then below 1e-19


class FunctionSampler(ABC):
    """A source of input functions for a problem."""

    def sample(self, n: int, seed: Seed = 0) -> list[InputSample]:
        """Input functions; a smaller n gives the first ones of a larger n.

        Args:
            n: number of functions, at least one.
            seed: equal seeds give equal functions.

        Raises:
            ProblemError: n is less than one, or exceeds the number of functions.
        """
        count = require_count(n, f"{type(self).__name__}: n", 1)
        return list(self._draw(count, fresh(seed)))

    @abstractmethod
    def _draw(self, n: int, seed: np.random.SeedSequence) -> Iterable[InputSample]:
        """The first n functions of this seed."""


@dataclass(frozen=True, eq=False)
class GaussianProcess(FunctionSampler):
    """Zero mean and the covariance of a Gaussian (radial basis function) kernel.

        cov(a(x), a(y)) = variance · exp(-|x - y|² / (2 length_scale²))

    Values at nodes are white noise smoothed by exp(-(x - ξ)² / length_scale²), which has this
    covariance up to rounding. The square root of the covariance matrix, by its eigenvalues, would
    leave noise of 1e-8, the root of rounding, in all directions.

    Args:
        length_scale: of the kernel.
        variance: of every value.
        interval: (low, high) of x, or one such pair for each coordinate of a function of several:
            ((0, 1), (0, 1)) for a field on the unit square.
        nodes: None for smooth functions: polynomials through 6 (high - low) / length_scale + 24
            Chebyshev nodes a coordinate, which resolve the process to 1e-13. A number for functions
            of one coordinate that are linear between that many equidistant nodes: 512 in Wang, Wang
            and Perdikaris (2021).
        transform: of the values at the nodes, (p,) to (p,), such as v - v.min() + 1 for a
            velocity; of several coordinates (p, q, ...). To work in other processes it must be
            picklable: a function of a module, not a lambda.

    Raises:
        ProblemError: a number is not positive, an interval is empty, there are fewer than two
            nodes, or there are nodes and several coordinates.

    Source: Wang, Wang and Perdikaris (2021), Science Advances 7, eabi8605.

    Example:
        >>> import numpy as np
        >>> first, second = GaussianProcess(length_scale=0.2).sample(2, seed=0)
        >>> first(np.linspace(0, 1, 5)).shape
        (5,)
    """

    length_scale: int | float = 0.2
    variance: int | float = 1.0
    interval: Box = (0, 1)
    nodes: int | None = None
    transform: Transform = None

    def __post_init__(self) -> None:
        require_positive(self.length_scale, "GaussianProcess: length_scale")
        require_positive(self.variance, "GaussianProcess: variance")
        for pair in self.box:
            require_interval(pair, "GaussianProcess: interval")
        if self.nodes is not None:
            require_count(self.nodes, "GaussianProcess: nodes", 2)
            if len(self.box) > 1:
                raise ProblemError(
                    f"GaussianProcess: nodes = {self.nodes} are for functions of one coordinate, "
                    f"and there are {len(self.box)}: leave them out."
                )
        if self.transform is not None and not callable(self.transform):
            raise ProblemError(
                f"GaussianProcess: transform = {self.transform!r}; expected None or a function."
            )

    @cached_property
    def box(self) -> tuple[Any, ...]:
        """(low, high) of every coordinate."""
        given: Any = self.interval
        several = isinstance(given, Sequence) and given and isinstance(given[0], Sequence)
        return tuple(given) if several else (given,)

    @cached_property
    def places(self) -> tuple[Float[np.ndarray, " p"], ...]:
        """The nodes along every coordinate."""
        if self.nodes is not None:
            low, high = self.box[0]
            return (np.linspace(low, high, self.nodes),)
        counts = (int(np.ceil(6 * (high - low) / self.length_scale)) + 24 for low, high in self.box)
        pairs = zip(self.box, counts, strict=True)
        return tuple(chebyshev_nodes(low, high, count) for (low, high), count in pairs)

    @cached_property
    def smoothing(self) -> tuple[Float[np.ndarray, "p w"], ...]:
        """The matrices from independent normal numbers to values, one for every coordinate."""
        found = []
        for (low, high), places in zip(self.box, self.places, strict=True):
            count = int(np.ceil(((high - low) / self.length_scale + 2 * REACH) / SPACING)) + 1
            centres = (np.arange(count) - (count - 1) / 2) * SPACING
            distance = (places - (low + high) / 2)[:, None] / self.length_scale - centres
            variance = self.variance if not found else 1.0
            scale = np.sqrt(variance * SPACING * np.sqrt(2 / np.pi))
            found.append(scale * np.exp(-(distance**2)))
        return tuple(found)

    def _draw(self, n: int, seed: np.random.SeedSequence) -> Iterable[InputSample]:
        box = tuple((float(low), float(high)) for low, high in self.box)
        rng = np.random.default_rng(seed)
        for _ in range(n):
            values = rng.standard_normal([S.shape[1] for S in self.smoothing])
            for axis, S in enumerate(self.smoothing):
                values = np.moveaxis(np.tensordot(S, values, axes=(1, axis)), 0, axis)
            values = self._transformed(values)
            if self.nodes is not None:
                yield PiecewiseLinear(self.places[0], values)
            elif len(box) == 1:
                yield ChebyshevInterpolant(box[0], values)
            else:
                yield ChebyshevField(box, values)

    def _transformed(self, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        if self.transform is None:
            return values
        found = np.asarray(self.transform(values), dtype=float)
        if found.shape != values.shape or not np.isfinite(found).all():
            raise ProblemError(
                f"GaussianProcess: transform gave an array of shape {found.shape}, or values that "
                f"are not finite; expected {values.shape} finite values, one a node."
            )
        return found


@dataclass(frozen=True)
class PeriodicField(FunctionSampler):
    """The periodic Gaussian field N(0, σ² (-Δ + τ² I)^(-γ)) without its mean.

    The coefficients of cos(2πkx/L) and sin(2πkx/L), k = 1 .. modes - 1, are independent with
    standard deviation

        sqrt(2/L) σ ((2πk/L)² + τ²)^(-γ/2).

    Args:
        sigma: σ, positive.
        tau: τ, positive.
        gamma: γ, positive.
        interval: the period (low, high), L = high - low.
        modes: wave numbers kept, including the mean.

    Raises:
        ProblemError: a number is not positive, the interval is empty, or there are fewer than two
            modes.

    Source: Li et al. (2021), Fourier Neural Operator, section 5 and appendix A.3.
    """

    sigma: int | float
    tau: int | float
    gamma: int | float
    interval: tuple[int | float, int | float] = (0, 1)
    modes: int = 64

    def __post_init__(self) -> None:
        for name in ("sigma", "tau", "gamma"):
            require_positive(getattr(self, name), f"PeriodicField: {name}")
        require_interval(self.interval, "PeriodicField: interval")
        require_count(self.modes, "PeriodicField: modes", 2)

    @property
    def deviations(self) -> Float[np.ndarray, " m"]:
        """Standard deviations of the coefficients for k = 1 .. modes - 1."""
        length = self.interval[1] - self.interval[0]
        squares = (2 * np.pi * np.arange(1, self.modes) / length) ** 2 + self.tau**2
        return np.sqrt(2 / length) * self.sigma * squares ** (-self.gamma / 2)

    def _draw(self, n: int, seed: np.random.SeedSequence) -> Iterable[InputSample]:
        low, high = map(float, self.interval)
        rng, deviations = np.random.default_rng(seed), self.deviations
        for _ in range(n):
            cosine, sine = deviations * rng.standard_normal((2, self.modes - 1))
            yield FourierSeries((low, high), cosine, sine)


class Tabulated(FunctionSampler):
    """The user's own functions, given by values at sensors and taken in order.

    Between the sensors they are cubic splines.

    Args:
        x: sensors, (s,), increasing.
        values: (n, s), one function per row.

    Raises:
        ProblemError: shapes do not fit, a value is not finite, or sensors do not increase.
    """

    x: Float[np.ndarray, " s"]
    values: Float[np.ndarray, "n s"]

    def __init__(self, x: ArrayLike, values: ArrayLike) -> None:
        self.x, self.values = require_table(x, values)

    def _draw(self, n: int, seed: np.random.SeedSequence) -> Iterable[InputSample]:
        if n > len(self.values):
            raise ProblemError(
                f"Tabulated: {n} functions were asked for, and {len(self.values)} are given: ask "
                f"for fewer, or give more rows of values."
            )
        return (Spline(self.x, row) for row in self.values[:n])


def tabulated(x: ArrayLike, values: ArrayLike) -> InputSample:
    """One input function from its values at sensors, a cubic spline between them.

    Args:
        x: sensors, (s,), increasing.
        values: (s,).

    Raises:
        ProblemError: as `Tabulated`.
    """
    return Tabulated(x, np.asarray(values)[None]).sample(1)[0]


@dataclass(frozen=True)
class Drawn(FunctionSampler):
    """Functions drawn by the user's code.

    Args:
        draw: makes a function of numpy arrays, one a coordinate, from a numpy generator. Each
            function gets its own generator.

    Raises:
        ProblemError: draw, or its result, is no function.

    Example:
        >>> import numpy as np
        >>> def draw(generator):
        ...     c = generator.uniform(1, 2)
        ...     return lambda x: np.sin(c * x)
        >>> [f(np.array([0.0])).item() for f in Drawn(draw).sample(2)]
        [0.0, 0.0]
    """

    draw: Draw

    def __post_init__(self) -> None:
        if not callable(self.draw):
            raise ProblemError(f"Drawn: draw = {self.draw!r}; expected a function of a generator.")

    def _draw(self, n: int, seed: np.random.SeedSequence) -> Iterable[InputSample]:
        for child in seed.spawn(n):
            try:
                function = self.draw(np.random.default_rng(child))
            except Exception as error:  # anything a user's function raises
                raise ProblemError(
                    f"Drawn: draw(generator) fails with {described(error)}."
                ) from error
            if not callable(function):
                raise ProblemError(f"Drawn: draw gave {function!r}; expected a function of x.")
            yield function if isinstance(function, InputSample) else Given(function)


def require_table(
    x: ArrayLike, values: ArrayLike
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, "n s"]]:
    """Sensors and values as arrays of numbers."""
    try:
        sensors, rows = np.array(x, dtype=float), np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ProblemError(f"Tabulated: expected arrays of numbers, got {error}.") from None
    if sensors.ndim != 1 or len(sensors) < 2 or rows.shape != (*rows.shape[:1], len(sensors)):
        raise ProblemError(
            f"Tabulated: x has shape {sensors.shape} and values {rows.shape}; expected (s,) with "
            f"s >= 2, and (n, s), one function a row."
        )
    if not (np.isfinite(sensors).all() and np.isfinite(rows).all()):
        raise ProblemError("Tabulated: x or values contain NaN or inf; expected finite numbers.")
    if (np.diff(sensors) <= 0).any():
        i = int(np.argmax(np.diff(sensors) <= 0))
        raise ProblemError(
            f"Tabulated: x[{i}] = {sensors[i]:g} is followed by {sensors[i + 1]:g}; expected "
            f"increasing sensors. Sort x, and the columns of values with it."
        )
    return sensors, rows
