"""The physics-informed DeepONet: its values, and its tangent space at one input function."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import pdelsr as pl
from pdelsr.operators import PIDeepONet, published_operator

SENSORS = np.linspace(0, 1, 11)


def operator(kind: str, **options) -> PIDeepONet:
    return PIDeepONet(SENSORS, 2, (7, 7, 6), kind, **options)


def tanh_mlp(x: Tensor, layers: list[tuple[Tensor, Tensor]], gates: list) -> Tensor:
    """A modified MLP, written as the publication has it."""
    P, Q = (torch.tanh(x @ U + c) for U, c in gates)
    for W, b in layers[:-1]:
        o = torch.tanh(x @ W + b)
        x = o * P + (1 - o) * Q
    return x @ layers[-1][0] + layers[-1][1]


@pytest.mark.parametrize("kind", ["mlp", "modified_mlp"])
def test_at_one_input_it_is_the_same_function(kind: str) -> None:
    net, a = operator(kind), torch.rand(11, dtype=torch.float64)
    points = torch.rand(9, 2, dtype=torch.float64)
    with torch.no_grad():
        wanted = net(a.expand(9, -1), points)
        torch.testing.assert_close(net.at(a)(points)[:, 0], wanted)
        torch.testing.assert_close(net.fields(a[None], points)[0], wanted)


@pytest.mark.parametrize("kind", ["mlp", "modified_mlp"])
def test_at_one_input_it_has_the_tangent_space_of_the_operator(kind: str) -> None:
    net, a = operator(kind), torch.rand(11, dtype=torch.float64)
    points = torch.rand(400, 2, dtype=torch.float64)

    def jacobian(module: torch.nn.Module, *inputs: Tensor) -> Tensor:
        names = dict(module.named_parameters())

        def values(parameters: dict[str, Tensor]) -> Tensor:
            return torch.func.functional_call(module, parameters, inputs).reshape(-1)

        found = torch.func.jacrev(values)(names)
        return torch.cat([j.flatten(1) for j in found.values()], dim=1)

    whole = jacobian(net, a.expand(400, -1), points)
    reduced = jacobian(net.at(a), points)
    assert reduced.shape[1] < whole.shape[1] / 2
    for one, other in ((whole, reduced), (reduced, whole)):
        fit = torch.linalg.lstsq(one, other, driver="gelsd").solution
        rest = torch.linalg.norm(one @ fit - other) / torch.linalg.norm(other)
        assert rest < 1e-8


def test_the_published_order_of_parameters(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(widths: list[int]) -> tuple[list, list]:
        shapes = [*pairwise(widths), *[(widths[0], widths[1])] * 2]
        pairs = [
            (
                torch.randn(i, o, dtype=torch.float64, generator=generator),
                torch.randn(o, dtype=torch.float64, generator=generator),
            )
            for i, o in shapes
        ]
        return pairs[:-2], pairs[-2:]

    branch, trunk = draw([11, 5, 5, 4]), draw([2, 5, 5, 4])
    flat = [part.flatten() for net in (branch, trunk) for w in net for pair in w for part in pair]
    np.save(tmp_path / "flat.npy", torch.cat(flat).numpy())
    net = published_operator(tmp_path / "flat.npy", SENSORS, (5, 5, 4), columns=(1, 0))
    a, points = torch.rand(3, 11, dtype=torch.float64), torch.rand(8, 2, dtype=torch.float64)
    with torch.no_grad():
        wanted = tanh_mlp(a, *branch) @ tanh_mlp(points.flip(1), *trunk).T
        torch.testing.assert_close(net.fields(a, points), wanted)


def test_a_published_file_of_another_size(tmp_path: Path) -> None:
    np.save(tmp_path / "short.npy", np.zeros(10))
    with pytest.raises(pl.FileFormatError, match="has 10 values"):
        published_operator(tmp_path / "short.npy", SENSORS, (5, 5, 4))
    (tmp_path / "text.npy").write_text("no array")
    for name in ("text.npy", "missing.npy"):
        with pytest.raises(pl.FileFormatError, match="cannot be read"):
            published_operator(tmp_path / name, SENSORS, (5, 5, 4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": (5,)}, "widths of one hidden layer"),
        ({"kind": "cnn"}, "network kind 'cnn' is not known"),
        ({"sensors": np.zeros((2, 2, 2))}, "expected \\(s,\\)"),
        ({"sensors": np.zeros(0)}, "expected \\(s,\\)"),
    ],
)
def test_settings_that_do_not_fit(change: dict, message: str) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        PIDeepONet(**{"sensors": SENSORS, "in_features": 2, **change})


def test_values_at_other_sensors_are_refused() -> None:
    operator = PIDeepONet(np.linspace(0, 1, 5), 1, (6, 6))
    with pytest.raises(pl.SettingsError, match="expected one for each of the 5 sensors"):
        operator.at(torch.zeros(4, dtype=torch.float64))
