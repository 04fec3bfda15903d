"""Solve partial differential equations with neural networks to many correct digits."""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pdelsr.declare import (
    AbstractCondition,
    Ball,
    Box,
    Condition,
    Dirichlet,
    Disk,
    Domain,
    Initial,
    Interior,
    Interval,
    Neumann,
    Observations,
    OnParts,
    Part,
    Periodic,
    Placement,
    Polygon,
    Problem,
    Robin,
    Statement,
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
    WorkerError,
)
from pdelsr.lstsq import (
    LSMR,
    LSQR,
    QR,
    Cholesky,
    KernelRidge,
    LeastSquares,
    NormalEquationsWarning,
    StreamingQR,
    TruncatedSVD,
)
from pdelsr.networks import MLP, Activation, FeatureNetwork, ModifiedMLP, Network, UserActivation
from pdelsr.problem_file import load_problem
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
    TensorRule,
    Uniform,
    UnitSampler,
)
from pdelsr.solvers.methods.ilsr import ILSR
from pdelsr.solvers.methods.lsr import LSR
from pdelsr.solvers.methods.pinn import PINN
from pdelsr.solvers.methods.tsonn import TSONN
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.settings import RunSettings
from pdelsr.solvers.state.status import Status
from pdelsr.subspace import (
    Basis,
    Coordinate,
    CountSketch,
    Full,
    Gaussian,
    LastLayer,
    OutputRSVD,
    ResidualRSVD,
)
from pdelsr.version import __version__

if TYPE_CHECKING:
    from pdelsr import operators, plot, reference
    from pdelsr.entry.refine import refine
    from pdelsr.entry.refine_many import refine_many
    from pdelsr.entry.solve import solve
    from pdelsr.entry.solve_many import solve_many
    from pdelsr.operators.instances import Instances
    from pdelsr.operators.physics_training import train_operator
    from pdelsr.regression import RefinedModule
    from pdelsr.results import Solution
    from pdelsr.results.diagnosis import Diagnosis, diagnose
    from pdelsr.results.loading import load
    from pdelsr.results.runs import Runs

LATER = {
    "Diagnosis": "pdelsr.results.diagnosis",
    "Instances": "pdelsr.operators.instances",
    "RefinedModule": "pdelsr.regression",
    "Runs": "pdelsr.results.runs",
    "Solution": "pdelsr.results",
    "diagnose": "pdelsr.results.diagnosis",
    "load": "pdelsr.results.loading",
    "operators": None,
    "plot": None,
    "reference": None,
    "refine": "pdelsr.entry.refine",
    "refine_many": "pdelsr.entry.refine_many",
    "solve": "pdelsr.entry.solve",
    "solve_many": "pdelsr.entry.solve_many",
    "train_operator": "pdelsr.operators.physics_training",
}
"""What solves, refines and draws is loaded at its first use: where each name lives, None for a
module itself. A problem is declared, and methods are chosen, without it."""

logging.getLogger("pdelsr").addHandler(
    logging.NullHandler()
)  # silent unless the user says otherwise

__all__ = [
    "ILSR",
    "LSMR",
    "LSQR",
    "LSR",
    "MLP",
    "PINN",
    "QR",
    "TSONN",
    "AbstractCondition",
    "Activation",
    "Ball",
    "Basis",
    "Box",
    "CallbackError",
    "Cholesky",
    "Condition",
    "ConditionWarning",
    "Coordinate",
    "CountSketch",
    "Diagnosis",
    "Dirichlet",
    "Disk",
    "Domain",
    "Drawn",
    "FeatureNetwork",
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
    "Interior",
    "Interval",
    "KernelRidge",
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
    "OnParts",
    "OutputRSVD",
    "Part",
    "PdelsrError",
    "Periodic",
    "PeriodicField",
    "Placement",
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
    "Runs",
    "Sampler",
    "SettingsError",
    "Sobol",
    "Solution",
    "Statement",
    "Status",
    "StreamingQR",
    "Tabulated",
    "TensorRule",
    "TimeInterval",
    "TimeLimitError",
    "TruncatedSVD",
    "Uniform",
    "UnitSampler",
    "UserActivation",
    "WorkerError",
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
    "solve_many",
    "train_operator",
    "unknown",
]


def __getattr__(name: str) -> Any:
    """A name of `LATER`, at its first use."""
    if name not in LATER:
        raise AttributeError(f"module 'pdelsr' has no attribute {name!r}")
    home = LATER[name]
    found = import_module(f"pdelsr.{name}") if home is None else getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *LATER})
