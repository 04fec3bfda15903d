"""The conditioning study of a refinement: why it needs a direct solve, and up to which rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.lstsq.iterative import ITERATIVE
from pdelsr.regression.refined import RefinedModule
from pdelsr.results.findings import Findings
from pdelsr.results.pictures import Figure
from pdelsr.results.study import Study, against_data, against_iterations, against_rank, spectra
from pdelsr.solvers.state.settings import require_whole


@dataclass(frozen=True)
class Diagnosis(Findings):
    """The result of `diagnose`; all arrays are fp64 and on the CPU.

    A loss is the mean over samples of ‖F‖² of the linearized problem on the data of the fit, unless
    said otherwise; an error is a root mean square.

    Attributes:
        rank: r of the step and of the solvers.
        basis_values: singular values of the drawn rows of J along V, in the scaling of these rows;
            None if V is random, or all parameters.
        system_values: singular values of A = (∂F/∂q) J V on all data, in all columns.
        ranks: k, up to all columns.
        losses: at rank k.
        delta_norms: ‖y‖ at rank k.
        conditions: of the k leading columns of A, infinite if one is zero.
        errors: root mean square of ‖F‖ over the given samples at rank k, as `at_rank(k)` predicts.
        modes: J v of the leading directions at the given inputs, (modes, n, outputs).
        mode_values: their singular values, from basis_values if known. Otherwise the directions are
            singular vectors of A, and these are the first of system_values.
        inputs: at which the modes are given, (n, …) each.
        shares: s of the step θ + s δ.
        nonlinear_losses: mean of ‖F‖² over the given samples, of the module at θ + s δ.
        linear_losses: the same of q + s J δ.
        iterations: after which the iterative solvers are evaluated.
        iterative: by solver, the losses after these iterations, at rank r.
        direct: the loss of the direct solve at rank r.
        seconds: by solver, for all iterations.
    """

    def summary(self) -> str:
        """Ranks and solvers in two tables of at most 88 columns."""
        from pdelsr.results.diagnosis_text import diagnosis_text

        return diagnosis_text(self)

    def __str__(self) -> str:
        return self.summary()

    def plot(self, path: str | Path | None = None, dpi: int = 150) -> Figure:
        """One figure of all results.

        Args:
            path: also write it there; the ending chooses the format.
            dpi: dots per inch of the file.

        Returns:
            A `matplotlib.figure.Figure`.

        Raises:
            SettingsError: an ending, a folder or a resolution does not fit.
        """
        # Delayed: matplotlib is slow to load.
        return import_module("pdelsr.results.plot.diagnosis").draw_diagnosis(self, path, dpi)


def diagnose(
    refined: RefinedModule,
    inputs: Tensor | Sequence[Tensor] | None = None,
    targets: Tensor | None = None,
    *,
    modes: int = 6,
    iterations: int = 1000,
    solvers: Sequence[str] = tuple(ITERATIVE),
) -> Diagnosis:
    """Study the conditioning of a refinement, from its stored factors.

        min_y ‖A y − b‖ ,   A = (∂F/∂q) J V ,   b = A y₀ − F    (Cao and Zhang 2026)

    Spectrum, losses, norms and conditions against the rank, and iterative solvers beside the direct
    one (Figs. 2c, 4c, S1) need no data. Inputs add the functions J v (Fig. S6); inputs and targets
    add errors against the rank, and the losses along the step with and without linearization (Fig.
    S9). The factors belong to the last linearization, or to the first one if rank="auto". For
    another rank, use `diagnose(refined.at_rank(k), …)`.

    Args:
        refined: as `refine` returns it. If its rank is 0, all of its factors are studied.
        inputs: with one row per sample; several in a tuple.
        targets: with one row per sample, as in `refine`.
        modes: number of directions to evaluate at the inputs.
        iterations: of each iterative solver.
        solvers: names, out of "adam" (learning rate 0.01 where σ_max(A) = ‖Aᵀb‖ = 1), "lbfgs",
            "cgls", "lsqr" and "lsmr".

    Raises:
        SettingsError: the module has no factors, like a loaded one, an option is out of range, or
            the data do not fit the module.

    Example:
        >>> import torch
        >>> import pdelsr as pl
        >>> seeded = torch.manual_seed(0)
        >>> layers = torch.nn.Linear(1, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1)
        >>> model = torch.nn.Sequential(*layers)
        >>> x = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
        >>> refined = pl.refine(model, x, torch.sin(3 * x), rank=20)
        >>> diagnosis = pl.diagnose(refined, iterations=10, solvers=["cgls"])
        >>> bool(diagnosis.direct < diagnosis.iterative["cgls"][-1])
        True
    """
    if not isinstance(refined, RefinedModule):
        raise SettingsError(f"diagnose takes what refine returned, not a {type(refined).__name__}.")
    _require_options(inputs, targets, modes, iterations, solvers)
    study = Study.of(refined)
    return Diagnosis(
        rank=study.rank,
        **spectra(study),
        **against_rank(study),
        **against_data(study, inputs, targets, modes),
        **against_iterations(study, iterations, solvers),
    )


def _require_options(
    inputs: Any, targets: Tensor | None, modes: int, iterations: int, solvers: Sequence[str]
) -> None:
    require_whole("modes", modes, 1)
    require_whole("iterations", iterations, 1)
    if isinstance(solvers, str):
        raise SettingsError(f"solvers is {solvers!r}: give a list of names, as [{solvers!r}].")
    for name in solvers:
        if name not in ITERATIVE:
            raise SettingsError(f"solvers has {name!r}: choose out of {', '.join(ITERATIVE)}.")
    if targets is not None and inputs is None:
        raise SettingsError("targets are given without inputs: give both, or neither.")
