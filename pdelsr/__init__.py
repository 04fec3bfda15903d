"""Solve partial differential equations with neural networks to many correct digits."""

import logging

from pdelsr import operators, plot, reference
from pdelsr.batch import RefinedModule
from pdelsr.declare import (
    Ball,
    Box,
    Condition,
    Dirichlet,
    Disk,
    Domain,
    Initial,
    Interval,
    Neumann,
    Observations,
    Periodic,
    Polygon,
    Problem,
    Robin,
    TimeInterval,
    coefficient,
    coordinates,
    input_function,
    normal,
    normal_derivative,
    unknown,
)
from pdelsr.errors import (
    CallbackError,
    ConditionWarning,
    FileFormatError,
    MemoryLimitError,
    MissingPackageError,
    PdelsrError,
    ProblemError,
    ReferenceWarning,
    ResolutionWarning,
    SettingsError,
    TimeLimitError,
)
from pdelsr.finetune import Instances, refine, refine_many, train_operator
from pdelsr.lstsq import LSMR, QR, Cholesky, LeastSquares, NormalEquationsWarning, TruncatedSVD
from pdelsr.networks import MLP, Activation, ModifiedMLP, Network, UserActivation
from pdelsr.problem_file import load_problem
from pdelsr.results import Solution
from pdelsr.results.diagnosis import Diagnosis, diagnose
from pdelsr.results.loading import load
from pdelsr.sample import (
    Drawn,
    FunctionSampler,
    GaussianProcess,
    GaussLegendre,
    Grid,
    Halton,
    LatinHypercube,
    PeriodicField,
    Points,
    Sampler,
    Sobol,
    Tabulated,
    Uniform,
)
from pdelsr.solve import solve
from pdelsr.solvers.history import Record
from pdelsr.solvers.ilsr import ILSR
from pdelsr.solvers.lsr import LSR
from pdelsr.solvers.method import Method
from pdelsr.solvers.pinn import PINN
from pdelsr.solvers.settings import RunSettings
from pdelsr.solvers.status import Status
from pdelsr.solvers.tsonn import TSONN
from pdelsr.subspace import (
    Basis,
    Coordinate,
    Full,
    Gaussian,
    LastLayer,
    OutputRSVD,
    ResidualRSVD,
)
from pdelsr.version import __version__

logging.getLogger("pdelsr").addHandler(
    logging.NullHandler()
)  # silent unless the user says otherwise

__all__ = [
    "ILSR",
    "LSMR",
    "LSR",
    "MLP",
    "PINN",
    "QR",
    "TSONN",
    "Activation",
    "Ball",
    "Basis",
    "Box",
    "CallbackError",
    "Cholesky",
    "Condition",
    "ConditionWarning",
    "Coordinate",
    "Diagnosis",
    "Dirichlet",
    "Disk",
    "Domain",
    "Drawn",
    "FileFormatError",
    "Full",
    "FunctionSampler",
    "GaussLegendre",
    "Gaussian",
    "GaussianProcess",
    "Grid",
    "Halton",
    "Initial",
    "Instances",
    "Interval",
    "LastLayer",
    "LatinHypercube",
    "LeastSquares",
    "MemoryLimitError",
    "Method",
    "MissingPackageError",
    "ModifiedMLP",
    "Network",
    "Neumann",
    "NormalEquationsWarning",
    "Observations",
    "OutputRSVD",
    "PdelsrError",
    "Periodic",
    "PeriodicField",
    "Points",
    "Polygon",
    "Problem",
    "ProblemError",
    "Record",
    "ReferenceWarning",
    "RefinedModule",
    "ResidualRSVD",
    "ResolutionWarning",
    "Robin",
    "RunSettings",
    "Sampler",
    "SettingsError",
    "Sobol",
    "Solution",
    "Status",
    "Tabulated",
    "TimeInterval",
    "TimeLimitError",
    "TruncatedSVD",
    "Uniform",
    "UserActivation",
    "__version__",
    "coefficient",
    "coordinates",
    "diagnose",
    "input_function",
    "load",
    "load_problem",
    "normal",
    "normal_derivative",
    "operators",
    "plot",
    "reference",
    "refine",
    "refine_many",
    "solve",
    "train_operator",
    "unknown",
]
