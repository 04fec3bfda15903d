"""The options of `solve` by method, as type checkers and editors see them.

Every class has the fields of the dataclass of the same options, which documents them; a test
compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import torch
from torch import nn

from pdelsr.lstsq import LeastSquares
from pdelsr.networks import Activation
from pdelsr.sample import Sampler
from pdelsr.solvers.state.history import Record
from pdelsr.subspace import Basis


class RunOptions(TypedDict, total=False):
    """Options of every run; see `RunSettings`."""

    network: nn.Module | None
    grow: bool | None
    points: int | Mapping[str, int] | None
    sampler: Sampler | Mapping[str, Sampler] | None
    weights: Mapping[str, int | float] | None
    balance: bool | None
    hard: bool | None
    tolerance: int | float
    time_limit: int | float
    max_iterations: int | None
    seed: int
    dtype: str | torch.dtype
    device: str | torch.device | None
    callback: Callable[[Record], None] | None
    verbose: bool
    refine: bool
    memory_budget: int | None
    checkpoint: str | Path | None
    checkpoint_every: int | float


class MethodOptions(RunOptions, total=False):
    """Options of every method, besides those of a run; see `Method`."""

    hidden: Sequence[int] | None
    activation: str | Activation | None
    weight_scale: int | float | None
    first_inputs: int | None
    initialization: str
    harmonics: int


class PINNOptions(MethodOptions, total=False):
    """Options of `solve(problem, "pinn")`; see `PINN`."""

    adam_steps: int
    learning_rate: int | float
    decay: int | float
    lbfgs_steps: int
    resample_every: int
    adaptive: bool


class TSONNOptions(MethodOptions, total=False):
    """Options of `solve(problem, "tsonn")`; see `TSONN`."""

    pseudo_time_step: int | float
    inner_steps: int
    optimizer: str
    learning_rate: int | float


class RefinementOptions(MethodOptions, total=False):
    """Options of every linearized refinement; see `RefinerOptions`."""

    basis: str | Basis | None
    rank: int | None
    lstsq: str | LeastSquares
    newton_steps: int


class LSROptions(RefinementOptions, total=False):
    """Options of `solve(problem, "lsr")`; see `LSR`."""

    passes: int


class ILSROptions(RefinementOptions, total=False):
    """Options of `solve(problem, "ilsr")`; see `ILSR`."""

    alignment: str
    alignment_steps: int
    resample_every: int
    adaptive: bool
    pseudo_time_step: int | float
    refine_first: bool | None
    refine_points: int | float | None


class AnyOptions(PINNOptions, TSONNOptions, LSROptions, ILSROptions, total=False):
    """Options of a method whose name is only known at run time."""
