"""Inputs with their small principal components damped, for operators on sampled functions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

SPREAD = 1e-4  # ratio of variances from which small components are hardly determined by the data
MOST = 4096  # numbers in a sample whose components are looked at without being asked for
LEVELS = (0.03, 0.1, 0.3)  # τ that are compared with each other and with no smoothing


@dataclass(frozen=True)
class Smoothing:
    """a ↦ ā + Σ_i w_i v_i ⟨v_i, a − ā⟩ with w_i = σ_i² / (σ_i² + τ² σ_1²), the filter of Wiener.

    v_i and σ_i are the principal components of the input functions and their standard deviations.
    Components much smaller than τ σ_1 are damped. A trained network depends on them in its own
    way, which few samples do not correct, while an operator such as a diffusion hardly depends on
    them. What no sample of the fit has is dropped, as its σ is 0.

    Args:
        mean: ā, (s,), of the flattened inputs.
        modes: v_i, (s, j), orthonormal.
        weights: w_i, (j,).
        level: τ.
    """

    mean: Float[Tensor, " s"]
    modes: Float[Tensor, "s j"]
    weights: Float[Tensor, " j"]
    level: float

    def __call__(self, inputs: Tensor) -> Tensor:
        """The smooth inputs (n, …), in their own shape."""
        centred = inputs.flatten(1) - self.mean
        found = self.mean + ((centred @ self.modes) * self.weights) @ self.modes.T
        return found.reshape(inputs.shape)


def smoothing_of(inputs: Tensor, level: float) -> Smoothing:
    """The smoothing with one level τ.

    Args:
        inputs: those of the fit, (n, …), in the dtype of the refinement.
        level: τ.
    """
    mean, variances, modes = _components(inputs)
    return _smoothing(mean, variances, modes, level)


def smoothings(inputs: Tensor) -> list[Smoothing]:
    """The smoothings that are worth a trial; none where all components are of similar size.

    Args:
        inputs: those of the fit, (n, …), in the dtype of the refinement.
    """
    if inputs[0].numel() > MOST:
        return []
    mean, variances, modes = _components(inputs)
    last = min(len(inputs) - 2, len(variances) - 1)  # centred samples span one dimension less
    if last < 1 or not variances[last] < SPREAD * variances[0]:
        return []
    return [_smoothing(mean, variances, modes, level) for level in LEVELS]


def _components(inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, variances in falling order, and principal components of flattened inputs."""
    flat = inputs.flatten(1)
    mean = flat.mean(0)
    _, values, Vh = torch.linalg.svd(flat - mean, full_matrices=False)
    return mean, values.square(), Vh.T.contiguous()


def _smoothing(mean: Tensor, variances: Tensor, modes: Tensor, level: float) -> Smoothing:
    weights = variances / (variances + level**2 * variances[0])
    return Smoothing(mean, modes, weights.nan_to_num(1.0), level)


class SmoothInputs(nn.Module):
    """A smoothing whose tensors move with the module that it belongs to."""

    mean: Tensor
    modes: Tensor
    weights: Tensor

    def __init__(self, smoothing: Smoothing) -> None:
        super().__init__()
        self.level = smoothing.level
        for name in ("mean", "modes", "weights"):
            self.register_buffer(name, getattr(smoothing, name))

    @property
    def smoothing(self) -> Smoothing:
        """With the tensors as they are now."""
        return Smoothing(self.mean, self.modes, self.weights, self.level)

    def get_extra_state(self) -> dict[str, float]:
        """The level, beside the tensors."""
        return {"level": self.level}

    def set_extra_state(self, state: dict[str, float]) -> None:
        """Take over the level."""
        self.level = state["level"]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.smoothing(inputs)
