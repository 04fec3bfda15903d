"""Points of domains and boundaries, and input functions: samplers, sets, refinement."""

from pdelsr.declare.input_samples import InputSample
from pdelsr.declare.sampler import Sampler
from pdelsr.sample.adaptive import refine_by_residual
from pdelsr.sample.functions import (
    Drawn,
    FunctionSampler,
    GaussianProcess,
    PeriodicField,
    Tabulated,
    tabulated,
)
from pdelsr.sample.narrow_data import CROWD_SHARE, SEEN, Crowd, crowding, with_crowd
from pdelsr.sample.point_set import PointSet
from pdelsr.sample.points import (
    FacePair,
    may_crowd,
    sample_interior,
    sample_pair,
    sample_parts,
)
from pdelsr.sample.registry import SAMPLERS
from pdelsr.sample.samplers import (
    GaussLegendre,
    Grid,
    Halton,
    LatinHypercube,
    Points,
    Sobol,
    TensorRule,
    Uniform,
    UnitSampler,
)

__all__ = [
    "CROWD_SHARE",
    "SAMPLERS",
    "SEEN",
    "Crowd",
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
    "TensorRule",
    "Uniform",
    "UnitSampler",
    "crowding",
    "may_crowd",
    "refine_by_residual",
    "sample_interior",
    "sample_pair",
    "sample_parts",
    "tabulated",
    "with_crowd",
]
