"""Domains in space and time, and the named parts of their boundaries."""

from pdelsr.declare.domains.ball import Ball, Disk
from pdelsr.declare.domains.base import Domain
from pdelsr.declare.domains.box import Box
from pdelsr.declare.domains.csg import Difference, Intersection, Union
from pdelsr.declare.domains.given import On
from pdelsr.declare.domains.interval import Interval
from pdelsr.declare.domains.part import BoundaryPoints, Part, Placement
from pdelsr.declare.domains.polygon import Polygon
from pdelsr.declare.domains.predicate import PredicatePart
from pdelsr.declare.domains.product import SpaceTime
from pdelsr.declare.domains.time_interval import TimeInterval

__all__ = [
    "Ball",
    "BoundaryPoints",
    "Box",
    "Difference",
    "Disk",
    "Domain",
    "Intersection",
    "Interval",
    "On",
    "Part",
    "Placement",
    "Polygon",
    "PredicatePart",
    "SpaceTime",
    "TimeInterval",
    "Union",
]
