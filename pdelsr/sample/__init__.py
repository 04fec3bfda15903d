"""Points of domains and boundaries, and input functions: samplers, sets, refinement."""

from pdelsr.declare.input_samples import InputSample
from pdelsr.sample.adaptive import refine_by_residual
from pdelsr.sample.functions import (
    Drawn,
    FunctionSampler,
    GaussianProcess,
    PeriodicField,
    Tabulated,
    tabulated,
)
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
    "Drawn",
    "FacePair",
    "FunctionSampler",
    "GaussLegendre",
    "GaussianProcess",
    "Grid",
    "Halton",
    "InputSample",
    "LatinHypercube",
    "PeriodicField",
    "PointSet",
    "Points",
    "Sampler",
    "Sobol",
    "Tabulated",
    "Uniform",
    "UnitSampler",
    "refine_by_residual",
    "sample_interior",
    "sample_pair",
    "sample_parts",
    "tabulated",
]
