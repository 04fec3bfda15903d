"""Domains of a user's own: they work as the built-in ones do, and mistakes are told in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy as sp
from own_domain import Arc, Sector, X, Y, polar

import pdelsr as pl
from pdelsr.declare.domains.contract import require_contract
from pdelsr.errors import ProblemError

T = pl.coordinates("t")
U, V = pl.unknown("u", X, Y), pl.unknown("v", X, T)
HARMONIC = sp.log(X**2 + Y**2) + X * Y
ALL = np.ones(1, dtype=bool)


def laplace(domain: pl.Domain, **more: Any) -> pl.Problem:
    equation = U.diff(X, 2) + U.diff(Y, 2)
    conditions = [pl.Dirichlet(U, HARMONIC)]
    return pl.Problem("laplace", domain, [equation], conditions, reference=HARMONIC, **more)


def sector(**changed: Any) -> pl.Domain:
    """A sector of which something is written otherwise."""
    return type("Sector", (Sector,), changed)()


def with_arc(**changed: Any) -> pl.Domain:
    """A sector whose outer arc is written otherwise."""
    arc = type("Arc", (Arc,), changed)

    def parts(self: Any) -> tuple[pl.Part, ...]:
        inner, outer, *rays = Sector().parts
        return (inner, arc(outer.name, self, 2.0, 1), *rays)

    return sector(parts=property(parts))


def kept(points: np.ndarray) -> pl.Placement:
    return pl.Placement(points, np.ones(len(points), dtype=bool))


def constant(value: Any) -> property:
    return property(lambda self: value)


WRONG: dict[str, tuple[Callable[[], pl.Domain], str]] = {
    "long normals": (
        lambda: with_arc(normals=lambda self, p: p),
        r"part 'outer' of Sector: normals\(points\) are not of length 1 at .* it is 2; divide",
    ),
    "inward normals": (
        lambda: with_arc(normals=lambda self, p: -p / 2),
        r"normals\(points\) point into the domain; change their sign",
    ),
    "one normal": (
        lambda: with_arc(normals=lambda self, p: np.array([1.0, 0.0])),
        r"shape \(2,\); expected numbers of shape \(64, 2\)",
    ),
    "part elsewhere": (
        lambda: with_arc(place=lambda self, unit: kept(polar(3.0, unit[:, 0]))),
        r"part 'outer' of Sector: place\(unit\) gives \(.*\), which is outside of the domain",
    ),
    "points alone": (
        lambda: with_arc(place=lambda self, unit: polar(2.0, unit[:, 0])),
        r"returned ndarray, expected a pl.Placement\(points, kept\)",
    ),
    "part without points": (
        lambda: with_arc(contains=lambda self, p, tolerance=0.0: np.zeros(len(p), dtype=bool)),
        r"where its own contains\(points, 1e-09 times the diameter\) is false",
    ),
    "nothing kept": (
        lambda: with_arc(
            place=lambda self, u: pl.Placement(polar(2.0, u[:, 0]), np.zeros(len(u), dtype=bool))
        ),
        "part 'outer' of Sector: none of 64 rows of the unit cube lands on it",
    ),
    "measure of a part": (lambda: with_arc(measure=0.0), "measure is 0.0, expected a positive"),
    "dimension": (lambda: with_arc(unit_dim=None), "unit_dim is None, expected a whole number"),
    "kind": (lambda: with_arc(kind="wall"), "kind is 'wall', expected one of"),
    "names": (
        lambda: sector(parts=property(lambda self: (Sector().parts[0], Sector().parts[0]))),
        "the parts 'inner', 'inner' need names that differ",
    ),
    "no name": (
        lambda: sector(parts=property(lambda self: (Arc("", Sector(), 1.0, -1),))),
        r"the parts have the names \[''\], expected texts",
    ),
    "list of parts": (
        lambda: sector(parts=property(lambda self: list(Sector().parts))),
        "expected a tuple of pl.Part",
    ),
    "everything inside": (
        lambda: sector(contains=lambda self, p, tolerance=0.0: np.ones(len(p), dtype=bool)),
        r"contains\(points\) is true at \(.*\), far outside of bounding_box",
    ),
    "nothing inside": (
        lambda: sector(contains=lambda self, p, tolerance=0.0: np.zeros(len(p), dtype=bool)),
        "Sector: none of 1024 rows of the unit cube lands on it",
    ),
    "outside of the box": (
        lambda: sector(place=lambda self, unit: kept(polar(5.0, unit[:, 0]))),
        r"place\(unit\) gives \(.*\), outside of bounding_box",
    ),
    "against contains": (
        lambda: sector(place=lambda self, unit: kept(polar(0.5, unit[:, 0]))),
        r"where contains\(points\) is false; set `kept` to false there",
    ),
    "numbers for truth": (
        lambda: sector(contains=lambda self, p, tolerance=0.0: np.ones(len(p))),
        "kept is of type float64 .* expected truth values",
    ),
    "flat box": (
        lambda: sector(bounding_box=constant(np.array([[0.0, 0.0], [0.0, 1.0]]))),
        "expected a lower and a larger upper bound",
    ),
    "shape of the box": (
        lambda: sector(bounding_box=constant(np.array([0.0, 1.0]))),
        r"bounding_box is of type float64 and shape \(2,\); expected numbers of shape \(2, 2\)",
    ),
    "list for a box": (
        lambda: sector(bounding_box=constant([[-2.0, 2.0], [0.0, 2.0]])),
        "expected a numpy array",
    ),
    "open box": (
        lambda: sector(bounding_box=constant(np.array([[-np.inf, 2.0], [0.0, 2.0]]))),
        "bounding_box has values that are not finite",
    ),
    "measure": (lambda: sector(measure=float("nan")), "measure is nan, expected a positive"),
    "failing interior": (
        lambda: sector(place=lambda self, unit: unit[:, 7]),
        "Sector fails with IndexError: index 7 is out of bounds",
    ),
    "failing part": (
        lambda: with_arc(normals=lambda self, p: 1 / 0),
        "part 'outer' of Sector fails with ZeroDivisionError: division by zero",
    ),
    "title": (lambda: sector(title=None), "title is None, expected a line of text"),
    "coordinates": (lambda: Sector(("x", "y")), "got 'x' as a coordinate, expected a symbol"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("make", "message"), WRONG.values(), ids=WRONG)
def test_what_breaks_the_contract_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        laplace(make())


def test_combinations_look_at_their_operands() -> None:
    wrong = with_arc(normals=lambda self, p: p)
    for combine in (
        lambda: wrong - pl.Disk((X, Y), (0, 1.5), 0.2),
        lambda: pl.Disk((X, Y)) | wrong,
        lambda: wrong * pl.TimeInterval(T, 0, 1),
    ):
        with pytest.raises(ProblemError, match="not of length 1"):
            combine()


@dataclass(frozen=True)
class Table(pl.Part):
    """A part that holds an array, and so has no hash."""

    values: np.ndarray
    unit_dim = 1
    measure = 1.0
    place = normals = contains = lambda self, *given: ALL


@dataclass(frozen=True, eq=False)
class Alone(pl.Part):
    """A part that equals itself alone."""

    __eq__, __hash__ = object.__eq__, object.__hash__
    unit_dim = 1
    measure = 1.0
    place = normals = contains = lambda self, *given: ALL


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Table("edge", np.zeros(3)), "its parts cannot be compared .*without arrays"),
        (lambda: Alone("edge"), "parts gives other parts each time that it is asked"),
    ],
    ids=["array", "identity"],
)
def test_parts_that_cannot_be_found_again_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        laplace(sector(parts=property(lambda self: (make(),))))


def test_sound_domains_pass() -> None:
    for domain in (Sector(), Sector() - pl.Disk((X, Y), (0, 1.5), 0.2)):
        assert require_contract(domain) is None, domain.title


def test_a_problem_prints_the_parts_of_a_dataclass() -> None:
    assert "  inner  side  2\n" in str(laplace(Sector()))
    assert "Sector(coordinates=" in repr(Sector())


def test_a_combination_is_solved_and_meshed(tmp_path: Any) -> None:
    hole = Sector() - pl.Disk((X, Y), (0, 1.5), 0.2, name="hole")
    assert [part.name for part in hole.parts] == ["inner", "outer", "start", "end", "hole"]
    solution = pl.solve(laplace(hole), "lsr", hidden=(12, 12), weight_scale=1.5)
    assert solution.error()["u"].relative_l2 < 1e-4
    assert solution.export(tmp_path / "mesh.vtu")[0].is_file()


@dataclass(frozen=True)
class HalfDisk(pl.Domain):
    """A disk with its lower boundary told from the upper one, and a hard form for both."""

    coordinates: tuple[sp.Symbol, ...] = (X, Y)
    title = "disk of two arcs"
    measure = np.pi
    bounding_box = np.array([[-1.0, 1.0], [-1.0, 1.0]])

    @property
    def parts(self) -> tuple[pl.Part, ...]:
        return (HalfCircle("upper", 1), HalfCircle("lower", -1))

    def contains(self, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        return np.hypot(*points.T) <= 1 + tolerance

    def distance_factor(self, parts: Any) -> sp.Expr:
        if set(parts) != set(self.parts):
            return super().distance_factor(parts)
        return 1 - X**2 - Y**2


@dataclass(frozen=True)
class HalfCircle(pl.Part):
    """The upper or the lower half of the unit circle."""

    side: int
    unit_dim = 1
    measure = np.pi

    def place(self, unit: np.ndarray) -> pl.Placement:
        return kept(polar(1.0, self.side * np.pi * unit[:, 0]))

    def normals(self, points: np.ndarray) -> np.ndarray:
        return points

    def contains(self, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        on = np.abs(np.hypot(*points.T) - 1) <= tolerance
        return on & (self.side * points[:, 1] >= -tolerance)


def test_a_distance_factor_makes_conditions_hard() -> None:
    equation = sp.Eq(U.diff(X, 2) + U.diff(Y, 2), -4)
    for on, exact in ((None, True), ("upper", False)):
        conditions = [pl.Dirichlet(U, 0, on=on), pl.Neumann(U, -2, on="lower")]
        problem = pl.Problem("drum", HalfDisk(), [equation], conditions[: 1 if exact else 2])
        given = {"hidden": (8,), "weight_scale": 1.5, "hard": True}
        solution = pl.solve(problem, "lsr", **given)
        assert (solution.compiled.exact == ("dirichlet u",)) is exact
        assert abs(solution.predict(x=0.0, y=0.0) - 1) < 1e-2
    refused = pl.Problem("drum", Sector(), [equation], [pl.Dirichlet(U, 0, hard=True)])
    with pytest.raises(ProblemError, match="or override distance_factor in a domain of your own"):
        pl.solve(refused, "lsr", hidden=(4,), weight_scale=1)


@dataclass(frozen=True)
class Pin(pl.Part):
    """A single point inside."""

    unit_dim = 0
    measure = 1.0

    def place(self, unit: np.ndarray) -> pl.Placement:
        assert unit.shape[1] == 0
        return kept(np.tile([0.5, 0.25], (len(unit), 1)))

    def normals(self, points: np.ndarray) -> np.ndarray:
        return np.zeros_like(points)

    def contains(self, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        return np.linalg.norm(points - [0.5, 0.25], axis=1) <= tolerance


@dataclass(frozen=True, repr=False)
class Pinned(pl.Box):
    """A box with a point where a level is fixed."""

    @property
    def parts(self) -> tuple[pl.Part, ...]:
        return (*super().parts, Pin("pin"))


def test_a_part_may_be_a_point(tmp_path: Any) -> None:
    exact = sp.cos(sp.pi * X) * sp.cos(sp.pi * Y)
    source = sp.Eq(U.diff(X, 2) + U.diff(Y, 2), -2 * sp.pi**2 * exact)
    slope = pl.normal(X) * exact.diff(X) + pl.normal(Y) * exact.diff(Y)
    domain = Pinned((X, Y), (0, 0), (1, 1)) - pl.Disk((X, Y), (0.2, 0.2), 0.1)
    sides = [part.name for part in domain.parts if part.name != "pin"]
    conditions = [pl.Neumann(U, slope, on=sides), pl.Dirichlet(U, 0, on="pin")]
    problem = pl.Problem("pinned", domain, [source], conditions, reference=exact)
    solution = pl.solve(problem, "lsr", hidden=(12, 12), weight_scale=1.5)
    assert solution.error()["u"].relative_l2 < 1e-3
    assert solution.export(tmp_path / "mesh.vtu", n=21)[0].is_file()


@dataclass(frozen=True)
class Growing(pl.Domain):
    """0 <= x <= 1 + t/2 for times 0 to 1."""

    coordinates: tuple[sp.Symbol, ...] = (X, T)
    title = "a growing interval"
    measure = 1.25
    time = T
    space = pl.Interval(X, 0, 1.5)
    bounding_box = np.array([[0.0, 1.5], [0.0, 1.0]])

    @property
    def parts(self) -> tuple[pl.Part, ...]:
        side, end = (("left", "side"), ("right", "side")), (("t=0", "initial"), ("t=1", "final"))
        return tuple(
            Edge(name, kind, i) for pair in (side, end) for i, (name, kind) in enumerate(pair)
        )

    def contains(self, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        x, t = points.T
        inside = (x >= -tolerance) & (x <= 1 + t / 2 + tolerance)
        return inside & (t >= -tolerance) & (t <= 1 + tolerance)

    def bounds(self, coordinate: sp.Symbol) -> tuple[float, float]:
        return (0.0, 1.0) if coordinate == T else super().bounds(coordinate)


@dataclass(frozen=True)
class Edge(pl.Part):
    """A side that moves, or an end of time."""

    when: Any
    end: int
    unit_dim = 1
    measure = 1.0

    @property
    def kind(self) -> Any:
        return self.when

    def place(self, unit: np.ndarray) -> pl.Placement:
        s = unit[:, 0]
        if self.kind == "side":
            return kept(np.column_stack([self.end * (1 + s / 2), s]))
        return kept(np.column_stack([s * (1 + self.end / 2), np.full(len(s), float(self.end))]))

    def normals(self, points: np.ndarray) -> np.ndarray:
        column = 0 if self.kind == "side" else 1
        return np.tile((2 * self.end - 1) * np.eye(2)[column], (len(points), 1))

    def contains(self, points: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
        x, t = points.T
        on = x - self.end * (1 + t / 2) if self.kind == "side" else t - self.end
        return (np.abs(on) <= tolerance) & Growing().contains(points, tolerance)


def test_a_domain_may_change_with_time() -> None:
    exact = sp.exp(-T) * sp.sin(X)
    conditions = [pl.Dirichlet(V, exact), pl.Initial(sp.Eq(V, sp.sin(X)))]
    heat = sp.Eq(V.diff(T), V.diff(X, 2))
    problem = pl.Problem("growing", Growing(), [heat], conditions, reference=exact)
    solution = pl.solve(problem, "lsr", hidden=(12, 12), weight_scale=1.5)
    assert solution.error()["v"].relative_l2 < 1e-5
