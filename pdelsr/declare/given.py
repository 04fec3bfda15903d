"""Types of a problem: what a user gives, and what is read from it; open at run time.

At run time `Problem` checks these values itself, in `__post_init__`, and refuses them in the user's
words; the type checks of the test suite must not come first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import sympy as sp
from numpy.typing import ArrayLike

from pdelsr.declare.conditions import AbstractCondition
from pdelsr.declare.conditions.given import GivenEquation, GivenNumber
from pdelsr.declare.domains import Domain
from pdelsr.declare.sampler import Sampler
from pdelsr.declare.symbols import InputFunction, Unknown


class SourceOfFunctions(Protocol):
    """Where input functions come from, as a `FunctionSampler`, or an object of the user's."""

    def sample(self, n: int, seed: int, /) -> Sequence[Callable[..., ArrayLike]]:
        """n functions of arrays, the same for equal seeds."""
        ...


if TYPE_CHECKING:
    # given
    GivenEquations: TypeAlias = GivenEquation | Sequence[GivenEquation]
    """`sp.Eq(lhs, rhs)` or expressions meant to be zero, one or several."""
    GivenConditions: TypeAlias = AbstractCondition | Sequence[AbstractCondition]
    """One or several."""
    GivenUnknowns: TypeAlias = Unknown | Sequence[Unknown] | None
    """One or several; None for those of the equations."""
    GivenParameters: TypeAlias = (
        Mapping[sp.Symbol, GivenNumber]
        | Mapping[str, GivenNumber]
        | Mapping[sp.Symbol | str, GivenNumber]
        | None
    )
    """Real numbers by symbol or by name."""
    GivenSources: TypeAlias = (
        Mapping[InputFunction, SourceOfFunctions]
        | Mapping[str, SourceOfFunctions]
        | Mapping[InputFunction | str, SourceOfFunctions]
        | None
    )
    """Samplers by input function or by its name."""
    GivenFunction: TypeAlias = Callable[..., ArrayLike] | ArrayLike
    """A function of arrays, or its values at equidistant sensors."""

    # read
    Place: TypeAlias = Domain
    Equations: TypeAlias = tuple[sp.Eq, ...]
    Conditions: TypeAlias = tuple[AbstractCondition, ...]
    Parameters: TypeAlias = Mapping[str, sp.Expr]
    Sources: TypeAlias = Mapping[str, SourceOfFunctions]

    # the same before and after
    OneReference: TypeAlias = GivenNumber | Callable[..., ArrayLike]
    """An expression, or a callable of the points (n, d) or of the coordinates."""
    Reference: TypeAlias = OneReference | Mapping[Unknown, OneReference] | Sequence[OneReference]
    """One of these, or one for each unknown."""
    Counts: TypeAlias = int | Mapping[str, int] | None
    """A number of points, or one for each block by name."""
    Samplers: TypeAlias = Sampler | Mapping[str, Sampler] | None
    """A sampler, or one for each block by name."""
    Weights: TypeAlias = Mapping[str, float]
    """Numbers above 0 by the name of the block."""
    Functions: TypeAlias = Mapping[str, Callable[..., ArrayLike]]
    """Input functions by name."""
else:
    GivenEquations = GivenConditions = GivenUnknowns = GivenParameters = GivenSources = object
    GivenFunction = Place = Equations = Conditions = Parameters = object
    Sources = OneReference = Reference = Counts = Samplers = Weights = Functions = object
