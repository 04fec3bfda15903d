"""Points of domains and boundaries: samplers, point sets, residual-adaptive refinement."""

from pdelsr.sample.adaptive import refine_by_residual
from pdelsr.sample.points import FacePair, PointSet, sample_interior, sample_pair, sample_parts
from pdelsr.sample.samplers import (
    UNIT_SAMPLERS,
    GaussLegendre,
    Grid,
    Halton,
    LatinHypercube,
    Points,
    Sampler,
    Sobol,
    Uniform,
    UnitSampler,
)

__all__ = [
    "UNIT_SAMPLERS",
    "FacePair",
    "GaussLegendre",
    "Grid",
    "Halton",
    "LatinHypercube",
    "PointSet",
    "Points",
    "Sampler",
    "Sobol",
    "Uniform",
    "UnitSampler",
    "refine_by_residual",
    "sample_interior",
    "sample_pair",
    "sample_parts",
]
