"""Rectifiers convolved with a Gaussian, and copies of modules that have them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from pdelsr.networks.copies import copied

KINDS = (nn.ReLU, nn.LeakyReLU)


class MollifiedReLU(nn.Module):
    """E max(z + s ξ, 0) for a normal ξ: the rectifier convolved with a Gaussian,

        z Φ(z / s) + s φ(z / s)

    A network of rectifiers is linear in pieces, and its derivatives by its parameters jump between
    them. With smooth ones they are smooth functions of the inputs.

    Args:
        width: s, the standard deviation of the Gaussian.
        slope: of the rectifier where z < 0.
    """

    def __init__(self, width: float, slope: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.slope = slope

    def forward(self, z: Tensor) -> Tensor:
        t = z / self.width
        below = 0.5 * torch.erfc(t / -math.sqrt(2.0))
        bump = torch.exp(-0.5 * t**2) * (self.width / math.sqrt(2.0 * math.pi))
        return self.slope * z + (1.0 - self.slope) * (z * below + bump)

    def get_extra_state(self) -> dict[str, float]:
        """Width and slope, which `state_dict` carries to another module."""
        return {"width": self.width, "slope": self.slope}

    def set_extra_state(self, state: dict[str, float]) -> None:
        self.width, self.slope = state["width"], state["slope"]

    def extra_repr(self) -> str:
        return f"width={self.width:.3g}" + (f", slope={self.slope:g}" if self.slope else "")


def rectifier_inputs(module: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, float]:
    """The root mean square of what enters every rectifier, by name; without those that are unused.

    A rectifier that is called several times has one number for all calls.

    Args:
        module: with `nn.ReLU` or `nn.LeakyReLU` among its parts.
        inputs: of the module.
    """
    squares: dict[str, list[float]] = {}

    def measured(name: str) -> Callable[..., None]:
        def measure(_: nn.Module, given: tuple[Tensor, ...], named: dict[str, Tensor]) -> None:
            z = (given[0] if given else named["input"]).detach()
            found = squares.setdefault(name, [0.0, 0.0])
            found[0] += z.double().square().sum().item()
            found[1] += z.numel()

        return measure

    with ExitStack() as stack, torch.no_grad():
        for name, part in _rectifiers(module):
            stack.callback(part.register_forward_pre_hook(measured(name), with_kwargs=True).remove)
        module(*inputs)
    return {name: math.sqrt(total / max(count, 1)) for name, (total, count) in squares.items()}


def mollified(module: nn.Module, widths: Mapping[str, float]) -> nn.Module:
    """A copy whose rectifiers of these names are convolved with Gaussians of these widths.

    Raises:
        KeyError: a name is none of a rectifier.
    """
    found = copied(module)
    parts = dict(_rectifiers(found))
    for name, width in widths.items():
        above, _, last = name.rpartition(".")
        slope = getattr(parts[name], "negative_slope", 0.0)
        whole = found.get_submodule(above)
        whole._modules[last] = MollifiedReLU(width, slope)
        if isinstance(whole, nn.TransformerEncoderLayer):
            whole.activation_relu_or_gelu = 0  # which its fused kernel takes in place of the part
    return found


def mollified_widths(module: nn.Module) -> dict[str, float]:
    """The widths of the mollified rectifiers of a module, by name."""
    return {
        name: part.width for name, part in module.named_modules() if isinstance(part, MollifiedReLU)
    }


def _rectifiers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The rectifiers inside, by each of the names they have."""
    for name, part in module.named_modules(remove_duplicate=False):
        if name and isinstance(part, KINDS):
            yield name, part
