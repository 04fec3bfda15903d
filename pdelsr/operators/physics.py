"""The physics-informed DeepONet, and its network at one instance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.errors import FileFormatError, SettingsError
from pdelsr.networks import FeatureNetwork, build_network, network_settings
from pdelsr.operators.sensors import ONLY, Sensors, SensorSets, read_sensors
from pdelsr.solvers.state.settings import require_whole


class PIDeepONet(nn.Module):
    """s(a)(x) = Σ_k b_k(a) T_k(x), with plain or modified MLPs as branch b and trunk T.

    Several input functions are read into one branch, in the order of their names. Several output
    functions have their own products b_k T_k each, from the same two networks (Lu et al. 2022,
    Comput. Methods Appl. Mech. Eng. 393, 114778, section 3.1.6).

    Source: Wang, Wang and Perdikaris 2021 (Science Advances 7, eabi8605), eq. 2; the modified
    MLP is that of `ModifiedMLP`.

    Args:
        sensors: points at which an input function is read, (s,), or (s, c) for c coordinates; for
            several input functions a mapping from their names to such points.
        in_features: d, coordinates of the output functions.
        hidden: widths of the layers, the last one included, of branch and trunk alike: with
            (50, 50, 100) both have two hidden layers of 50, and k goes from 1 to 100.
        kind: "mlp" or "modified_mlp".
        activation: of the hidden layers, by name.
        seed: of the initial weights (Glorot normal, zero biases).
        dtype: of the weights.
        outputs: number of output functions, the unknowns of a problem in their order.

    Raises:
        SettingsError: the sensors have another shape, or the networks refuse the settings.
    """

    sensors: Tensor  # where they have no names
    outputs: int = 1
    _inputs: tuple[str, ...] = (ONLY,)
    branch: FeatureNetwork
    trunk: FeatureNetwork

    def __init__(
        self,
        sensors: Sensors,
        in_features: int,
        hidden: Sequence[int] = (50, 50, 50, 50, 50),
        kind: str = "mlp",
        activation: str = "tanh",
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
        outputs: int = 1,
    ) -> None:
        super().__init__()
        read = read_sensors(sensors)
        self._inputs = tuple(sorted(read))
        for name in self._inputs:
            self.register_buffer(_buffer(name), read[name])
        require_whole("seed", seed, 0)
        require_whole("outputs", outputs, 1)
        self.outputs = outputs
        if not isinstance(hidden, Sequence) or len(hidden) < 2:
            raise SettingsError(
                f"hidden={hidden!r}: give the widths of one hidden layer or more, and of the last."
            )
        shared = {
            "kind": kind,
            "out_features": outputs * hidden[-1],
            "hidden": list(hidden[:-1]),
            "activation": activation,
            "initialization": "xavier",
        }
        branch = {**shared, "in_features": self.reading_count, "seed": 2 * seed}
        self.branch = build_network(branch, dtype)
        trunk = {**shared, "in_features": in_features, "seed": 2 * seed + 1}
        self.trunk = build_network(trunk, dtype)

    @property
    def sensor_sets(self) -> SensorSets:
        """Points (s, c) by the name of the input function, in that order; `ONLY` for no name."""
        return {name: getattr(self, _buffer(name)) for name in self._inputs}

    @property
    def reading_count(self) -> int:
        """Number of values that the branch takes: of all input functions, one after the other."""
        return sum(len(points) for points in self.sensor_sets.values())

    def forward(
        self, values: Float[Tensor, "n s"], points: Float[Tensor, "n d"]
    ) -> Float[Tensor, "n ..."]:
        """s(a_i)(x_i), input function i at point i; `values` are a_i at the sensors.

        Several input functions stand one after the other in `values`, in the order of their names,
        and several output functions in the last axis of the result.
        """
        products = self.branch(values) * self.trunk(points)
        found = products.unflatten(1, (self.outputs, -1)).sum(dim=2)
        return found[:, 0] if self.outputs == 1 else found

    def fields(
        self, values: Float[Tensor, "n s"], points: Float[Tensor, "p d"]
    ) -> Float[Tensor, "n p ..."]:
        """s(a_i)(x_j), every input function at every point."""
        b = self.branch(values).unflatten(1, (self.outputs, -1))
        T = self.trunk(points).unflatten(1, (self.outputs, -1))
        found = torch.einsum("nkj,pkj->npk", b, T)
        return found[..., 0] if self.outputs == 1 else found

    def at(self, values: Float[Tensor, " s"]) -> FeatureNetwork:
        """The network x ↦ s(a)(x) at one instance, with the tangent space of the operator.

        The last layer of the trunk is linear, T = W h + c, so b·T = (Wᵀ b)·h + b·c: with b fixed,
        the branch, W and c move s only in the span of the features h and 1. One linear layer with
        weights Wᵀ b and bias b·c in their place spans the same; one row for each output.

        Args:
            values: a at the sensors; several functions one after the other, by name.

        Raises:
            SettingsError: the number of values differs from the number of sensors.
        """
        if values.shape != (self.reading_count,):
            raise SettingsError(
                f"at: got values of shape {tuple(values.shape)}, expected one for each of the "
                f"{self.reading_count} sensors."
            )
        with torch.no_grad():
            b = self.branch(values[None])[0].unflatten(0, (self.outputs, -1))
            settings = {**network_settings(self.trunk), "out_features": self.outputs}
            found = build_network(settings, b.dtype, b.device)
            *old, last = self.trunk.affine_layers()
            for layer, given in zip(found.affine_layers(), old, strict=False):
                layer.weight.copy_(given.weight)
                layer.bias.copy_(given.bias)
            weight, bias = (p.unflatten(0, b.shape) for p in (last.weight, last.bias))
            found.last.weight.copy_(torch.einsum("kj,kjh->kh", b, weight))
            found.last.bias.copy_((b * bias).sum(dim=1))
        return found


def _buffer(name: str) -> str:
    """The name of the buffer of an input function's sensors."""
    return "sensors" if name == ONLY else f"sensors_{name}"


