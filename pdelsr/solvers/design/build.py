"""The network of a run: the user's or the method's default, with hard conditions around it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from pdelsr.errors import SettingsError
from pdelsr.networks import FeatureNetwork, HardConditions, ModuleNetwork, Network
from pdelsr.networks.base import require_trainable
from pdelsr.networks.design import Design
from pdelsr.networks.mlp import MLP
from pdelsr.solvers.run.job import Job


def build_network(job: Job, design: Design, seed: int) -> Network:
    """The user's network or the method's default one, with hard conditions around it.

    Args:
        job: of the run.
        design: of a default network.
        seed: of its weights.

    Raises:
        SettingsError: the user's network does not fit the problem.
    """
    compiled, method, settings = job.compiled, job.method, job.settings
    d, k = len(compiled.coordinates), len(compiled.unknowns)
    axes = {compiled.coordinates.index(c): p for c, p in compiled.periodic.items()}
    if settings.network is not None:
        inner = adopted(settings.network, d, k, axes)
        inner = inner.to(dtype=settings.torch_dtype, device=settings.torch_device)
    else:
        inner = MLP(
            d,
            k,
            design.hidden,
            activation=design.activation,
            bounds=[(float(a), float(b)) for a, b in job.problem.domain.bounding_box],
            periodic=axes,
            harmonics=method.harmonics,
            initialization=method.initialization,
            weight_scale=design.weight_scale,
            first_inputs=design.first_inputs,
            seed=seed,
            dtype=settings.torch_dtype,
            device=settings.torch_device,
        )
    if any(form is not None for form in compiled.hard):
        return HardConditions(inner, compiled.hard)
    return inner


def adopted(network: nn.Module, d: int, k: int, periodic: Mapping[int, float]) -> Network:
    """The user's network, checked against the problem."""
    if not isinstance(network, Network):
        network = ModuleNetwork(network, d, k)
    require_trainable(network)
    if (network.in_features, network.out_features) != (d, k):
        raise SettingsError(
            f"network maps {network.in_features} coordinate(s) to {network.out_features} "
            f"field(s); the problem has {d} coordinate(s) and {k} unknown(s)."
        )
    built_in = network.settings()["periodic"] if isinstance(network, FeatureNetwork) else {}
    missing = [axis for axis in periodic if axis not in {int(a) for a in built_in}]
    if missing:
        raise SettingsError(
            f"a hard periodic condition in coordinate {missing[0]} needs a network with a periodic "
            f"embedding: build it with MLP(..., periodic={dict(periodic)}), or use hard=False."
        )
    return network
