"""The conditions of a problem: on the boundary, at the initial time, periodic, and data."""

from pdelsr.declare.conditions.base import AbstractCondition
from pdelsr.declare.conditions.dirichlet import Dirichlet
from pdelsr.declare.conditions.equation import Condition
from pdelsr.declare.conditions.initial import Initial
from pdelsr.declare.conditions.neumann import Neumann
from pdelsr.declare.conditions.observations import Observations
from pdelsr.declare.conditions.periodic import Periodic
from pdelsr.declare.conditions.robin import Robin

__all__ = [
    "AbstractCondition",
    "Condition",
    "Dirichlet",
    "Initial",
    "Neumann",
    "Observations",
    "Periodic",
    "Robin",
]
