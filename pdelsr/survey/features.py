"""The narrow features of a function of the coordinates on a region: where, and how wide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float

from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.interpreted import Known, columns
from pdelsr.declare.sobol import sobol
from pdelsr.survey.dense import places_by_sampling
from pdelsr.survey.narrow_functions import (
    Atom,
    atoms_in_callables,
    atoms_of,
    given_by_code,
    waves_of,
)
from pdelsr.survey.peaks import peaks_at
from pdelsr.survey.search import minima
from pdelsr.survey.values import value

BY_CODE = "code"  # kind of terms without a function of known steepness
SAMPLES = 512  # points at which a function is first evaluated
STARTS = 64  # of a search, and so places found in a feature along a line or a surface
CENTRES = 48  # places of one term that are measured
LEAST_CENTRES = 8  # of these for one function in the term
MOST_ATOMS = 12  # functions of one term that are searched for at once
ROUND = 16  # terms of one kind that are searched before the decision to go on
MOST_TERMS = 64  # of one kind in a sum that are searched
MOST_SEARCHES = 1000  # for all data of a problem; about twenty take a second
DENSE = 5  # cost of sampling a term densely, in searches
LONG = 32  # terms of a sum whose evaluation takes about the time of a search
UNRESOLVED = 1e-3  # of the extent of a region: no network resolves smaller half-widths
ALIKE = 3.0  # largest ratio of widths of one peak at places beside each other
LOW = 1e-2  # least height of a peak that counts, relative to higher ones of the same term
NEGLIGIBLE = 1e-13  # height times width hidden by rounding, relative to the function
ROUGH = 1e-3  # last step of the rough search
LENGTH = 0.04  # over which a narrow peak falls
WIDEST = 1 / 32  # half-width up to which a peak is narrow, relative to the region
SMALL_STEP = 1e-7  # for the slope of a wave's argument, in the unit cube


@dataclass(frozen=True, eq=False)
class Feature:
    """Places where a term of a function varies within a short length, the highest peak first.

    Attributes:
        term: the function.
        centres: in the unit cube of the region, (k, d).
        widths: half-widths at half height along the axes of the unit cube, (k, d); inf along axes
            without a peak.
        place: the first centre, in the coordinates of the domain, (c,).
        width: the smallest width there, in the units of the coordinates.
        narrowest: the smallest width anywhere, as a share of the extent of the domain.
    """

    term: sp.Expr
    centres: Float[np.ndarray, "k d"]
    widths: Float[np.ndarray, "k d"]
    place: Float[np.ndarray, " c"]
    width: float
    narrowest: float


class Suspect(NamedTuple):
    """A term of a sum, its functions that may be narrow, and whether it is sampled densely."""

    term: sp.Expr
    atoms: tuple[Atom, ...]
    sampled: bool

    @property
    def kind(self) -> str:
        """The kind of its steepest function; within a kind, less steep functions are wider."""
        return self.atoms[0].kind if self.atoms else BY_CODE

    def cost(self, whole: sp.Expr) -> int:
        """The cost in searches, if it is measured as a part of this sum."""
        return (DENSE if self.sampled else 1) + len(sp.Add.make_args(whole)) // LONG


@dataclass
class Budget:
    """The searches left for a problem: a number instead of a time, so that results repeat."""

    left: int = MOST_SEARCHES

    def allows(self, cost: int) -> bool:
        """Whether a search of this cost is allowed; if so, subtract the cost."""
        if cost > self.left:
            return False
        self.left -= cost
        return True


class Looked(NamedTuple):
    """The features found in a function.

    Attributes:
        features: the narrow ones.
        left_out: terms that may be narrow but were not searched, because too many others were.
    """

    features: tuple[Feature, ...] = ()
    left_out: tuple[sp.Expr, ...] = ()


@dataclass(frozen=True, eq=False)
class Survey:
    """A region with the points at which functions are evaluated.

    Attributes:
        region: a domain, or a part of its boundary.
        coordinates: of the domain.
        extent: length of the domain along each coordinate.
        budget: shared by all regions of a problem.
    """

    region: Domain | Part
    coordinates: tuple[sp.Symbol, ...]
    extent: Float[np.ndarray, " c"]
    budget: Budget

    def features(self, function: sp.Expr) -> Looked:
        """The narrow features of a function of the coordinates.

        The terms of a sum are searched one by one, but measured together, because the difference of
        two steps is a peak.
        """
        if self.region.unit_dim == 0 or not len(self.samples):
            return Looked()
        kinds = self._by_kind(function)
        whole = sp.Add(*_steepest(kinds))
        looked = [self._in_rounds(alike, whole) for alike in kinds]
        features = (f for one in looked for f in one.features)
        left_out = (term for one in looked for term in one.left_out)
        return Looked((*features, *self._waves(function)), tuple(left_out))

    def is_plain(self, function: sp.Expr) -> bool:
        """Whether nothing in the function may be narrow on the region."""
        return not self.suspects(function) and not any(True for _ in self._waves(function))

    def steepest(self, function: sp.Expr) -> tuple[sp.Expr, ...]:
        """The terms of a sum that may be narrow, at most as many as are searched."""
        return _steepest(self._by_kind(function))

    def _by_kind(self, function: sp.Expr) -> list[list[Suspect]]:
        kinds: dict[str, list[Suspect]] = {}
        for suspect in self.suspects(function):
            kinds.setdefault(suspect.kind, []).append(suspect)
        return list(kinds.values())

    def _in_rounds(self, alike: list[Suspect], whole: sp.Expr) -> Looked:
        """Features of terms of one kind, the steepest first, until a round finds none.

        The steepness of terms by code is unknown, so all rounds are made.
        """
        found: list[Feature] = []
        searched = 0
        for begin in range(0, min(len(alike), MOST_TERMS), ROUND):
            before = len(found)
            for suspect in alike[begin : begin + ROUND]:
                if not self.budget.allows(suspect.cost(whole)):
                    return Looked(tuple(found), tuple(s.term for s in alike[searched:]))
                found += self.peaks_of(suspect, whole)
                searched += 1
            if len(found) == before and alike[0].kind != BY_CODE:
                return Looked(tuple(found))  # the others are less steep
        return Looked(tuple(found), tuple(s.term for s in alike[searched:]))

    @cached_property
    def samples(self) -> Float[np.ndarray, "n d"]:
        """Points of the unit cube that land on the region."""
        unit = sobol(SAMPLES, self.region.unit_dim, seed=0)
        return unit[self.region.place(unit).kept]

    def of(
        self, function: Callable[[dict[sp.Basic, np.ndarray]], np.ndarray]
    ) -> Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, " n"]]:
        """A function of coordinate values, turned into one of points of the unit cube."""

        def at(unit: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
            placed = self.region.place(unit)
            with np.errstate(all="ignore"):
                found = np.asarray(function(columns(self.coordinates, placed.points)), dtype=float)
            return np.where(placed.kept, np.broadcast_to(found, len(unit)), np.nan)

        return at

    def suspects(self, function: sp.Expr) -> list[Suspect]:
        """The terms of a sum that may be narrow, the steepest first.

        A term with many such functions is taken several times, each time with some of them.
        """
        known = columns(self.coordinates, self.region.place(self.samples).points)
        found: list[tuple[float, Suspect]] = []
        for term in sp.Add.make_args(function):
            steep = self._steep_atoms(term, known)
            by_code = bool(given_by_code(term))
            for begin in range(0, max(len(steep), int(by_code)), MOST_ATOMS):
                some = steep[begin : begin + MOST_ATOMS]
                atoms = tuple(atom for _, atom in some)
                suspect = Suspect(term, atoms, by_code and begin == 0)
                found.append((some[0][0] if some else 0.0, suspect))
        return [suspect for _, suspect in sorted(found, key=lambda pair: -pair[0])]

    def _steep_atoms(self, term: sp.Expr, known: Known) -> list[tuple[float, Atom]]:
        """Functions in a term that may be narrow, with their change, the steepest first."""
        listed = (*atoms_of(term), *atoms_in_callables(term, known))
        steep = (a for a in listed if a.may_be_narrow(known))
        near = [a for a in steep if not a.relative or self._comes_near_zero(a)]
        return sorted(((a.change(known), a) for a in near), key=lambda pair: -pair[0])

    def _comes_near_zero(self, atom: Atom) -> bool:
        """Whether the base b of a power is somewhere so small that b / |∇b| is a short length.

        At a distance D from a zero it is D or less, and next to a minimum of width w it is w.
        """
        away = self.of(atom.away)
        slopes = _slopes(away, self.samples).max(axis=1)
        apart = len(self.samples) ** (-1 / self._dim) * np.sqrt(self._dim)
        return bool((away(self.samples) < slopes * (LENGTH + apart)).any())

    def peaks_of(self, suspect: Suspect, whole: sp.Expr) -> Iterable[Feature]:
        centres = self._centres(suspect)
        if not len(centres):
            return
        function = self.of(lambda known: value(whole, known))
        size = float(np.nanmax(np.abs(function(self.samples)), initial=0.0))
        peaks = peaks_at(function, centres, size)
        heights = peaks.heights.max(axis=1, initial=0.0)
        own = peaks.own.max(axis=1, initial=0.0)
        if own.max(initial=0.0) > LOW * heights.max(initial=0.0):
            heights = own  # there are tops, and places beside them do not count
        share = self._lengths(centres, peaks.widths)[1]
        matters = (heights * share > NEGLIGIBLE * size) & (heights > LOW * heights.max(initial=0.0))
        matters &= share < WIDEST  # a map, as of a disk, may itself be narrow
        keep = np.flatnonzero(matters)
        keep = keep[self._stay(function, centres[keep], peaks.widths[keep], size)]
        if keep.size:
            highest = keep[np.argsort(-heights[keep], kind="stable")]
            apart = _apart(centres, peaks.widths, highest)
            yield self._feature(suspect.term, centres[apart], peaks.widths[apart])

    def _stay(
        self,
        function: Callable[[np.ndarray], np.ndarray],
        centres: Float[np.ndarray, "m d"],
        widths: Float[np.ndarray, "m d"],
        size: float,
    ) -> Bool[np.ndarray, " m"]:
        """Whether peaks stay nearly as narrow when the line across them moves a little.

        A line along an axis that barely cuts a round step sees a short peak, but half a width aside
        it sees none, or a long one.
        """
        if self._dim == 1 or not len(centres):
            return np.ones(len(centres), dtype=bool)
        rows, across = np.arange(len(centres)), widths.argmin(axis=1)
        narrowest = widths[rows, across]
        stay = np.zeros(len(centres), dtype=bool)
        for axis in range(self._dim):
            for side in (0.5, -0.5):
                moved = centres.copy()
                moved[:, axis] += np.where(axis == across, 0, side * narrowest)
                moved = np.clip(moved, 0, 1)
                new = peaks_at(function, moved, size).widths[rows, across]
                ratio = np.where(np.isfinite(new), new, np.inf) / narrowest
                stay |= (axis != across) & (ratio < ALIKE) & (ratio > 1 / ALIKE)
        return stay

    def _centres(self, suspect: Suspect) -> Float[np.ndarray, "m d"]:
        """Places where functions in the term may vary within a short length."""
        atoms = suspect.atoms
        found = [self._nearest([a]) for a in atoms]
        if len(atoms) > 1:  # a product of narrow functions is narrow where all of them are
            found.append(self._nearest(atoms))
        if suspect.sampled:
            sampled = self.of(lambda known: value(suspect.term, known))
            found.append(places_by_sampling(sampled, self._dim))
        return _thinned(found)

    def _nearest(self, atoms: Sequence[Atom]) -> Float[np.ndarray, "m d"]:
        """Where the sum of distances of the atoms is smallest, from many starts.

        The first search is rough; if the distance hardly rises around a place, nothing is narrow
        there.
        """
        key = frozenset(a.key for a in atoms)
        if key not in self._searched:
            away = self.of(lambda known: sum((a.away(known) for a in atoms), np.zeros(())))
            begin = away(self.samples)
            first = np.argsort(np.where(np.isnan(begin), np.inf, begin))[: self._starts // 4]
            starts = self.samples[np.union1d(first, np.arange(min(self._starts, len(begin))))]
            rough = minima(away, starts, nearest=ROUGH)
            if len(atoms) == 1 and not atoms[0].sharp:
                rough = rough[self._rises(atoms[0], away, rough)]
            self._searched[key] = minima(away, rough, ROUGH) if len(rough) else rough
        return self._searched[key]

    def _rises(
        self, atom: Atom, away: Callable[[np.ndarray], np.ndarray], places: np.ndarray
    ) -> Bool[np.ndarray, " m"]:
        """Whether a narrow peak along some axis may lie at the places."""
        steps = LENGTH * np.concatenate([np.eye(self._dim), -np.eye(self._dim)])
        beside = np.clip(places[:, None] + steps, 0, 1)
        around = away(beside.reshape(-1, self._dim)).reshape(len(places), -1)
        return np.any(atom.rises(away(places)[:, None], around), axis=1)

    @cached_property
    def _searched(self) -> dict[frozenset[object], Float[np.ndarray, "m d"]]:
        """Places found so far, by their functions."""
        return {}

    @property
    def _starts(self) -> int:
        return STARTS if self._dim > 1 else STARTS // 2

    def _waves(self, function: sp.Expr) -> Iterable[Feature]:
        """Sines and cosines with too many waves to resolve, where they are fastest."""
        few = self.samples[:STARTS]
        inner = np.clip(few, SMALL_STEP, 1 - SMALL_STEP)
        steps = SMALL_STEP * np.concatenate([np.eye(self._dim), -np.eye(self._dim)])
        beside = (inner[:, None] + steps).reshape(-1, self._dim)
        known = columns(self.coordinates, self.region.place(beside).points)
        for term in sp.Add.make_args(function):
            for argument in waves_of(term):
                phase = np.broadcast_to(value(argument, known), len(beside))
                ends = phase.reshape(len(few), 2, self._dim)
                slopes = np.nan_to_num(np.abs(ends[:, 0] - ends[:, 1]) / (2 * SMALL_STEP))
                i = int(slopes.max(axis=1).argmax())
                if slopes[i].max() > 1 / UNRESOLVED and self._is_there(term):
                    with np.errstate(divide="ignore"):
                        widths = np.where(slopes[i] > 1, 1 / slopes[i], np.inf)
                    yield self._feature(term, few[i : i + 1], widths[None])

    def _is_there(self, term: sp.Expr) -> bool:
        found = self.of(lambda known: value(term, known))(self.samples)
        return bool(np.nanmax(np.abs(found), initial=0.0) > 0)

    def _feature(self, term: sp.Expr, centres: np.ndarray, widths: np.ndarray) -> Feature:
        """A feature, with place and width in the units of the coordinates."""
        steps, _ = self._lengths(centres, widths)
        place = self.region.place(centres[:1]).points[0]
        narrowest = float((steps / self.extent).max(axis=1).min())
        return Feature(term, centres, widths, place, float(np.linalg.norm(steps[0])), narrowest)

    def _lengths(
        self, centres: Float[np.ndarray, "k d"], widths: Float[np.ndarray, "k d"]
    ) -> tuple[Float[np.ndarray, "k c"], Float[np.ndarray, " k"]]:
        """The smallest half-widths along the coordinates, and as shares of the region's extent.

        The share is 1 if the unit cube is so strongly bent, as at the middle of a disk, that a wide
        function looks narrow in it.
        """
        rows, axis = np.arange(len(centres)), widths.argmin(axis=1)
        narrow = np.minimum(widths[rows, axis], WIDEST)
        here = self.region.place(centres).points

        def moved(times: float) -> Float[np.ndarray, "k c"]:
            beside = centres.copy()
            step = times * narrow
            beside[rows, axis] += np.where(centres[rows, axis] + step <= 1, step, -step)
            return np.abs(self.region.place(np.clip(beside, 0, 1)).points - here)

        near, far = moved(1.0), moved(8.0)
        extent = np.ptp(self.region.place(self.samples).points, axis=0)
        with np.errstate(all="ignore"):
            share = np.nan_to_num(near / extent).max(axis=1, initial=0.0)
        bent = np.linalg.norm(far, axis=1) < 5 * np.linalg.norm(near, axis=1)
        return near, np.where(bent, 1.0, share)

    @property
    def _dim(self) -> int:
        return self.region.unit_dim


def _steepest(kinds: list[list[Suspect]]) -> tuple[sp.Expr, ...]:
    return tuple(dict.fromkeys(s.term for alike in kinds for s in alike[:MOST_TERMS]))


def _slopes(
    function: Callable[[np.ndarray], np.ndarray], points: Float[np.ndarray, "m d"]
) -> Float[np.ndarray, "m d"]:
    """|∂/∂u_j| of a wide function, by differences."""
    d = points.shape[1]
    inner = np.clip(points, SMALL_STEP, 1 - SMALL_STEP)
    steps = SMALL_STEP * np.eye(d)
    ends = [function((inner[:, None] + s * steps).reshape(-1, d)).reshape(-1, d) for s in (1, -1)]
    with np.errstate(invalid="ignore"):
        return np.abs(ends[0] - ends[1]) / (2 * SMALL_STEP)


def _thinned(groups: Sequence[np.ndarray]) -> Float[np.ndarray, "k d"]:
    """Different places of each group, in all about as many as are measured."""
    most = max(CENTRES // len(groups), LEAST_CENTRES)
    found = []
    for places in groups:
        different = np.unique(np.round(places, 12), axis=0, return_index=True)[1]
        chosen = np.linspace(0, len(different) - 1, min(most, len(different))).astype(int)
        found.append(places[different[chosen]])
    return np.concatenate(found)


def _apart(
    centres: Float[np.ndarray, "m d"], widths: Float[np.ndarray, "m d"], order: np.ndarray
) -> list[int]:
    """The centres, in this order, that lie in no peak of an earlier one."""
    kept: list[int] = []
    for i in order:
        inside: Bool[np.ndarray, "k d"] = np.abs(centres[kept] - centres[i]) <= 2 * widths[kept]
        if not inside.all(axis=1).any():
            kept.append(int(i))
    return kept
