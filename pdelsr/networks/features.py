"""Fixed input features: normalization, periodic embedding, Fourier features."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.networks.activations import ACTIVATIONS
from pdelsr.networks.index_set import IndexSet
from pdelsr.networks.taylor import compose


class Features(nn.Module):
    """x ↦ [normalized x | cos, sin of the periodic coordinates | cos, sin(B x)], with its jets.

    Normalization maps the bounding box to zero mean and unit variance of the uniform
    distribution, as z-scored inputs would have. A periodic coordinate appears only through
    cos and sin of 2πj(x − low)/period, j = 1 … harmonics, so the network is exactly periodic.

    Args:
        bounds: (low, high) of each coordinate; empty for no normalization.
        periodic: period of each periodic coordinate, by its position.
        harmonics: number of harmonics of a periodic coordinate.
        fourier: number of random Fourier features appended; 0 for none.
        fourier_scale: standard deviation of their frequencies in normalized coordinates.
        generator: draws the frequencies.
    """

    shift: Tensor
    scale: Tensor
    waves: Tensor
    phases: Tensor

    def __init__(
        self,
        in_features: int,
        bounds: list[tuple[float, float]] | None = None,
        periodic: Mapping[int, float] | None = None,
        harmonics: int = 1,
        fourier: int = 0,
        fourier_scale: int | float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        periodic = dict(periodic or {})
        box = torch.tensor(bounds or [(-(3**0.5), 3**0.5)] * in_features, dtype=torch.float64)
        scale = 2 * 3**0.5 / (box[:, 1] - box[:, 0])
        self.plain: list[int] = [i for i in range(in_features) if i not in periodic]
        waves, phases = self._periodic_waves(in_features, box, periodic, harmonics)
        random = fourier_scale * torch.randn(
            fourier, in_features, dtype=torch.float64, generator=generator
        )
        random[:, list(periodic)] = 0.0
        random = random * scale
        waves = torch.cat([waves, random])
        phases = torch.cat([phases, -random @ box.mean(dim=1)])
        self.register_buffer("shift", box.mean(dim=1))
        self.register_buffer("scale", scale)
        self.register_buffer("waves", waves)
        self.register_buffer("phases", phases)

    @staticmethod
    def _periodic_waves(
        d: int, box: Tensor, periodic: Mapping[int, float], harmonics: int
    ) -> tuple[Tensor, Tensor]:
        waves = torch.zeros(len(periodic) * harmonics, d, dtype=torch.float64)
        phases = torch.zeros(len(periodic) * harmonics, dtype=torch.float64)
        for i, (axis, period) in enumerate(periodic.items()):
            for j in range(harmonics):
                waves[i * harmonics + j, axis] = 2 * pi * (j + 1) / period
                phases[i * harmonics + j] = -2 * pi * (j + 1) / period * box[axis, 0]
        return waves, phases

    @property
    def out_features(self) -> int:
        """Width of the feature vector."""
        return len(self.plain) + 2 * len(self.waves)

    def forward(
        self, x: Float[Tensor, "n d"], indices: IndexSet | None = None
    ) -> Float[Tensor, "*A n w"]:
        normalized = ((x - self.shift) * self.scale)[:, self.plain]
        angle = x @ self.waves.T + self.phases
        if indices is None:
            return torch.cat([normalized, torch.cos(angle), torch.sin(angle)], dim=1)
        plain = linear_jet(normalized, torch.diag(self.scale)[self.plain], indices)
        if not len(self.waves):
            return plain
        angle = linear_jet(angle, self.waves, indices)
        sine = compose(ACTIVATIONS["sin"], angle, indices)
        cosine = compose(ACTIVATIONS["sin"], _advanced(angle), indices)
        return torch.cat([plain, cosine, sine], dim=2)


def linear_jet(
    values: Float[Tensor, "n w"], slope: Float[Tensor, "w d"], indices: IndexSet
) -> Float[Tensor, "A n w"]:
    """Jet of an affine function of x: its value, its constant slopes, and zeros."""
    jet = values.new_zeros(len(indices), *values.shape)
    jet[0] = values
    for position, index in enumerate(indices.indices):
        if sum(index) == 1:
            jet[position] = slope[:, index.index(1)]
    return jet


def _advanced(angle: Tensor) -> Tensor:
    """The angle plus π/2, whose sine is the cosine."""
    return torch.cat([(angle[0] + pi / 2)[None], angle[1:]])
