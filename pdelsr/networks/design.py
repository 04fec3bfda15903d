"""The design of a default network: layers, activation, scale of the initial weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from pdelsr.networks import MLP, Activation


@dataclass(frozen=True)
class Design:
    """The settings of a multilayer perceptron that shape its untrained tangent space: plain data.

    Args:
        hidden: widths of the hidden layers.
        activation: σ, by name or as an object.
        weight_scale: multiplies the initial weights and biases of the hidden layers.
        first_inputs: features on which a neuron of the first layer depends at first; None for all.
    """

    hidden: tuple[int, ...]
    activation: str | Activation = "tanh"
    weight_scale: float = 1.0
    first_inputs: int | None = None

    def __str__(self) -> str:
        widths = "-".join(map(str, self.hidden))
        activation = getattr(self.activation, "name", self.activation)
        inputs = f", {self.first_inputs} inputs a neuron" if self.first_inputs else ""
        return f"{widths} {activation} at weight scale {self.weight_scale:.3g}{inputs}"

    def sized(self, parameters: int, features: int, outputs: int) -> Design:
        """The same design with equal widths and about as many parameters."""
        width, depth = 1, len(self.hidden)
        while parameter_count((width + 1,) * depth, features, outputs) <= parameters:
            width += 1
        return replace(self, hidden=(width,) * depth)


def design_of(network: MLP) -> Design:
    """The design of a given network."""
    given = network.settings()
    scale, inputs = float(given["weight_scale"]), given["first_inputs"]
    return Design(network.hidden, network.activation.name, scale, inputs)


def parameter_count(hidden: tuple[int, ...], features: int, outputs: int) -> int:
    """m of a multilayer perceptron."""
    return sum((a + 1) * b for a, b in pairwise((features, *hidden, outputs)))
