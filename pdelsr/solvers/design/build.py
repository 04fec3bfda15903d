"""The network of a run: the user's or the method's default, with hard conditions around it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.compile import CompiledProblem
from pdelsr.declare import Problem
from pdelsr.declare.domains.probes import PART_PROBES, probes
from pdelsr.errors import SettingsError
from pdelsr.networks import HardConditions, IndexSet, ModuleNetwork, Network, closure
from pdelsr.networks.base import require_trainable
from pdelsr.networks.contract import require_contract
from pdelsr.networks.copies import own_containers
from pdelsr.networks.design import Design
from pdelsr.networks.mlp import MLP
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.state.settings import RunSettings

PROBES = 4  # points on which a user's network is tried
ROUNDED = 10.0  # times the root of machine epsilon, by which values a period apart may differ


def build_network(job: Job, design: Design, seed: int) -> Network:
    """The user's network or the method's default one, with hard conditions around it.

    Args:
        job: of the run.
        design: of the default network.
        seed: for its weights.

    Raises:
        SettingsError: the user's network does not fit the problem.
    """
    compiled, method, settings = job.compiled, job.method, job.settings
    d, k = len(compiled.coordinates), len(compiled.unknowns)
    axes = {compiled.coordinates.index(c): p for c, p in compiled.periodic.items()}
    if settings.network is not None:
        inner = adopted(settings.network, d, k, axes)
        inner = inner.to(dtype=settings.torch_dtype, device=settings.torch_device)
        require_contract(inner, some_points(job.problem, settings), derivatives_of(compiled))
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
    """The user's network, checked against the problem.

    Raises:
        SettingsError: its numbers of coordinates or fields do not fit, it has nothing to train, or
            it is not periodic although the ansatz has to be.
    """
    if not isinstance(network, Network):
        network = ModuleNetwork(network, d, k)
    require_trainable(network)
    sizes = getattr(network, "in_features", None), getattr(network, "out_features", None)
    if None in sizes:
        raise SettingsError(
            f"{network.called} has no in_features and out_features: set them, here to {d} and {k}."
        )
    if sizes != (d, k):
        raise SettingsError(
            f"network maps {network.in_features} coordinate(s) to {network.out_features} "
            f"field(s); the problem has {d} coordinate(s) and {k} unknown(s)."
        )
    missing = [axis for axis, period in periodic.items() if not is_periodic(network, axis, period)]
    if missing:
        raise SettingsError(
            f"a hard periodic condition in coordinate {missing[0]} needs a network with a periodic "
            f"embedding: build it with MLP(..., periodic={dict(periodic)}), give your own network "
            "cos and sin of that coordinate, or use hard=False."
        )
    return network


def is_periodic(network: Network, axis: int, period: float) -> bool:
    """Whether the network has the same values a period further along a coordinate, for every θ."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=generator, device="cpu")

    moved = {name: p + 0.1 * drawn(*p.shape).to(p) for name, p in network.trainable().items()}
    like = next(iter(moved.values()))
    x = period * drawn(PROBES, network.in_features).to(like)
    further = x.clone()
    further[:, axis] += period
    with torch.no_grad():
        here, there = (
            torch.func.functional_call(own_containers(network), moved, (points,))
            for points in (x, further)
        )
    close = ROUNDED * torch.finfo(like.dtype).eps ** 0.5 * (1 + here.abs().max())
    return bool((here - there).abs().max() <= close)


def some_points(problem: Problem, settings: RunSettings) -> Float[Tensor, "n d"]:
    """A few points of the domain, to try a network on."""
    domain = problem.domain
    points = domain.from_unit(probes(PART_PROBES, domain.unit_dim))[:PROBES]
    return torch.as_tensor(points, dtype=settings.torch_dtype, device=settings.torch_device)


def derivatives_of(compiled: CompiledProblem) -> IndexSet:
    """All derivatives that the blocks of a problem use, including lower ones."""
    return closure(tuple(entry.index for block in compiled.blocks for entry in block.entries))
