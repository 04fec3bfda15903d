"""Systems of reaction and diffusion on a period, from initial values that are input functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
from jaxtyping import Complex

from pdelsr.errors import ProblemError, described
from pdelsr.reference.checks import Function, require_function, require_number
from pdelsr.reference.fourier import Fourier
from pdelsr.reference.periodic import PeriodicMarch, march_settings

if TYPE_CHECKING:
    Reaction: TypeAlias = Callable[..., Sequence[np.ndarray]]
    Starts: TypeAlias = Sequence[Function]
    Coefficients: TypeAlias = Sequence[int | float]
else:
    Reaction = Starts = Coefficients = object  # checked here, with messages for the user


@dataclass(frozen=True, eq=False)
class ReactionDiffusion(PeriodicMarch):
    """The reference that `reaction_diffusion` makes."""

    title: ClassVar[str] = "reaction_diffusion"

    diffusion: tuple[float, ...]
    reaction: Reaction

    def linear(self, space: Fourier) -> Complex[np.ndarray, "k m"]:
        return np.array(self.diffusion)[:, None] * space.derivative(2)

    def nonlinear(
        self, space: Fourier, v: Complex[np.ndarray, "k m"]
    ) -> Complex[np.ndarray, "k m"]:
        u = space.values(v)
        try:
            rates = [np.broadcast_to(rate, u[0].shape) for rate in self.reaction(*u)]
        except Exception as error:  # anything a user's function raises
            raise ProblemError(
                f"reaction_diffusion: reaction fails with {described(error)}: it is called with an "
                f"array for each of the {len(u)} fields."
            ) from error
        if len(rates) != len(u):
            raise ProblemError(
                f"reaction_diffusion: reaction gives {len(rates)} rate(s) for {len(u)} field(s): "
                "expected one for each."
            )
        return space.transform(np.stack(rates))


def reaction_diffusion(
    start: Starts,
    diffusion: Coefficients,
    reaction: Reaction,
    x: tuple[int | float, int | float] = (0, 1),
    time: int | float = 1.0,
    modes: int = 64,
    steps: int = 200,
    panels: int = 8,
) -> ReactionDiffusion:
    """Reaction and diffusion of several fields on a period, by Fourier series and ETDRK4.

        ∂_t u_i = D_i ∂_x² u_i + R_i(u_1, …, u_k),    u_i(x, 0) = a_i(x)

    Args:
        start: a_i, functions of numpy arrays that are smooth on the period.
        diffusion: D_i, positive or zero.
        reaction: R, a function of k arrays that gives k arrays.
        x: the period (low, high).
        time: final time, positive.
        modes: wave numbers kept.
        steps: least number of time steps; they are doubled up to four times, until they suffice.
        panels: panels of time for the dense output, of which the first is split towards t = 0.

    Returns:
        A callable of points (n, 2), columns x (any) and t, that gives all fields, (n, k), or (n,)
        for one. ``.doubled()`` is the same at doubled resolution.

    Raises:
        ProblemError: there are not as many coefficients as functions, or a number is wrong; at the
            first call, modes, steps or panels do not resolve the solution to 1e-10.

    Example:
        >>> import numpy as np
        >>> decay = reaction_diffusion([np.cos], [0.0], lambda u: (-u,), x=(0, 2 * np.pi))
        >>> bool(abs(decay(np.array([[0.0, 1.0]]))[0] - np.exp(-1)) < 1e-10)
        True
    """
    name = "reaction_diffusion"
    if not isinstance(start, Sequence) or not isinstance(diffusion, Sequence):
        raise ProblemError(f"{name}: give start and diffusion as lists, an entry for each field.")
    functions = tuple(require_function(a, f"{name}: start") for a in start)
    coefficients = tuple(require_number(D, f"{name}: diffusion") for D in diffusion)
    if len(functions) != len(coefficients) or not functions or min(coefficients) < 0:
        raise ProblemError(
            f"{name}: {len(functions)} functions, and diffusion = {coefficients}: expected "
            "as many coefficients, none negative."
        )
    if not callable(reaction):
        raise ProblemError(f"{name}: reaction = {reaction!r}; expected a function of the fields.")
    return ReactionDiffusion(
        functions,
        *march_settings(name, x, time, modes, steps, panels),
        coefficients,
        reaction,
    )
