"""Samplers: ways to fill the unit cube with points, and the user's own points.

The keyword of the scipy engines is `seed` up to scipy 1.14, and later `rng` with `seed` still
accepted: hence the notes to pyright.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
import scipy
from jaxtyping import Float

from pdelsr.declare.sampler import Sampler
from pdelsr.declare.sobol import sobol
from pdelsr.errors import PdelsrError, ProblemError, described

PANEL = 32  # nodes of one Gauss rule; finding more costs the cube of their number
Seed: TypeAlias = int | np.random.SeedSequence
"""A seed, or an independent sub-stream spawned from one."""

if TYPE_CHECKING:
    UserArray: TypeAlias = Float[np.ndarray, "n d"]
else:
    UserArray = object  # checked by Points itself, with messages for the user


def fresh(seed: Seed) -> np.random.SeedSequence:
    """The seed as a fresh sequence, because spawning from a sequence changes its state."""
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return np.random.SeedSequence(root.entropy, spawn_key=root.spawn_key)


class UnitSampler(Sampler):
    """A rule that fills the unit cube; domains and boundary parts map its points.

    A sampler of your own is a frozen dataclass that defines `fill`.

    Attributes:
        exact: Whether `fill` gives exactly n points, all of the same weight. A rule that gives
            about n, such as a grid, or has its own weights by `quadrature`, sets it to False.

    Example:
        >>> import pdelsr as pl
        >>> class Clustered(pl.UnitSampler):
        ...     def fill(self, n, dim, rng):
        ...         return rng.beta(0.5, 0.5, (n, dim))
        >>> Clustered().unit(5, 2, seed=1).shape
        (5, 2)
    """

    exact: ClassVar[bool] = True

    @abstractmethod
    def fill(self, n: int, dim: int, rng: np.random.Generator) -> Float[np.ndarray, "k {dim}"]:
        """The points of the unit cube, (n, dim).

        Args:
            n: Number of points, at least one.
            dim: Dimension, at least one.
            rng: Generator of this seed; draws from it alone are reproducible.
        """

    def unit(self, n: int, dim: int, seed: Seed = 0) -> Float[np.ndarray, "k {dim}"]:
        """Points of the unit cube.

        Args:
            n: Number of points, at least one.
            dim: Dimension; in dimension zero all points are the same empty row.
            seed: Equal seeds give equal points.

        Returns:
            Points, (n, dim); a grid returns about n.

        Raises:
            ProblemError: n is less than one, or `fill` gives anything but such points.
        """
        name = type(self).__name__
        if n < 1:
            raise ProblemError(f"{name}: got {n} points, expected at least one")
        if dim == 0:
            return np.zeros((n, 0))
        what = f"{name}: fill({n}, {dim}, rng)"
        try:
            points = self.fill(n, dim, np.random.default_rng(fresh(seed)))
        except (PdelsrError, MemoryError):
            raise
        except Exception as error:  # anything a user's sampler raises
            raise ProblemError(f"{what} fails with {described(error)}") from error
        require_unit_points(points, n if self.exact else None, dim, what)
        return points

    def quadrature(self, n: int, dim: int) -> Float[np.ndarray, " k"]:
        """Weights of the points of `unit` for n: positive, with sum 1.

        Used only if `exact` is False.
        """
        count = len(self.unit(n, dim))
        return np.full(count, 1 / count)

    def repeats(self, dim: int) -> bool:
        """Whether all seeds give the same points, so that none can be held out."""
        return not self.exact or np.array_equal(self.unit(8, dim, 0), self.unit(8, dim, 1))


def require_unit_points(points: Any, n: int | None, dim: int, what: str) -> None:
    """Refuse anything but points of the unit cube, n of them if n is known.

    Raises:
        ProblemError: the message says what was given, and what was expected.
    """
    wanted = f"({'k' if n is None else n}, {dim})"
    if not isinstance(points, np.ndarray) or points.dtype.kind != "f":
        kind = points.dtype if isinstance(points, np.ndarray) else type(points).__name__
        raise ProblemError(f"{what} returned {kind}; expected a numpy array of numbers, {wanted}")
    right = points.ndim == 2 and points.shape[1] == dim and len(points) > 0
    if not right or n not in (None, len(points)):
        more = "" if n is None or not right else "; a rule that gives about n sets exact = False"
        raise ProblemError(f"{what} returned shape {points.shape}; expected {wanted}{more}")
    bad = np.flatnonzero(~((points >= 0) & (points <= 1)).all(axis=1))
    if bad.size:
        raise ProblemError(
            f"{what} gave point {bad[0]} at {points[bad[0]].tolist()}; expected points of the unit "
            "cube, each coordinate from 0 to 1, which domains map"
        )


@dataclass(frozen=True)
class Uniform(UnitSampler):
    """Independent uniform points."""

    def fill(self, n: int, dim: int, rng: np.random.Generator) -> Float[np.ndarray, "k {dim}"]:
        return rng.random((n, dim))


@dataclass(frozen=True)
class LatinHypercube(UnitSampler):
    """Random points, one in each of n slices of every coordinate (McKay et al. 1979)."""

    def fill(self, n: int, dim: int, rng: np.random.Generator) -> Float[np.ndarray, "k {dim}"]:
        return scipy.stats.qmc.LatinHypercube(dim, seed=rng).random(n)  # pyright: ignore


@dataclass(frozen=True)
class Sobol(UnitSampler):
    """The first n points of a scrambled Sobol sequence (Owen 1998).

    Note that a sequence must never be strided: every fourth point fills a quarter of the square.
    """

    def fill(self, n: int, dim: int, rng: np.random.Generator) -> Float[np.ndarray, "k {dim}"]:
        return sobol(n, dim, rng)


@dataclass(frozen=True)
class Halton(UnitSampler):
    """The first n points of a scrambled Halton sequence (Owen 2017)."""

    def fill(self, n: int, dim: int, rng: np.random.Generator) -> Float[np.ndarray, "k {dim}"]:
        return scipy.stats.qmc.Halton(dim, seed=rng).random(n)  # pyright: ignore


class TensorRule(UnitSampler):
    """Equally many nodes along each coordinate, about n points in all, with product weights.

    A rule of your own is a frozen dataclass that defines `rule`.
    """

    exact: ClassVar[bool] = False

    def quadrature(self, n: int, dim: int) -> Float[np.ndarray, " k"]:
        if dim == 0:
            return super().quadrature(n, dim)
        _, weights = self._axis(n, dim)
        return _tensor([weights] * dim).prod(axis=1)

    def fill(self, n: int, dim: int, rng: np.random.Generator) -> Float[np.ndarray, "k {dim}"]:
        nodes, _ = self._axis(n, dim)
        return _tensor([nodes] * dim)

    def _axis(
        self, n: int, dim: int
    ) -> tuple[Float[np.ndarray, " count"], Float[np.ndarray, " count"]]:
        """Nodes along one coordinate for about n points in all, and their weights."""
        return self.rule(round(n ** (1 / dim)))

    @abstractmethod
    def rule(self, count: int) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        """About `count` nodes on the unit interval, and their weights, of sum 1."""


@dataclass(frozen=True)
class Grid(TensorRule):
    """A tensor grid of about n points, equally many along each coordinate.

    Args:
        endpoints: Put the outermost points on the boundary of the cube, with the weights of the
            trapezoidal rule; otherwise they lie in the middle of equal cells.
    """

    endpoints: bool = False

    def rule(self, count: int) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        if not self.endpoints:
            count = max(count, 1)
            return (np.arange(count) + 0.5) / count, np.full(count, 1 / count)
        count = max(count, 2)
        weights = np.full(count, 1 / (count - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, count), weights


@dataclass(frozen=True)
class GaussLegendre(TensorRule):
    """A tensor grid of about n Gauss–Legendre nodes.

    Its weights integrate polynomials of degree 2k − 1 exactly, for k nodes along a coordinate.
    More than 32 nodes are split into equal panels of at most 32.
    """

    def rule(self, count: int) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        panels = -(-max(count, 1) // PANEL)
        nodes, weights = np.polynomial.legendre.leggauss(max(round(count / panels), 1))
        starts = np.arange(panels)[:, None]
        along = (starts + (1 + nodes) / 2).ravel() / panels
        return along, np.tile(weights / 2, panels) / panels


def _tensor(axes: list[np.ndarray]) -> Float[np.ndarray, "k d"]:
    """All combinations of the entries of the axes, one per row."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


@dataclass(frozen=True, eq=False)
class Points(Sampler):
    """The user's own points, in the coordinates of the domain.

    Args:
        points: Array (n, d), one column per coordinate, time last.

    Raises:
        ProblemError: The array is not two-dimensional, is empty, or holds NaN or inf.

    Example:
        >>> Points([(0.0, 0.5), (1.0, 0.5)]).points.shape
        (2, 2)
    """

    points: UserArray

    def __post_init__(self) -> None:
        try:
            points = np.array(self.points, dtype=float)
        except (TypeError, ValueError) as error:
            raise ProblemError(f"Points: expected an array of numbers, got {error}") from None
        if points.ndim != 2 or points.size == 0:
            raise ProblemError(
                f"Points: got an array of shape {points.shape}, expected (n, d): one row a point, "
                "one column a coordinate"
            )
        bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
        if bad.size:
            raise ProblemError(
                f"Points: point {bad[0]} is {points[bad[0]]}, expected finite numbers"
            )
        object.__setattr__(self, "points", points)
