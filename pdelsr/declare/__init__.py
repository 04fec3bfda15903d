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
    Polygon,
    TimeInterval,
)
from pdelsr.declare.problem import Problem
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
    "Interval",
    "Neumann",
    "Observations",
    "Part",
    "Periodic",
    "Polygon",
    "Problem",
    "Robin",
    "TimeInterval",
    "Unknown",
    "coefficient",
    "coordinates",
    "input_function",
    "normal",
    "normal_derivative",
    "unknown",
]