def published_operator(
    path: str | Path,
    sensors: Sensors,
    hidden: Sequence[int],
    columns: Sequence[int] = (0, 1),
) -> PIDeepONet:
    """A modified MLP operator from the flat parameters of Wang, Wang and Perdikaris 2021.

    The file is one vector, branch first: W₁, b₁, …, W_L, b_L, then the encoders U₁, c₁, U₂, c₂,
    each W as (inputs, outputs).

    Args:
        path: of the .npy file.
        sensors: points at which an input function is read, (s,).
        hidden: widths of the layers, the last one included.
        columns: for each input of the trunk, the number of our coordinate; (1, 0) for a trunk that
            takes (t, x).

    Raises:
        FileFormatError: the file cannot be read, or has another number of values.
        SettingsError: the columns are no permutation.
    """
    operator = PIDeepONet(sensors, len(columns), hidden, "modified_mlp")
    try:
        values = np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path} cannot be read as an .npy file ({error}).") from error
    if sorted(columns) != list(range(len(columns))):
        raise SettingsError(f"columns {tuple(columns)}: give each coordinate once, from 0 on.")
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        raise FileFormatError(f"{path} holds values that are not finite numbers.")
    vector = torch.from_numpy(np.asarray(values, dtype=np.float64).ravel())
    layers = [*_published_order(operator.branch), *_published_order(operator.trunk)]
    expected = sum(layer.weight.numel() + layer.bias.numel() for layer in layers)
    if len(vector) != expected:
        raise FileFormatError(
            f"{path} has {len(vector)} values; an operator with {operator.reading_count} sensors "
            f"and hidden {tuple(hidden)} has {expected}."
        )
    order = torch.tensor(columns)
    with torch.no_grad():
        for layer in layers:
            outputs, inputs = layer.weight.shape
            weight, bias, vector = vector.tensor_split([inputs * outputs, (inputs + 1) * outputs])
            layer.weight.copy_(weight.view(inputs, outputs).T)
            layer.bias.copy_(bias)
        for layer in operator.trunk.input_layers():
            moved = torch.empty_like(layer.weight)
            moved[:, order] = layer.weight
            layer.weight.copy_(moved)
    return operator


def _published_order(network: FeatureNetwork) -> list[Any]:
    encoders, rest = network.affine_layers()[:2], network.affine_layers()[2:]
    return [*rest, *encoders]
