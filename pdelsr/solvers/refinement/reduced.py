"""The contract of reduced problems: f as a function of y, where u = q + J V y."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq import LeastSquares, System


@dataclass(frozen=True, eq=False)
class Place(ABC):
    """Some y, and f there.

    Args:
        y: the reduced unknowns, (r,).
        size: ‖f‖.
    """

    y: Float[Tensor, " r"]
    size: float

    @abstractmethod
    def system(self) -> System:
        """min_z ‖f(y) + A(y) (z − y)‖, for the whole z: b = A y − f."""


@dataclass(frozen=True, eq=False)
class Step:
    """A step that lowered the residual.

    Args:
        to: the new place.
        share: of the way to the solution of the linear problem, from 0 to 1.
    """

    to: Place
    share: float


class Reduced(ABC):
    """f(q + J V y) on the points of a problem or on the samples of a data set.

    Attributes:
        slow: a step that leaves more than this share of the residual is the last one.
    """

    slow: ClassVar[float]

    @property
    @abstractmethod
    def rank(self) -> int:
        """r."""

    @property
    @abstractmethod
    def is_linear(self) -> bool:
        """Whether one linearization is the whole problem."""

    @abstractmethod
    def at(self, y: Float[Tensor, " r"]) -> Place:
        """The place with these unknowns."""

    @abstractmethod
    def step(
        self,
        place: Place,
        target: Float[Tensor, " r"],
        left_over: Callable[[], float | None],
        alone: bool,
    ) -> Step | None:
        """The best of the shortened steps; None if none lowers the residual.

        Args:
            place: where the step begins.
            target: the solution of the linear problem there.
            left_over: ‖A y − b‖ of the solution; None if the solver does not know.
            alone: whether it is the only step, as in the published method.
        """

    def corrected(
        self, place: Place, solver: LeastSquares, state: object, stop: Callable[[], bool]
    ) -> Place:
        """The place after further steps with the same factors; the same place if none pays.

        Args:
            place: after a step.
            solver: of the linear problem.
            state: its factors.
            stop: True if the time is up.
        """
        return place
