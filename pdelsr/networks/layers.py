"""The affine layer on jets, which records the factors of the Jacobian rows."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.networks.base import Network, require_trainable
from pdelsr.networks.index_set import IndexSet


@dataclass
class Tape:
    """Input and output jets of the affine layers in one evaluation, by layer."""

    entries: dict[nn.Module, tuple[Tensor, Tensor]] = field(default_factory=dict)


RECORDING: ContextVar[Tape | None] = ContextVar("RECORDING", default=None)
"""The tape of this thread, while it records."""

CACHE_BYTES = 4 * 2**20  # fresh memory costs more than the products: measured 6 times faster


class Affine(nn.Module):
    """z = a Wᵀ + b on values (n, w) and on jets (A, n, w); only the value gets the bias.

    It is created in float64, so that a seed gives the same weights in every dtype.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight: nn.Parameter = nn.Parameter(
            torch.empty(out_features, in_features, dtype=torch.float64)
        )
        self.bias: nn.Parameter = nn.Parameter(torch.zeros(out_features, dtype=torch.float64))

    def forward(self, a: Float[Tensor, "*A n i"]) -> Float[Tensor, "*A n o"]:
        if a.ndim == 2:
            return torch.addmm(self.bias, a, self.weight.T)
        z = a @ self.weight.T
        z = torch.cat([(z[0] + self.bias)[None], z[1:]])
        tape = RECORDING.get()
        if tape is not None:
            tape.entries[self] = (a.detach(), z)
        return z

    def along(
        self, a: Float[Tensor, "B n i"], step: tuple[Tensor, Tensor]
    ) -> Float[Tensor, "B n o"]:
        """z of a jet whose second half is the derivative of the first along a direction of θ:

            z = a Wᵀ + b ,   ∂z = ∂a Wᵀ + a ∂Wᵀ + ∂b

        Args:
            a: jet over the indices of `IndexSet.along`.
            step: ∂W and ∂b.
        """
        half = len(a) // 2
        z = a @ self.weight.T
        z[0] += self.bias
        z[half:] += a[:half] @ step[0].T
        z[half] += step[1]
        return z

    @property
    def is_trainable(self) -> bool:
        """Whether any of its parameters belongs to θ."""
        return self.weight.requires_grad or self.bias.requires_grad

    def initialize(self, scheme: str, scale: int | float, generator: torch.Generator) -> None:
        """Draw weights and biases; `scale` multiplies both.

        `"torch"` is U(±1/√fan_in) for weights and biases, `"xavier"` the Glorot normal with zero
        biases, `"he"` the Kaiming normal with zero biases.
        """
        fan_out, fan_in = self.weight.shape
        with torch.no_grad():
            if scheme == "torch":
                bound = scale / fan_in**0.5
                self.weight.uniform_(-bound, bound, generator=generator)
                self.bias.uniform_(-bound, bound, generator=generator)
                return
            variance = {"xavier": 2.0 / (fan_in + fan_out), "he": 2.0 / fan_in}[scheme]
            self.weight.normal_(0.0, scale * variance**0.5, generator=generator)
            self.bias.zero_()

    def contain(self, other: Affine) -> None:
        """Take over the weights of a smaller layer, whose outputs ignore the new inputs."""
        outputs, inputs = other.weight.shape
        with torch.no_grad():
            self.weight[:outputs] = 0.0
            self.weight[:outputs, :inputs] = other.weight
            self.bias[:outputs] = other.bias

    def thin_out(self, inputs: int, generator: torch.Generator) -> None:
        """Keep `inputs` weights of each neuron, drawn at random, with the variance of all."""
        kept = min(inputs, self.weight.shape[1])
        order = torch.rand(self.weight.shape, generator=generator, device="cpu").argsort(dim=1)
        with torch.no_grad():
            self.weight *= (order < kept) * (self.weight.shape[1] / kept) ** 0.5


INITIALIZATIONS = ("torch", "xavier", "he")


def require_initialization(scheme: str) -> None:
    """Refuse an unknown initialization scheme."""
    if scheme not in INITIALIZATIONS:
        raise SettingsError(
            f"initialization {scheme!r} is not known: choose one of {', '.join(INITIALIZATIONS)}."
        )


