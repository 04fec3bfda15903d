"""The common base of built-in networks: fixed input features, seeded affine layers, settings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.networks.activations import Activation, UserActivation, activation_named
from pdelsr.networks.base import unflatten
from pdelsr.networks.features import Features
from pdelsr.networks.index_set import IndexSet
from pdelsr.networks.layers import Affine, TapedNetwork, require_initialization

Applied = Callable[[Any, Tensor], Tensor]
"""Applies an affine layer (from a module list, which has no type) to values or jets."""


class FeatureNetwork(TapedNetwork):
    """Features of the coordinates, hidden affine layers with an activation, a linear last layer.

    Subclasses create the hidden layers in `add_hidden_layers` and apply them in `connected`, with
    `self.last` at the end. The last layer's weight and bias are the trailing entries of θ.
    """

    in_features: int
    out_features: int
    hidden: tuple[int, ...]
    activation: Activation
    features: Features
    last: Affine
    _settings: dict[str, Any]

    def __init__(
        self,
        in_features: int,
        out_features: int = 1,
        hidden: Sequence[int] = (64, 64),
        activation: str | Activation = "tanh",
        bounds: Sequence[Sequence[int | float]] | None = None,
        periodic: Mapping[int, int | float] | None = None,
        harmonics: int = 1,
        fourier: int = 0,
        fourier_scale: int | float = 1.0,
        initialization: str = "torch",
        weight_scale: int | float = 1.0,
        first_inputs: int | None = None,
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str | None = None,
    ) -> None:
        """Build the network; the same seed gives the same weights in every dtype, up to rounding.

        Args:
            in_features: d, number of coordinates.
            out_features: k, number of fields.
            hidden: widths of the hidden layers.
            activation: "tanh", "sin", "gelu", "silu", "softplus", or an `Activation`.
            bounds: (low, high) of each coordinate, for the normalization.
            periodic: period of each periodic coordinate, by its position.
            harmonics: harmonics of a periodic coordinate.
            fourier: number of random Fourier features; 0 for none.
            fourier_scale: standard deviation of their frequencies.
            initialization: "torch", "xavier" or "he".
            weight_scale: multiplies the initial weights and biases of the hidden layers. An
                untrained tangent space needs a larger one than training; `lsr` and `ilsr` try
                several.
            first_inputs: features on which a neuron of the first layer depends at first, drawn at
                random; None for all. Few suit a solution that is a sum of functions of few
                coordinates.
            seed: of the initial weights and the Fourier frequencies.
            dtype: of parameters, points and jets.
            device: where the parameters live; None for torch's default.

        Raises:
            SettingsError: the activation or initialization is unknown, a width, bound or period is
                not positive, or a periodic coordinate does not exist.
        """
        super().__init__()
        require_initialization(initialization)
        require_widths(in_features=[in_features], out_features=[out_features], hidden=hidden)
        require_feature_counts(harmonics, fourier)
        if first_inputs is not None:
            require_widths(first_inputs=[first_inputs])
        require_bounds(bounds, in_features)
        periods = {int(axis): float(period) for axis, period in dict(periodic or {}).items()}
        require_periods(periods, in_features)
        self.in_features, self.out_features = in_features, out_features
        self.hidden = tuple(int(width) for width in hidden)
        self.activation = activation_named(activation)
        box = None if bounds is None else [(float(low), float(high)) for low, high in bounds]
        self._settings = {
            "in_features": in_features,
            "out_features": out_features,
            "hidden": list(self.hidden),
            "activation": self.activation.name,
            "bounds": None if box is None else [list(pair) for pair in box],
            "periodic": periods,
            "harmonics": harmonics,
            "fourier": fourier,
            "fourier_scale": fourier_scale,
            "initialization": initialization,
            "weight_scale": weight_scale,
            "first_inputs": first_inputs,
            "seed": seed,
        }
        with torch.device("cpu"):  # the generator's device
            self._build(box, periods, torch.Generator().manual_seed(seed))
        self.to(device=device or torch.empty(0).device, dtype=dtype)

    def _build(
        self,
        box: list[tuple[float, float]] | None,
        periods: Mapping[int, float],
        generator: torch.Generator,
    ) -> None:
        given = self._settings
        features = (given["harmonics"], given["fourier"], given["fourier_scale"])
        self.features = Features(self.in_features, box, periods, *features, generator)
        widths = [self.features.out_features, *self.hidden]
        self.add_hidden_layers(widths)
        for layer in self.affine_layers():
            layer.initialize(given["initialization"], given["weight_scale"], generator)
        self.last = Affine(widths[-1], self.out_features)
        self.last.initialize(given["initialization"], 1.0, generator)
        if given["first_inputs"] is not None:
            require_first_inputs(given["first_inputs"], self.features.out_features, self.hidden)
            for layer in self.input_layers():
                layer.thin_out(given["first_inputs"], generator)

    def input_layers(self) -> list[Affine]:
        """The hidden layers that read the features; only the first one unless overridden."""
        return self.affine_layers()[:1]

    def forward(
        self, x: Float[Tensor, "n d"], indices: IndexSet | None = None
    ) -> Float[Tensor, "*A n k"]:
        return self.connected(self.features(x, indices), indices, lambda layer, a: layer(a))

    @abstractmethod
    def connected(
        self, a: Float[Tensor, "*A n w"], indices: IndexSet | None, applied: Applied
    ) -> Float[Tensor, "*A n k"]:
        """The network applied to features a, or to their jet.

        Args:
            a: features (n, w), or their jet (A, n, w).
            indices: of the jet; None for values.
            applied: `applied(layer, a)` stands for `layer(a)`, so that a tangent can pass along
                with the jet. Every affine layer is applied once.
        """

    def tangent_jet(
        self, x: Float[Tensor, "n d"], indices: IndexSet, direction: Float[Tensor, " m"]
    ) -> tuple[Tensor, Tensor]:
        """Jet (A, n, k), and its derivative along the parameter direction.

        The direction is one more coordinate of the Taylor algebra, with derivatives of order one.
        This is forward mode without torch's own, which only one thread at a time can use.
        """
        if not self._knows_slope(indices):
            return super().tangent_jet(x, indices, direction)
        steps = self._steps(direction)
        with torch.no_grad():
            a = self.features(x, indices)
            jet = self.connected(
                torch.cat([a, torch.zeros_like(a)]),
                indices.along,
                lambda layer, a: layer.along(a, steps[layer]),
            )
        return jet[: len(indices)], jet[len(indices) :]

    def _knows_slope(self, indices: IndexSet) -> bool:
        """Whether a jet's derivative along θ is known; subclasses may compute something else."""
        own = type(self).forward is not FeatureNetwork.forward
        lacks = isinstance(self.activation, UserActivation) and self.activation.order <= (
            indices.order
        )
        return self.is_taped and not (own or lacks)

    def _steps(self, direction: Float[Tensor, " m"]) -> dict[Affine, tuple[Tensor, Tensor]]:
        """∂W and ∂b of every layer, zero for frozen ones."""
        moving = iter(unflatten(direction, list(self.trainable().values())))
        found = {
            p: next(moving) if p.requires_grad else torch.zeros_like(p) for p in self.parameters()
        }
        return {layer: (found[layer.weight], found[layer.bias]) for layer in self.affine_layers()}

    @abstractmethod
    def add_hidden_layers(self, widths: list[int]) -> None:
        """Create the hidden layers, from `Affine`.

        Args:
            widths: of the features, then of the hidden layers.
        """

    def settings(self) -> dict[str, Any]:
        return dict(self._settings)


