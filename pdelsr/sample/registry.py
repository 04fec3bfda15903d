"""Samplers by name, for the command line and for files."""

from __future__ import annotations

from pdelsr.sample.samplers import (
    GaussLegendre,
    Grid,
    Halton,
    LatinHypercube,
    Sobol,
    Uniform,
    UnitSampler,
)

SAMPLERS: dict[str, UnitSampler] = {
    type(s).__name__.lower(): s
    for s in (Uniform(), LatinHypercube(), Sobol(), Halton(), Grid(), GaussLegendre())
}
