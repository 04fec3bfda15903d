"""The contract of a user-defined domain, checked at some of its points."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
from jaxtyping import Float

from pdelsr.declare.domains.base import ZERO_LENGTH, Domain
from pdelsr.declare.domains.checks import quoted, require_size, require_symbols
from pdelsr.declare.domains.part import Kind, Part, Placement
from pdelsr.declare.domains.probes import probes
from pdelsr.declare.users_part import of_a_users
from pdelsr.errors import ProblemError, described
from pdelsr.errors import quoted as short

INSIDE, ON_PART = 2**10, 2**6  # points that are tested
NEAR = 1e-6  # of the diameter, by which points may miss the domain, and of a normal's length
ASIDE = 1e-5  # of the diameter, from a part to the places on both sides of it


def require_contract(domain: Domain) -> None:
    """Refuse a user-defined domain that breaks a promise of `Domain` or `Part`.

    Raises:
        ProblemError: it breaks one; the message names the promise and the point.
    """
    if type(domain).__module__.startswith("pdelsr."):
        return
    who = type(domain).__name__
    with of_a_users(who):
        _require_whole(domain, who)
        parts = _listed_parts(domain, who)
    for part in parts:
        named = f"part '{part.name}' of {who}"
        with of_a_users(named):
            _require_part(part, domain, named)


def _require_whole(domain: Domain, who: str) -> None:
    """Refuse a domain whose size, title or interior break a promise, its parts aside."""
    require_symbols(domain.coordinates, who)
    if not isinstance(domain.title, str) or not domain.title.strip():
        raise ProblemError(f"{who}: title is {short(domain.title)}, expected a line of text")
    _require_box(domain, who)
    _require_measure(domain.measure, who)
    _require_interior(domain, who)


def _require_box(domain: Domain, who: str) -> None:
    """Refuse bounds that are not one increasing pair of numbers per coordinate."""
    box: Any = domain.bounding_box
    if not isinstance(box, np.ndarray):
        raise ProblemError(f"{who}: bounding_box is {short(box)}, expected a numpy array (d, 2)")
    box = _array(box, (domain.dim, 2), f"{who}: bounding_box")
    if (box[:, 0] >= box[:, 1]).any():
        raise ProblemError(
            f"{who}: bounding_box is {box.tolist()}, expected a lower and a larger upper bound of "
            "each coordinate"
        )
    require_size(box, who)


def _require_measure(measure: Any, who: str) -> None:
    if not isinstance(measure, int | float | np.number) or not 0 < measure < math.inf:
        raise ProblemError(f"{who}: measure is {short(measure)}, expected a positive number")


def _require_interior(domain: Domain, who: str) -> None:
    """Refuse points that are not where `bounding_box` and `contains` say."""
    points = _placed(domain, INSIDE, domain.dim, who)
    low, high = domain.bounding_box.T
    room = NEAR * domain.diameter
    here = f"{who}: place(unit) gives"
    _refuse((points < low - room) | (points > high + room), points, here, "outside of bounding_box")
    why = "where contains(points) is false; set `kept` to false there, or mend one of the two"
    _refuse(~_held(domain, points, room, who), points, here, why)
    far = (high + 2 * (high - low))[None]
    here = f"{who}: contains(points) is true at"
    _refuse(_held(domain, far, 0.0, who), far, here, "far outside of bounding_box")


def _listed_parts(domain: Domain, who: str) -> tuple[Part, ...]:
    """The parts, refused if conditions could not tell them apart or find them again."""
    parts: Any = domain.parts
    if not isinstance(parts, tuple) or not all(isinstance(part, Part) for part in parts):
        raise ProblemError(f"{who}: parts is {short(parts)}, expected a tuple of pl.Part")
    names: list[Any] = [part.name for part in parts]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ProblemError(f"{who}: the parts have the names {names}, expected texts")
    if len(set(names)) < len(names):
        raise ProblemError(f"{who}: the parts {quoted(names)} need names that differ")
    try:
        lasting = set(parts) == set(domain.parts)
    except (
        TypeError,
        ValueError,
    ) as error:  # from arrays
        raise ProblemError(
            f"{who}: its parts cannot be compared ({described(error)}); make them frozen "
            "dataclasses of numbers, texts and tuples, without arrays"
        ) from error
    if not lasting:
        raise ProblemError(
            f"{who}: parts gives other parts each time that it is asked; make them frozen "
            "dataclasses, which are equal where their fields are, or keep the tuple"
        )
    return parts


def _require_part(part: Part, domain: Domain, who: str) -> None:
    """Refuse a part that lies beside its domain, or whose normals are wrong."""
    if part.kind not in get_args(Kind):
        raise ProblemError(f"{who}: kind is {short(part.kind)}, expected one of {get_args(Kind)}")
    if not isinstance(part.unit_dim, int) or part.unit_dim < 0:
        raise ProblemError(f"{who}: unit_dim is {short(part.unit_dim)}, expected a whole number")
    _require_measure(part.measure, who)
    points = _placed(part, ON_PART, domain.dim, who)
    here = f"{who}: place(unit) gives"
    room = NEAR * domain.diameter
    _refuse(~domain.contains(points, room), points, here, "which is outside of the domain")
    why = f"where its own contains(points, {ZERO_LENGTH:g} times the diameter) is false"
    _refuse(~_held(part, points, ZERO_LENGTH * domain.diameter, who), points, here, why)
    _require_normals(part, points, domain, who)


def _require_normals(
    part: Part, points: Float[np.ndarray, "n d"], domain: Domain, who: str
) -> None:
    """Refuse normals that are not of length one, or that point into the domain."""
    normals = _array(part.normals(points), points.shape, f"{who}: normals(points)")
    if part.unit_dim == 0 and not normals.any():  # a single point inside has none
        return
    lengths = np.linalg.norm(normals, axis=1)
    here = f"{who}: normals(points) are not of length 1 at"
    why = f"where it is {lengths[np.argmax(abs(lengths - 1) > NEAR)]:.6g}; divide by it"
    _refuse(abs(lengths - 1) > NEAR, points, here, why)
    step = ASIDE * domain.diameter * normals
    inward = domain.contains(points + step) & ~domain.contains(points - step)
    if inward.mean() > 0.5:
        raise ProblemError(f"{who}: normals(points) point into the domain; change their sign")


def _placed(shape: Domain | Part, count: int, dim: int, who: str) -> Float[np.ndarray, "k {dim}"]:
    """The points on which some rows of the unit cube land."""
    unit = probes(count, shape.unit_dim)
    placed: Any = shape.place(unit.copy())
    if not isinstance(placed, Placement):
        raise ProblemError(
            f"{who}: place(unit) returned {type(placed).__name__}, expected a pl.Placement(points, "
            "kept)"
        )
    kept = np.asarray(placed.kept)
    _require_truths(kept, len(unit), f"{who}: place(unit).kept")
    points = np.asarray(placed.points)
    _require_shape(points, (len(unit), dim), f"{who}: place(unit).points")
    if not kept.any():
        raise ProblemError(f"{who}: none of {len(unit)} rows of the unit cube lands on it")
    return _array(points[kept], (int(kept.sum()), dim), f"{who}: place(unit).points")


def _held(
    shape: Domain | Part, points: Float[np.ndarray, "n d"], tolerance: float, who: str
) -> np.ndarray:
    held = np.asarray(shape.contains(points, tolerance))
    _require_truths(held, len(points), f"{who}: contains(points, tolerance)")
    return held


def _require_truths(values: np.ndarray, count: int, what: str) -> None:
    if values.dtype != np.bool_ or values.shape != (count,):
        raise ProblemError(
            f"{what} is of type {values.dtype} and shape {values.shape} for {count} points; "
            f"expected truth values of shape ({count},)"
        )


def _require_shape(values: np.ndarray, shape: tuple[int, ...], what: str) -> None:
    if values.dtype.kind not in "fiu" or values.shape != shape:
        raise ProblemError(
            f"{what} is of type {values.dtype} and shape {values.shape}; expected numbers of "
            f"shape {shape}"
        )


def _array(values: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """An array of finite numbers of the given shape."""
    found = np.asarray(values)
    _require_shape(found, shape, what)
    if not np.isfinite(found).all():
        raise ProblemError(f"{what} has values that are not finite")
    return found


def _refuse(wrong: np.ndarray, points: Float[np.ndarray, "n d"], before: str, after: str) -> None:
    """Refuse if something is wrong anywhere, naming the first point."""
    bad = np.flatnonzero(wrong.reshape(len(points), -1).any(axis=1))
    if bad.size:
        place = ", ".join(f"{v:.6g}" for v in points[bad[0]])
        raise ProblemError(f"{before} ({place}), {after}")