def require_widths(**widths: Sequence[int]) -> None:
    """Refuse widths below one."""
    for name, values in widths.items():
        for value in values:
            if int(value) != value or value < 1:
                raise SettingsError(f"{name} has width {value!r}: give whole numbers from 1 on.")


def require_first_inputs(inputs: int, features: int, hidden: tuple[int, ...]) -> None:
    """Refuse more inputs per neuron than there are features, and inputs without a hidden layer."""
    if not hidden:
        raise SettingsError("first_inputs is about hidden neurons, and hidden is empty.")
    if inputs > features:
        raise SettingsError(
            f"first_inputs is {inputs}, and the network has {features} input feature(s)."
        )


def require_feature_counts(harmonics: int, fourier: int) -> None:
    """Refuse a periodic coordinate without harmonics, and a negative number of features."""
    if harmonics < 1 or fourier < 0:
        raise SettingsError(
            f"harmonics={harmonics} and fourier={fourier}: give at least one harmonic, and a "
            "number of Fourier features from 0 on."
        )


def require_bounds(bounds: Sequence[Sequence[int | float]] | None, in_features: int) -> None:
    """Refuse bounds that are not one increasing, finite pair per coordinate."""
    if bounds is None:
        return
    if len(bounds) != in_features:
        raise SettingsError(
            f"bounds has {len(bounds)} pair(s) for {in_features} coordinate(s): give one (low, "
            "high) pair a coordinate."
        )
    for axis, (low, high) in enumerate(bounds):
        if not (isfinite(low) and isfinite(high) and low < high):
            raise SettingsError(
                f"bounds[{axis}] is ({low}, {high}): give finite numbers with low < high."
            )


def require_periods(periods: Mapping[int, float], in_features: int) -> None:
    """Refuse a periodic coordinate that does not exist, or a period that is not positive."""
    for axis, period in periods.items():
        if not 0 <= axis < in_features:
            raise SettingsError(
                f"periodic names coordinate {axis}: there are {in_features}, counted from 0."
            )
        if not (isfinite(period) and period > 0):
            raise SettingsError(
                f"periodic[{axis}] is {period}: give the length of one period, a positive number."
            )
