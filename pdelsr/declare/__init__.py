"""Declaring a problem: symbols, domains, conditions and the problem that holds them."""

from pdelsr.declare.conditions import (
    AbstractCondition,
    Condition,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Robin,
)
from pdelsr.declare.domains import (
    Ball,
    Box,
    Disk,
    Domain,
    Interval,
    Part,
    Placement,
    Polygon,
    TimeInterval,
)
from pdelsr.declare.problem import Problem
from pdelsr.declare.regions import Interior, OnParts
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import (
    Coefficient,
    InputFunction,
    Unknown,
    coefficient,
    coordinates,
    input_function,
    normal,
    normal_derivative,
    unknown,
)

__all__ = [
    "AbstractCondition",
    "Ball",
    "Box",
    "Coefficient",
    "Condition",
    "Dirichlet",
    "Disk",
    "Domain",
    "Initial",
    "InputFunction",
    "Interior",
    "Interval",
    "Neumann",
    "Observations",
    "OnParts",
    "Part",
    "Periodic",
    "Placement",
    "Polygon",
    "Problem",
    "Robin",
    "Statement",
    "TimeInterval",
    "Unknown",
    "coefficient",
    "coordinates",
    "input_function",
    "normal",
    "normal_derivative",
    "unknown",
]
