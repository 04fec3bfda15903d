"""A reference that waits for the input functions of a problem."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pdelsr.errors import PdelsrError, ProblemError, described
from pdelsr.reference.checks import Function
from pdelsr.reference.given import Maker


@dataclass(frozen=True, eq=False)
class OfInputs:
    """A reference that waits for the input functions of a problem.

    Args:
        make: makes the reference, a callable of points (n, d), from the functions by name, as
            `antiderivative`, `advection`, `diffusion_reaction` and `periodic_burgers` do.
    """

    make: Maker

    def bind(self, inputs: Mapping[str, Function]) -> Callable[[np.ndarray], np.ndarray]:
        """The reference for these input functions.

        Args:
            inputs: functions of numpy arrays, by the name of the argument of ``make``.

        Raises:
            ProblemError: ``make`` does not take a name, or misses an argument.
        """
        try:
            inspect.signature(self.make).bind(**inputs)
        except TypeError as error:
            raise ProblemError(
                f"OfInputs: {self.name} cannot be made from the inputs "
                f"{', '.join(inputs) or '(none)'}: {error}. Name them as its arguments."
            ) from None
        try:
            return self.make(**inputs)
        except PdelsrError:
            raise
        except Exception as error:  # anything a user's function raises
            raise ProblemError(f"OfInputs: {self.name} fails with {described(error)}.") from error

    def __call__(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """Refused: the input functions are not known here."""
        raise ProblemError(
            f"OfInputs: {self.name} is evaluated after bind(inputs), once the input functions are "
            f"known."
        )

    @property
    def name(self) -> str:
        return getattr(self.make, "__name__", type(self.make).__name__)
