"""The narrow features of a problem's data, in words, and as places for extra points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast
from weakref import WeakKeyDictionary

import numpy as np
import sympy as sp

from pdelsr.declare import Problem
from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.domains.exact_number import exact_number
from pdelsr.declare.expressions import abbreviate
from pdelsr.declare.regions import Interior, OnParts
from pdelsr.declare.slopes import slope
from pdelsr.declare.statements import Statement
from pdelsr.errors import ProblemError
from pdelsr.sample import Crowd
from pdelsr.survey.data import known_functions
from pdelsr.survey.features import UNRESOLVED, Budget, Feature, Survey

LIFTED = ("dirichlet", "initial")  # kinds whose data may enter equations by an ansatz
MOST_TOLD = 5  # narrow features in the warnings
LONGEST = 60  # characters of a term in a sentence
FIRST_PARTS = 12  # of the boundary, surveyed even if the data are wide in the domain
MOST_PARTS = 64  # of the boundary, surveyed if the data may be narrow


@dataclass(frozen=True, eq=False)
class Found:
    """A feature of one statement.

    Attributes:
        statement: with the feature in its data.
        region: where it was found: the domain, or a part of its boundary.
        feature: its place and width.
    """

    statement: Statement
    region: Domain | Part
    feature: Feature


@dataclass(frozen=True, eq=False)
class Searched:
    """The result of a search in the data of one statement.

    Attributes:
        statement: with these data.
        found: the narrow features.
        terms: number of terms that may be narrow but were not searched.
        parts: number of boundary parts where data may be narrow but were not searched.
    """

    statement: Statement
    found: tuple[Found, ...] = ()
    terms: tuple[sp.Expr, ...] = ()
    parts: int = 0


class Surveyed(NamedTuple):
    """The narrow features of a problem, and sentences on terms that were not searched."""

    found: tuple[Found, ...]
    left_out: tuple[str, ...]


_made: WeakKeyDictionary[Problem, Surveyed] = WeakKeyDictionary()


def features_of(problem: Problem) -> tuple[Found, ...]:
    """The narrow features of sources, coefficients and data; computed once per problem.

    Data of Dirichlet and initial conditions are also searched inside the domain, with their first
    two derivatives, because a hard form carries them into the equations.
    """
    return _surveyed(problem).found


def unresolved_features(problem: Problem) -> tuple[str, ...]:
    """A sentence for each feature of the data that is too narrow for any network, at most five.

    If there are any, a small residual proves nothing: the points on which it is measured need not
    meet the feature, and the network could not resolve it. A small residual also proves nothing if
    some data that may be narrow were not searched: the last sentences name those statements.
    """
    places: dict[tuple[str, tuple[str, ...]], Found] = {}
    for found in features_of(problem):
        if found.feature.narrowest < UNRESOLVED:
            # once per place, however many derivatives of the data are narrow there
            place = place_of(found.feature, problem.coordinates)
            places.setdefault((found.statement.name, place), found)
    told = [_sentence(found, problem) for found in list(places.values())[:MOST_TOLD]]
    more = [f"There are {len(places)} such places in all."] if len(places) > MOST_TOLD else []
    return (*told, *more, *_surveyed(problem).left_out)


def crowds(problem: Problem, exact: Collection[str]) -> Mapping[str, Mapping[str, Crowd]]:
    """Where blocks need extra points, by block and by part of the boundary.

    The domain itself goes by the name "". All equations share their points.

    Args:
        problem: the declaration.
        exact: names of the statements that the ansatz satisfies; their data enter the equations.
    """
    boxes: dict[tuple[str, str], list[Feature]] = {}
    for block, part, found in features_by_block(problem, exact):
        boxes.setdefault((block, part), []).append(found.feature)
    result: dict[str, dict[str, Crowd]] = {}
    for (block, part), features in boxes.items():
        crowd = Crowd.around([f.centres for f in features], [f.widths for f in features])
        result.setdefault(block, {})[part] = crowd
    return result


def features_by_block(problem: Problem, exact: Collection[str]) -> Iterator[tuple[str, str, Found]]:
    """The features that points of a block must see, with the block and the part ("" inside).

    Args:
        problem: the declaration.
        exact: names of the statements that the ansatz satisfies; their data enter the equations.
    """
    equations = [s.name for s in problem.statements if isinstance(s.region, Interior)]
    for found in features_of(problem):
        own, inside = found.statement.name, isinstance(found.region, Domain)
        if inside and (own in equations or own in exact):
            yield from ((name, "", found) for name in equations)
        elif isinstance(found.region, Part) and own not in exact:
            yield own, found.region.name, found


def _surveyed(problem: Problem) -> Surveyed:
    """The survey of a problem, computed once."""
    if problem not in _made:
        searches = tuple(_survey(problem))
        found = tuple(f for searched in searches for f in searched.found)
        _made[problem] = Surveyed(found, _left_out(searches))
    return _made[problem]


def _survey(problem: Problem) -> Iterator[Searched]:
    extent = np.ptp(problem.domain.bounding_box, axis=1)
    budget = Budget()
    inside = Survey(problem.domain, problem.coordinates, extent, budget)
    on_parts: dict[str, Survey] = {}
    for statement in problem.statements:
        residual = problem.system.substituted(statement.residual)
        functions = known_functions(residual, problem.coordinates)
        if functions and isinstance(statement.region, Interior):
            yield _of(statement, inside, functions)
        elif functions and isinstance(statement.region, OnParts):
            parts = statement.region.parts
            wide = len(parts) > FIRST_PARTS and all(map(inside.is_plain, functions))
            most = FIRST_PARTS if wide else MOST_PARTS
            yield Searched(statement, parts=0 if wide else max(len(parts) - most, 0))
            lifted: dict[tuple[sp.Expr, ...], None] = {}
            for part in parts[:most]:
                there = Survey(part, problem.coordinates, extent, budget)
                here = on_parts.setdefault(part.name, there)
                data = _restricted(functions, part, problem.domain)
                yield _of(statement, here, data)
                lifted[data] = None
            for data in lifted if statement.kind in LIFTED else ():
                yield _of(statement, inside, _with_slopes(data, inside))


def _of(statement: Statement, survey: Survey, functions: Iterable[sp.Expr]) -> Searched:
    looked = [survey.features(function) for function in functions]
    found = (Found(statement, survey.region, f) for one in looked for f in one.features)
    return Searched(statement, tuple(found), tuple(t for one in looked for t in one.left_out))


def _left_out(searches: Iterable[Searched]) -> tuple[str, ...]:
    """A sentence for each statement with data that may be narrow but were not all searched."""
    terms: dict[str, set[sp.Expr]] = {}
    parts: dict[str, int] = {}
    for one in searches:
        title = one.statement.title
        terms.setdefault(title, set()).update(one.terms)
        parts[title] = parts.get(title, 0) + one.parts
    return tuple(
        f"{title}: {what} were not searched for what is narrow, or not everywhere, since there "
        "are so many: the points may miss it, whatever the residual says. Leave out what does not "
        "matter, or divide the problem."
        for title in terms
        if (what := _counted(len(terms[title]), parts[title]))
    )


def _counted(terms: int, parts: int) -> str:
    """The numbers of terms and boundary parts as text; empty if there are none."""
    counted = ((terms, f"{terms} steep terms"), (parts, f"data on {parts} parts"))
    return " and ".join(text for n, text in counted if n)


def _restricted(functions: Iterable[sp.Expr], part: Part, domain: Domain) -> tuple[sp.Expr, ...]:
    """The functions restricted to a flat part: its constant coordinate is put in."""
    fixed = {}
    for coordinate in domain.coordinates:
        try:
            faces, ends = domain.faces(coordinate), domain.bounds(coordinate)
        except ProblemError:
            continue
        for face, end in zip(faces, ends, strict=True):
            if face.name == part.name:
                fixed[coordinate] = exact_number(end)
    put_in = (cast(sp.Expr, f.xreplace(fixed)) for f in functions)
    return tuple(f for f in put_in if f.free_symbols)


def _with_slopes(functions: Iterable[sp.Expr], survey: Survey) -> Iterator[sp.Expr]:
    """Functions that may be narrow, and their first two derivatives along each coordinate."""
    for function in functions:
        steepest = survey.steepest(function)
        if not steepest:
            continue
        whole = sp.Add(*steepest)
        yield whole
        for coordinate in survey.coordinates:
            first = slope(whole, coordinate)
            # data whose slopes sympy cannot form, as of Mod, enter no equation
            if not first.has(sp.Derivative, sp.Subs):
                yield from (e for e in (first, slope(first, coordinate)) if e.free_symbols)


def _sentence(found: Found, problem: Problem) -> str:
    feature, text = found.feature, term_text(found.feature, problem)
    place = ", ".join(place_of(feature, problem.coordinates))
    more = " and elsewhere" if len(feature.centres) > 1 else ""
    return (
        f"{found.statement.title}: {text} varies within a length of {feature.width:.1g} near "
        f"{place}{more}, which is too narrow for a network: the solution may be wrong there and "
        "everywhere, whatever the residual says. Make it wider, or put in its place what it stands "
        "for, such as a condition, or an unknown for the flux."
    )


def term_text(feature: Feature, problem: Problem) -> str:
    """The narrow term as text for sentences."""
    text = abbreviate(feature.term, problem.coordinates)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def place_of(feature: Feature, coordinates: tuple[sp.Symbol, ...]) -> tuple[str, ...]:
    """The place of a feature, in the coordinates on which its term depends."""
    free = feature.term.free_symbols
    pairs = zip(coordinates, feature.place, strict=True)
    return tuple(f"{c} = {v:.5g}" for c, v in pairs if c in free)