class TapedNetwork(Network):
    """A network whose trainable parameters all live in `Affine` layers, each applied once.

    One reverse pass over the jet gives δ = seeds · ∂jet/∂z at every affine layer, and the row of
    a weight matrix is Σ_α δ_α ⊗ a_α: exact, without a loop over points. If a subclass has other
    trainable parameters, it uses the slower rows of any network.
    """

    def rows(
        self,
        x: Float[Tensor, "n d"],
        indices: IndexSet,
        seeds: Float[Tensor, "A n k"],
        only: Int[Tensor, " r"] | None = None,
    ) -> Float[Tensor, "n c"]:
        require_trainable(self)
        if not self.is_taped:
            return super().rows(x, indices, seeds, only)
        with torch.enable_grad(), self._record() as tape:
            total = (seeds * self(x, indices)).sum()
        layers = [layer for layer in self.affine_layers() if layer.is_trainable]
        outputs = [tape.entries[layer][1] for layer in layers]
        deltas = torch.autograd.grad(total, outputs)  # without `grad_outputs`, whose import is slow
        if only is not None:
            return _picked_rows(layers, deltas, tape, only)
        rows = x.new_empty(x.shape[0], self.parameter_count)
        offset = 0
        for layer, delta in zip(layers, deltas, strict=True):
            offset = _write_rows(rows, offset, layer, delta, tape.entries[layer][0])
        return rows

    @property
    def is_taped(self) -> bool:
        """Whether every trainable parameter lives in an affine layer."""
        known = {id(p) for layer in self.affine_layers() for p in layer.parameters()}
        return all(id(p) in known for p in self.parameters() if p.requires_grad)

    def affine_layers(self) -> list[Affine]:
        """The affine layers, in the order of their parameters in θ."""
        return [layer for layer in self.modules() if isinstance(layer, Affine)]

    @contextmanager
    def _record(self) -> Generator[Tape, None, None]:
        tape = Tape()
        token = RECORDING.set(tape)
        try:
            yield tape
        finally:
            RECORDING.reset(token)


def _write_rows(rows: Tensor, offset: int, layer: Affine, delta: Tensor, a: Tensor) -> int:
    """Write Σ_α δ_α ⊗ a_α and the bias row δ_0 from column `offset` on; return the next column."""
    if layer.weight.requires_grad:
        start, offset = offset, offset + layer.weight.numel()
        _write_outer_products(rows[:, start:offset], delta.permute(1, 2, 0), a.permute(1, 0, 2))
    if layer.bias.requires_grad:
        start, offset = offset, offset + layer.bias.numel()
        rows[:, start:offset] = delta[0]
    return offset


def _picked_rows(
    layers: Sequence[Affine], deltas: Sequence[Tensor], tape: Tape, only: Int[Tensor, " r"]
) -> Float[Tensor, "n r"]:
    """The columns `only` of the rows, each Σ_α δ_α[i] a_α[j] or δ_0[i], without the others."""
    rows = deltas[0].new_empty(deltas[0].shape[1], len(only))
    offset = 0
    for layer, delta in zip(layers, deltas, strict=True):
        a = tape.entries[layer][0]
        if layer.weight.requires_grad:
            found, index = _within(only, offset, layer.weight.numel())
            i, j = index // a.shape[2], index % a.shape[2]
            total = delta[0][:, i] * a[0][:, j]
            for d, value in zip(delta[1:], a[1:], strict=True):
                total.addcmul_(d[:, i], value[:, j])
            rows[:, found] = total
            offset += layer.weight.numel()
        if layer.bias.requires_grad:
            found, index = _within(only, offset, layer.bias.numel())
            rows[:, found] = delta[0][:, index]
            offset += layer.bias.numel()
    return rows


def _within(only: Tensor, offset: int, count: int) -> tuple[Tensor, Tensor]:
    """The positions in `only` of `count` parameters from `offset` on, and their numbers."""
    found = ((only >= offset) & (only < offset + count)).nonzero()[:, 0]
    return found, only[found] - offset


def _write_outer_products(out: Tensor, left: Tensor, right: Tensor) -> None:
    """Row i of `out` is left[i] @ right[i], flattened; in pieces that stay in the cache."""
    step = max(1, CACHE_BYTES // (out.shape[1] * out.element_size()))
    for start in range(0, len(out), step):
        part = slice(start, start + step)
        out[part] = torch.bmm(left[part], right[part]).flatten(1)
