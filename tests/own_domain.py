"""A domain written as a user would: the sector of a ring, bounded by two arcs and two rays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

import pdelsr as pl

X, Y = pl.coordinates("x y")


def polar(radius: Any, angle: Any) -> np.ndarray:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


@dataclass(frozen=True)
class Sector(pl.Domain):
    """inner <= r <= outer and 0 <= angle <= opening, which is at most π."""

    coordinates: tuple[sp.Symbol, ...] = (X, Y)
    inner: float = 1.0
    outer: float = 2.0
    opening: float = 2.0

    @property
    def title(self) -> str:
        return f"Sector of radii {self.inner:g} and {self.outer:g}"

    @property
    def bounding_box(self) -> np.ndarray:
        left = min(self.inner * np.cos(self.opening), self.outer * np.cos(self.opening))
        top = self.outer * np.sin(min(self.opening, np.pi / 2))
        return np.array([[left, self.outer], [0.0, top]])

    @property
    def measure(self) -> float:
        return self.opening / 2 * (self.outer**2 - self.inner**2)

    @property
    def parts(self) -> tuple[pl.Part, ...]:
        arcs = Arc("inner", self, self.inner, -1), Arc("outer", self, self.outer, 1)
        return (*arcs, Ray("start", self, 0.0, -1), Ray("end", self, self.opening, 1))

    def contains(self, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        radius, angle = np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0])
        ring = (radius >= self.inner - tolerance) & (radius <= self.outer + tolerance)
        slack = tolerance / np.maximum(radius, self.inner)
        return ring & (angle >= -slack) & (angle <= self.opening + slack)


@dataclass(frozen=True)
class Arc(pl.Part):
    """r = radius."""

    sector: Sector
    radius: float
    sign: int
    unit_dim = 1

    @property
    def measure(self) -> float:
        return self.sector.opening * self.radius

    def place(self, unit: np.ndarray) -> pl.Placement:
        points = polar(self.radius, self.sector.opening * unit[:, 0])
        return pl.Placement(points, np.ones(len(unit), dtype=bool))

    def normals(self, points: np.ndarray) -> np.ndarray:
        return self.sign * points / np.linalg.norm(points, axis=1, keepdims=True)

    def contains(self, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        near = np.abs(np.hypot(*points.T) - self.radius) <= tolerance
        return near & self.sector.contains(points, tolerance)


@dataclass(frozen=True)
class Ray(pl.Part):
    """A straight side at one angle."""

    sector: Sector
    angle: float
    sign: int
    unit_dim = 1

    @property
    def measure(self) -> float:
        return self.sector.outer - self.sector.inner

    @property
    def across(self) -> np.ndarray:
        return np.array([-np.sin(self.angle), np.cos(self.angle)])

    def place(self, unit: np.ndarray) -> pl.Placement:
        points = polar(self.sector.inner + self.measure * unit[:, 0], self.angle)
        return pl.Placement(points, np.ones(len(unit), dtype=bool))

    def normals(self, points: np.ndarray) -> np.ndarray:
        return np.tile(self.sign * self.across, (len(points), 1))

    def contains(self, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        near = np.abs(points @ self.across) <= tolerance
        return near & self.sector.contains(points, tolerance)
