"""f(q + J V y) of a stacked residual: places, their linear systems, and steps between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Directions, Jets, StackedResidual
from pdelsr.linearize.products import forms_rows
from pdelsr.linearize.tangent_model import TangentModel, tangent_model
from pdelsr.lstsq import LeastSquares, System
from pdelsr.lstsq.system import CHUNK, require_finite
from pdelsr.processes import Group
from pdelsr.solvers.refinement.reduced import Place, Reduced, Step

CORRECTIONS = 4  # steps with the factors of one linearization, at most
HALVINGS = 6  # of a step that does not lower the residual
DECREASE = 0.95  # a step that gains less is the last one; far from the solution, steps gain little


@dataclass(frozen=True, eq=False)
class TangentPlace(Place):
    """A refined predictor on the points of a residual.

    Args:
        model: u(y).
        jets: of u(y).
        f: the residual there, (n,).
    """

    model: TangentModel
    jets: Jets
    f: Float[Tensor, " n"]

    def system(self) -> TangentSystem:
        return TangentSystem(self)


@dataclass(frozen=True, eq=False)
class TangentSystem(System):
    """A = G(u) V with G = ∂f/∂θ, and b = A y − f.

    Args:
        place: where f is linearized.
    """

    place: TangentPlace

    @property
    def shape(self) -> tuple[int, int]:
        return self.place.model.residual.row_count, self.place.model.directions.rank

    @property
    def like(self) -> Tensor:
        return self.place.model.residual.like

    @property
    def group(self) -> Group:
        return self.place.model.residual.row_group

    @property
    def b(self) -> Float[Tensor, " n"]:
        return self.times(self.place.y) - self.place.f

    def dense(self) -> tuple[Float[Tensor, "n r"], Float[Tensor, " n"]]:
        A = self.place.model.matrix(self.place.jets)
        b = A @ self.place.y - self.place.f
        require_finite(b, b)  # 0 · NaN is NaN, so this checks every entry of A
        return A, b

    def chunks(self) -> Iterator[tuple[Float[Tensor, "c r"], Float[Tensor, " c"]]]:
        for part, rows in self._rows():
            b = rows @ self.place.y - self.place.f[part]
            require_finite(b, b)
            yield rows, b

    def _rows(self) -> Iterator[tuple[slice, Float[Tensor, "c r"]]]:
        """Chunks of rows; A is formed by columns if a single row of G is too long."""
        model, jets = self.place.model, self.place.jets
        if model.phi is not None or forms_rows(model.residual, model.directions):
            yield from model.rows(jets)
            return
        A = model.matrix(jets)
        starts = range(0, len(A), CHUNK)
        yield from ((slice(k, k + CHUNK), A[k : k + CHUNK]) for k in starts)

    def times(self, y: Float[Tensor, " r"]) -> Float[Tensor, " n"]:
        return self.group.together(lambda: self.place.model.times(y, self.place.jets))

    def transpose_times(self, w: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        found = self.group.together(lambda: self.place.model.transpose_times(w, self.place.jets))
        return self.group.sum(found)


class TangentProblem(Reduced):
    """f(q + J V y) on the points of a residual.

    Args:
        residual: on the points to fit.
        directions: V.
        newton_steps: largest number of steps.
        forms_matrix: whether the solver forms A.
    """

    slow: ClassVar[float] = DECREASE

    def __init__(
        self,
        residual: StackedResidual,
        directions: Directions,
        newton_steps: int,
        forms_matrix: bool = True,
    ) -> None:
        self._model = residual.row_group.together(
            lambda: tangent_model(residual, directions, newton_steps, forms_matrix)
        )

    @property
    def rank(self) -> int:
        return self._model.directions.rank

    @property
    def is_linear(self) -> bool:
        return self._model.residual.is_linear

    def at(self, y: Float[Tensor, " r"]) -> TangentPlace:
        model = self._model

        def found() -> tuple[Jets, Tensor]:
            jets = model.jets(y) if y.any() else model.origin
            return jets, model.residual.values(jets)

        jets, f = model.residual.row_group.together(found)
        return TangentPlace(y, model.residual.row_group.norm(f), model, jets, f)

    def step(
        self,
        place: Place,
        target: Float[Tensor, " r"],
        left_over: Callable[[], float | None],
        alone: bool,
    ) -> Step | None:
        """The longest step y + 2⁻ᵏ (target − y) with a residual below that at y.

        An only step is taken in full, as in the published method.
        """
        for k in range(1 if alone else HALVINGS + 1):
            tried = self.at(place.y + 0.5**k * (target - place.y))
            whole = alone and math.isfinite(tried.size)
            if tried.size < place.size or whole:
                return Step(tried, 0.5**k)
        return None

    def corrected(
        self, place: Place, solver: LeastSquares, state: object, stop: Callable[[], bool]
    ) -> Place:
        """Further steps with the same factors, as long as they help.

        This is the simplified Newton method on nonlinear problems, and iterative refinement on
        linear ones (Björck 1996, Numerical Methods for Least Squares Problems, section 2.9).
        """
        assert isinstance(place, TangentPlace)
        for _ in range(CORRECTIONS if solver.serves_again else 0):
            if stop():
                break
            tried = self.at(place.y + solver.compute(state, -place.f).solution)
            if not tried.size < DECREASE * place.size:
                break
            place = tried
        return place
