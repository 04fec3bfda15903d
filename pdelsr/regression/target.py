"""The residual of a refinement as a function of the prediction: q − target, or the user's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.networks.forward_mode import jvp
from pdelsr.regression.model import named_in_failure

UserResidual = Callable[[Tensor, Tensor], Tensor]
"""F(q, targets), sample by sample; both have one row per sample, like the data."""
LINEAR = ("absolute", "relative")
"""Residuals by name, which are linear in the prediction: q − t, and (q − t) / ‖t‖."""


@dataclass(frozen=True)
class Residual:
    """F(q, t), flattened to (n, p), and its derivative with respect to q.

    Args:
        function: the user's; None for q − t.
        shape: of the module's output for one sample.
        is_relative: whether q − t is divided by ‖t‖, sample by sample.
    """

    function: UserResidual | None
    shape: tuple[int, ...]
    is_relative: bool = False

    @property
    def is_linear(self) -> bool:
        """Whether F is linear in q."""
        return self.function is None

    def __call__(self, q: Float[Tensor, "n k"], targets: Tensor) -> Float[Tensor, "n p"]:
        if self.function is None:
            difference = q - targets.reshape(len(q), -1)
            return difference * self.weights(targets, q) if self.is_relative else difference
        return self._flat(q, targets)

    def weights(self, targets: Tensor, like: Tensor) -> Float[Tensor, "n 1"]:
        """1 / ‖t‖, the factors ∂F/∂q of a relative residual, in the dtype of `like`."""
        flat = targets.reshape(len(targets), -1)
        return 1 / torch.linalg.vector_norm(flat.to(like.dtype), dim=1, keepdim=True)

    def times(
        self, q: Float[Tensor, "n k"], targets: Tensor, JV: Float[Tensor, "n k r"]
    ) -> Float[Tensor, "n p r"]:
        """∂F/∂q · J V."""
        if self.function is None:
            return JV * self.weights(targets, JV)[..., None] if self.is_relative else JV
        return torch.einsum("npk,nkr->npr", self._slopes(q, targets), JV)

    def transpose_times(
        self, q: Float[Tensor, "n k"], targets: Tensor, w: Float[Tensor, "n p"]
    ) -> Float[Tensor, "n k"]:
        """(∂F/∂q)ᵀ w of every sample."""
        return self.transpose_times_many(q, targets, w[:, None])[:, 0]

    def transpose_times_many(
        self, q: Float[Tensor, "n k"], targets: Tensor, w: Float[Tensor, "n j p"]
    ) -> Float[Tensor, "n j k"]:
        """The same for several w of every sample."""
        if self.function is None:
            return w * self.weights(targets, w)[:, None] if self.is_relative else w
        return w @ self._slopes(q, targets)

    def check(self, q: Tensor, targets: Tensor) -> None:
        """Refuse targets or residuals that do not fit the output."""
        n = q.shape[0]
        if self.function is None:
            kind = targets.dtype
            if kind is torch.bool or (kind.is_complex and not q.is_complex()):
                raise SettingsError(
                    f"the targets are {str(kind).removeprefix('torch.')}, and the output is not: "
                    "give numbers, or a residual= that takes them."
                )
            given = tuple(d for d in targets.shape[1:] if d != 1)
            if given != tuple(d for d in self.shape if d != 1):
                hint = ""
                if not targets.is_floating_point():
                    hint = " For classes: residual=lambda q, t: q.softmax(1) - one_hot(t, classes)."
                raise SettingsError(
                    f"the module gives {self.shape} a sample, and the targets are "
                    f"{tuple(targets.shape[1:]) or 'single numbers'}: give targets of the output's "
                    f"shape, or a residual= that compares the two.{hint}"
                )
            if self.is_relative and not targets.reshape(n, -1).any(dim=1).all():
                raise SettingsError(
                    "residual='relative' divides by the norm of the targets of each sample, and "
                    "some are all zero: take 'absolute', or leave these samples out."
                )
            return
        shaped = q.reshape(n, *self.shape)
        try:
            found = self.function(shaped, targets)
            first = self.function(shaped[:1], targets[:1])
        except (RuntimeError, IndexError, TypeError, ValueError) as error:
            raise SettingsError(
                f"residual= fails on predictions {(n, *self.shape)} and targets "
                f"{tuple(targets.shape)}. It said: {error}"
            ) from error
        if not isinstance(found, Tensor) or found.ndim == 0 or found.shape[0] != n:
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise SettingsError(
                f"residual= gives {got} for {n} samples: it must give one tensor with one row a "
                "sample, not a mean or a sum."
            )
        if found[:1].shape != first.shape or not torch.allclose(
            found[:1], first, rtol=1e-4, atol=1e-6, equal_nan=True
        ):
            raise SettingsError(
                "residual= mixes samples: its first row changes when it gets the first sample "
                "alone. Write it sample by sample, without means or norms over them, with the "
                "number of classes in one_hot, and with targets that do not broadcast."
            )

    def _flat(self, q: Tensor, targets: Tensor) -> Tensor:
        assert self.function is not None
        n = q.shape[0]
        return self.function(q.reshape(n, *self.shape), targets).reshape(n, -1)

    def _slopes(self, q: Float[Tensor, "n k"], targets: Tensor) -> Float[Tensor, "n p k"]:
        """∂F/∂q, one forward pass for each output, with that output moved in all samples."""
        columns = []
        for j in range(q.shape[1]):
            direction = torch.zeros_like(q)
            direction[:, j] = 1.0
            with named_in_failure("residual="):
                columns.append(jvp(lambda q: self._flat(q, targets), (q,), (direction,))[1])
        return torch.stack(columns, dim=2)


def residual_of(given: str | UserResidual, shape: tuple[int, ...]) -> Residual:
    """The residual that a user named or wrote.

    Args:
        given: one of `LINEAR`, or a function.
        shape: of the module's output for one sample.
    """
    if isinstance(given, str):
        return Residual(None, shape, given == "relative")
    return Residual(given, shape)
