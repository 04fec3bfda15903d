"""How far any step of the parameters of a trained operator can lower its error on new functions.

The kernel K = J Jᵀ of all pairs (function, point) holds every direction of the parameter space, so

    q(a) + K(a, ·) (K + λ I)⁻¹ (u − q)

is the refinement by all m parameters at once, and its best λ, chosen on the test functions
themselves, is what no choice of rank, basis or damping will surpass by much. Outputs are written in
the few modes that carry them, so that K has about 14 rows a function.

`python docs/experiments/operator_ceiling.py EPOCHS` trains the six configurations of the paper and
prints a row for each; EPOCHS 0 takes untrained networks.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor
from torch.func import functional_call, jacrev, jvp

from pdelsr.operators import DeepONet, MultiONet, periodic_burgers, relative_error, train
from pdelsr.operators.networks import ACTIVATIONS, Layers, Operator

FIT, TEST, WIDTH, MODES = 1000, 50, 128, 14
DAMPINGS = [10.0**-k for k in range(5, 14)]  # times the trace of K


def backward(layers: Layers, x: Tensor, seeds: list[Tensor | None]) -> list[tuple[Tensor, Tensor]]:
    """Of every layer, ∂(seeded outputs)/∂z, (n, j, w), and its inputs, (n, i)."""
    inputs, slopes = [x], []
    for layer in layers.layers[:-1]:
        z = layer(inputs[-1])
        value, slope = jvp(ACTIVATIONS[layers.activation], (z,), (torch.ones_like(z),))
        inputs.append(value)
        slopes.append(slope[:, None])
    found, moved = [], torch.zeros(())
    for i in reversed(range(len(layers.layers))):
        seed = seeds[i]
        if seed is not None:
            moved = moved + seed.expand(len(x), *seed.shape)
        if i < len(slopes):
            moved = moved * slopes[i]
        found.append((moved, inputs[i]))
        moved = moved @ layers.layers[i].weight
    return found[::-1]


class Kernel:
    """K between sets of functions, over all parameters of an operator.

    Args:
        operator: whose tangent space it is.
        modes: of the outputs, (p, j).
    """

    def __init__(self, operator: Operator, modes: Tensor) -> None:
        self.operator, self.modes = operator, modes
        names = dict(operator.trunk_network.named_parameters())

        def trunk(parameters: dict[str, Tensor]) -> Tensor:
            outputs = functional_call(operator.trunk_network, parameters, (operator.points,))
            return modes.T @ operator._features(outputs)

        self.trunk = trunk(names).detach()  # (j, K)
        size = self.trunk.numel()
        gram = torch.zeros(size, size)
        for slope in jacrev(trunk)(names).values():
            flat = slope.detach().transpose(0, 1).reshape(size, -1)
            gram += flat @ flat.T
        self.gram = gram.view(*self.trunk.T.shape, *self.trunk.T.shape)  # (K, j, K, j)

    @torch.no_grad()
    def features(self, a: Tensor) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
        network = self.operator.branch_network
        seeds: list[Tensor | None] = [None] * len(network.layers)
        if isinstance(self.operator, MultiONet):
            widths = [layer.out_features for layer in network.layers]
            seeds = [t / len(widths) ** 0.5 for t in self.trunk.split(widths, 1)]
        else:
            seeds[-1] = self.trunk
        return backward(network, a, seeds), self.operator.branch(a)

    @torch.no_grad()
    def between(self, a: Tensor, other: Tensor) -> Tensor:
        """(n j, p j)."""
        (layers, b), (others, c) = self.features(a), self.features(other)
        n, p, j = len(a), len(other), self.modes.shape[1]
        # ∂b·T, layer by layer: ⟨δ ⊗ h, δ' ⊗ h'⟩ = ⟨δ, δ'⟩ ⟨h, h'⟩, and one more for the bias.
        K = torch.zeros(n, j, p, j)
        for (d, h), (e, g) in zip(layers, others, strict=True):
            product = (d.flatten(0, 1) @ e.flatten(0, 1).T).view(n, j, p, j)
            K += product.mul_((h @ g.T + 1)[:, None, :, None])
        # b·∂T
        half = torch.einsum("pl,fklj->fkpj", c, self.gram)
        K += (b @ half.flatten(1)).view(n, j, p, j)
        total = self.modes.sum(0)
        K += (total[:, None] * total)[None, :, None, :]  # the constant c
        return K.view(n * j, p * j)


def ceiling(operator: Operator, a: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Median relative error on the test functions before, and for every damping, and on the fit."""
    with torch.no_grad():
        q = operator(a)
    fit, test = slice(FIT), slice(FIT, None)
    modes = torch.linalg.svd(torch.cat([u[fit], (u - q)[fit]]), full_matrices=False).Vh[:MODES].T
    kernel = Kernel(operator, modes)
    K, across = kernel.between(a[fit], a[fit]), kernel.between(a[test], a[fit])
    weights = (1 / u[fit].norm(dim=1)).repeat_interleave(MODES)  # relative errors are fitted
    K.mul_(weights[:, None]).mul_(weights)
    wanted = ((u - q)[fit] @ modes).flatten()
    trace, found = K.diagonal().sum().item(), []
    for damping in DAMPINGS:
        shifted = K.clone()
        shifted.diagonal().add_(damping * trace)
        factor = torch.linalg.cholesky(shifted)
        y = torch.cholesky_solve((wanted * weights)[:, None], factor)[:, 0]
        left = (damping * trace * y / weights).view(FIT, MODES) @ modes.T
        outside = (u - q)[fit] - wanted.view(FIT, MODES) @ modes.T
        new = q[test] + (across @ (y * weights)).view(-1, MODES) @ modes.T
        rest = (left + outside).norm(dim=1) / u[fit].norm(dim=1)
        found.append(torch.stack([rest.median(), relative_error(new, u[test]).median()]))
    errors = relative_error(q, u)
    return torch.stack([errors[fit].median(), errors[test].median()]), torch.stack(found)


def main(epochs: int) -> None:
    """Print the table."""
    torch.set_default_dtype(torch.float64)
    data = periodic_burgers(FIT + TEST)
    a, u = data.inputs, data.outputs
    print("| operator | fitted functions, before | new functions, before | refined | times |")
    print("| --- | --- | --- | --- | --- |")
    for kind in (DeepONet, MultiONet):
        for activation in ACTIVATIONS:
            single = kind(128, data.points, [WIDTH] * 4, activation, dtype=torch.float32)
            fit = a[:FIT].float(), u[:FIT].float()
            train(single, *fit, epochs, 50, decay=0.0625, loss="relative")
            operator = kind(128, data.points, [WIDTH] * 4, activation)
            operator.load_state_dict(single.state_dict())
            before, found = ceiling(operator, a, u)
            best = found[found[:, 1].argmin()]
            print(
                f"| {kind.__name__} {activation} | {before[0]:.1e} | {before[1]:.1e} "
                f"| {best[1]:.1e} | {before[1] / best[1]:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]))
