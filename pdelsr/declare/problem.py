"""A problem: equations and conditions on a domain, checked once when it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.agreement import Disagreement, disagreements, warn_disagreements
from pdelsr.declare.backward import warn_backward
from pdelsr.declare.checks import (
    EQUATION_CHECKS,
    SYSTEM_CHECKS,
    UNKNOWN_CHECKS,
    require_coordinate_derivatives,
    require_plain_normal_derivatives,
)
from pdelsr.declare.conditions.contract import statements_of
from pdelsr.declare.conditions.given import LEFT_OUT, GivenNumber, Name, Unknowns
from pdelsr.declare.coverage import warn_bare_boundary, warn_open_level
from pdelsr.declare.domains import Domain, TimeInterval
from pdelsr.declare.domains.bound_texts import bound_texts
from pdelsr.declare.domains.contract import require_contract
from pdelsr.declare.exact import reference_values, require_reference
from pdelsr.declare.expressions import resolve, sides
from pdelsr.declare.given import (
    Conditions,
    Counts,
    Equations,
    Functions,
    GivenConditions,
    GivenEquations,
    GivenFunction,
    GivenParameters,
    GivenSources,
    GivenUnknowns,
    Parameters,
    Place,
    Reference,
    Samplers,
    Sources,
    Weights,
)
from pdelsr.declare.grid_check import require_covering_grids
from pdelsr.declare.inputs import (
    given_function,
    listed_names,
    read_function,
    read_inputs,
    read_instance,
    require_input_functions,
)
from pdelsr.declare.long_sums import text_of
from pdelsr.declare.reading import (
    read_by_block,
    read_conditions,
    read_count,
    read_equations,
    read_parameters,
    read_sampler,
    read_unknowns,
    read_weight,
)
from pdelsr.declare.reference_check import (
    is_checkable,
    require_evaluable_reference,
    warn_violations,
)
from pdelsr.declare.regions import Interior
from pdelsr.declare.smoothness import require_derivable
from pdelsr.declare.statements import Statement, name_apart, statement_text
from pdelsr.declare.system import System
from pdelsr.declare.transport import warn_jumping_fluxes
from pdelsr.errors import ProblemError
from pdelsr.reference import OfInputs

WARNINGS = (warn_jumping_fluxes, warn_bare_boundary, warn_open_level, warn_backward)


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """A partial differential equation, or a system of them, with conditions on a domain.

    Attributes:
        name: name of the problem in tables and files.
        domain: where it is posed; `Interval(x, -1, 1) * TimeInterval(t, 0, 1)`.
        equations: `sp.Eq(lhs, rhs)`, or expressions meant to be zero, as many as unknowns.
        conditions: Dirichlet, Neumann, Robin, Periodic, Initial, Condition, Observations.
        unknowns: the fields, in the order of the network's outputs. By default those of the
            equations: first equation first, by name within an equation.
        parameters: values of named parameters, by symbol or by name; stored by name.
        reference: the exact or a trusted solution: a sympy expression, a callable of the points
            (n, d) or of the coordinates, a mapping from unknowns to these, or None.
        points: number of collocation points, for all blocks or by block name.
        sampler: sampler of the points, for all blocks or by block name.
        weights: weights of the blocks, by block name, above 0; 1 by default.
        inputs: where input functions come from, by `input_function` or by name: an object with
            `sample(n, seed)`, which gives n functions of arrays (n,), or None.
        instance: the input functions of one instance, by name; see `at`.

    Raises:
        ProblemError: the symbols show a mistake; the message quotes the user's names.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x, t = pl.coordinates("x t")
        >>> u, D = pl.unknown("u", x, t), sp.Symbol("D")
        >>> problem = pl.Problem(
        ...     name="heat",
        ...     domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
        ...     equations=[sp.Eq(u.diff(t), D * u.diff(x, 2))],
        ...     conditions=[pl.Initial(sp.Eq(u, sp.sin(sp.pi * x))), pl.Dirichlet(u, 0)],
        ...     parameters={D: sp.Rational(1, 10)},
        ... )
        >>> print(problem)
        problem heat
        unknowns: u(x, t)
        parameters: D = 1/10
        (Interval x in [0, 1]) * ...
        statements:
          equation: u_t = D*u_xx  on interior
          initial u: u = sin(pi*x)  on t=0
          dirichlet u: u = 0  on x=0, x=1
        >>> problem.with_parameters(D=sp.Rational(1, 2)).parameters
        {'D': 1/2}
    """

    name: Name
    domain: Place
    equations: Equations
    conditions: Conditions = ()
    unknowns: Unknowns = LEFT_OUT
    parameters: Parameters = LEFT_OUT
    reference: Reference | None = None
    points: Counts = None
    sampler: Samplers = None
    weights: Weights = LEFT_OUT
    inputs: Sources = LEFT_OUT
    instance: Functions = LEFT_OUT

    if TYPE_CHECKING:

        def __init__(
            self,
            name: Name,
            domain: Domain,
            equations: GivenEquations,
            conditions: GivenConditions = (),
            unknowns: GivenUnknowns = None,
            parameters: GivenParameters = None,
            reference: Reference | None = None,
            points: Counts = None,
            sampler: Samplers = None,
            weights: Weights | None = None,
            inputs: GivenSources = None,
            instance: Functions | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ProblemError(f"Problem: expected a name as text, got {self.name!r}.")
        if not isinstance(self.domain, Domain):
            raise ProblemError(
                f"Problem, domain: expected a domain such as Interval(x, 0, 1), got {self.domain}"
                f"{_alone(self.domain)}."
            )
        require_contract(self.domain)
        equations = read_equations(self.equations)
        self._set("equations", equations)
        self._set("conditions", read_conditions(self.conditions))
        self._set("unknowns", read_unknowns(self.unknowns, equations))
        self._set("parameters", read_parameters(self.parameters, self.domain))
        self._set("instance", read_instance(self.instance))
        self._set("inputs", read_inputs(self.inputs))
        self._check()

    @cached_property
    def system(self) -> System:
        """The mathematics alone: statements with unique names, ready to compile."""
        order = self._equation_system.order
        conditions = (statements_of(c, self.domain, order) for c in self.conditions)
        listed = [*self._equation_system.statements, *(s for group in conditions for s in group)]
        resolved = [self._resolved(s) for s in listed]
        return self._system_of(name_apart(resolved))

    @cached_property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Conditions that disagree where they meet by more than rounding, the largest first."""
        return disagreements(self.system)

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """The coordinates of the domain, space first, then time."""
        return self.domain.coordinates

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every equality of the problem; block names are their names."""
        return self.system.statements

    @cached_property
    def is_linear(self) -> bool:
        """Whether every equation and condition is affine in the unknowns."""
        return self.system.is_linear

    def order(self, u: sp.Expr, coordinate: sp.Symbol | None = None) -> int:
        """The highest derivative order of `u` in the equations, in all or along one coordinate."""
        return self.system.order(u, coordinate)

    def with_parameters(self, /, **values: GivenNumber) -> Problem:
        """The same problem with other values of some parameters.

        Raises:
            ProblemError: the problem has no parameter of this name.
        """
        for name in values:
            if name not in self.parameters:
                raise ProblemError(
                    f"with_parameters({name}=...): the problem has no such parameter; it has "
                    f"{', '.join(self.parameters) or 'none'}."
                )
        return replace(self, parameters={**self.parameters, **values})

    @cached_property
    def missing_inputs(self) -> tuple[str, ...]:
        """Names of the input functions that are not given; a parametric problem has some."""
        names = dict.fromkeys(a.name for a in self.system.input_functions)
        return tuple(name for name in names if name not in self.instance)

    def at(self, /, *function: GivenFunction, **functions: GivenFunction) -> Problem:
        """The ordinary problem for one choice of the input functions.

        Args:
            *function: the input function, where the problem has just one.
            **functions: input functions by name. Each is a function of arrays (n,), one for each
                argument, or an array of values at equidistant sensors over its coordinate, the
                ends included, through which a cubic spline is drawn.

        Raises:
            ProblemError: a name is not an input function, one is missing, or a value is neither a
                function nor an array.
        """
        names: list[str] = sorted({a.name for a in self.system.input_functions})
        if function:
            if len(function) > 1 or functions or len(names) != 1:
                raise ProblemError(
                    f"at: give the functions by name; the problem has {listed_names(names)}."
                )
            functions = dict(zip(names, function, strict=True))
        for name in functions:
            if name not in names:
                raise ProblemError(
                    f"at({name}=...): the problem has no such input function; it has "
                    f"{listed_names(names)}."
                )
        read = {name: read_function(name, f, self.system) for name, f in functions.items()}
        given = {**self.instance, **read}
        missing = [name for name in names if name not in given]
        if missing:
            raise ProblemError(
                f"at: the input function {missing[0]} is missing; give {missing[0]}=function."
            )
        return replace(self, instance=given)

    def reference_values(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """The values of the reference at points, one column for each unknown.

        Args:
            points: points, (n, d), columns in the order of the coordinates.

        Raises:
            ProblemError: there is no reference, it has the wrong shape, or a value is not finite.
        """
        reference = self.reference
        if isinstance(reference, OfInputs):
            if self.missing_inputs:
                raise ProblemError(
                    "the reference belongs to one instance: give "
                    f"{listed_names(self.missing_inputs)} by problem.at(...) first."
                )
            reference = reference.bind({k: given_function(f) for k, f in self.instance.items()})
        return reference_values(reference, self.system, points.copy())  # it may be changed

    def __str__(self) -> str:
        """The problem as understood, line by line."""
        lines = [f"problem {self.name}", f"unknowns: {', '.join(map(str, self.unknowns))}"]
        if self.parameters:
            values = (f"{name} = {text_of(value)}" for name, value in self.parameters.items())
            lines.append(f"parameters: {', '.join(values)}")
        if self.missing_inputs:
            lines.append(f"input functions: {', '.join(self.missing_inputs)}")
        lines += [str(self.domain), "statements:"]
        return "\n".join([*lines, *map(self._line, self.statements)])

    def __repr__(self) -> str:
        return f"<Problem {self.name}: {len(self.statements)} statements on {self.domain.title}>"

    @cached_property
    def _equation_system(self) -> System:
        """The equations alone, which some conditions need."""
        n, where = len(self.equations), Interior(self.domain)
        names = ["equation"] if n == 1 else [f"equation {i + 1}" for i in range(n)]
        statements = tuple(
            self._resolved(Statement(name, "equation", *sides(e), where, name))
            for name, e in zip(names, self.equations, strict=True)
        )
        return self._system_of(statements)

    def _system_of(self, statements: tuple[Statement, ...]) -> System:
        return System(self.domain, self.unknowns, self.parameters, statements, self.instance)

    def _resolved(self, statement: Statement) -> Statement:
        """The statement with its derivatives carried out, if that is allowed."""
        require_coordinate_derivatives(statement, self.domain.coordinates)
        require_plain_normal_derivatives(statement)
        require_derivable(statement, self._system_of(()))
        space = self.domain.space.coordinates
        lhs, rhs = resolve(statement.lhs, space), resolve(statement.rhs, space)
        return replace(statement, lhs=lhs, rhs=rhs)

    def _line(self, statement: Statement) -> str:
        text = statement_text(statement, self.coordinates)
        where = "" if statement.kind == "periodic" else f"  on {statement.region.label}"
        return f"  {statement.name}: {text}{where}"

    def _check(self) -> None:
        for check in UNKNOWN_CHECKS:
            check(self._system_of(()))
        for check in EQUATION_CHECKS:
            check(self._equation_system)
        for check in SYSTEM_CHECKS:
            if not (self.instance and check in WARNINGS):  # the parametric one has warned
                check(self.system)
        if not self.instance:
            warn_disagreements(self.disagreements)
        require_reference(self.reference, self.system)
        require_covering_grids(self.reference, self.system)
        if is_checkable(self.reference) and not self.system.input_functions:
            require_evaluable_reference(self.reference, self.system)
            warn_violations(self.reference, self.system)
        require_input_functions(self.inputs, self.instance, self.system)
        names = [s.name for s in self.statements]
        self._set("points", read_by_block(self.points, names, "points", read_count))
        self._set("sampler", read_by_block(self.sampler, names, "sampler", read_sampler))
        weights = {} if self.weights is LEFT_OUT else self.weights
        self._set("weights", read_by_block(weights, names, "weights", read_weight))

    def _set(self, field: str, value: object) -> None:
        object.__setattr__(self, field, value)


def _alone(domain: object) -> str:
    """What to write instead of time alone."""
    if not isinstance(domain, TimeInterval):
        return ""
    t, (start, end) = domain.coordinate, bound_texts(*domain.bounds)
    return (
        f": for an ordinary differential equation in {t} write Interval({t}, {start}, {end}), with "
        f"Dirichlet(u, u0, on='{t}={start}')"
    )
