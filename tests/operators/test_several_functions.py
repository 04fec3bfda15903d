"""Operators of several input functions and several unknowns: training, refinement, tables."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from torch import Tensor, nn

import pdelsr as pl
from pdelsr.operators import PIDeepONet
from pdelsr.operators.instances import InstanceRow, Instances
from pdelsr.operators.loss import FunctionTable, Loss, drawn_functions

PROBLEMS = Path(__file__).parents[2] / "problems" / "parametric"
F64 = torch.float64
x, y = pl.coordinates("x y")
u, v = pl.unknown("u", x), pl.unknown("v", x)
a, b = pl.input_function("a", x), pl.input_function("b", x)
field = pl.input_function("f", x, y)
SENSORS = np.linspace(0, 1, 12)
GRID = np.stack(np.meshgrid(SENSORS[::3], SENSORS[::3], indexing="ij"), -1).reshape(-1, 2)

# u' = a + v, v' = b: two unknowns of two input functions, with solutions in closed form
chain = pl.Problem(
    name="chain",
    domain=pl.Interval(x, 0, 1),
    equations=[sp.Eq(u.diff(x), a + v), sp.Eq(v.diff(x), b)],
    conditions=[pl.Dirichlet(u, 0, on="x=0"), pl.Dirichlet(v, 0, on="x=0")],
    inputs={a: pl.GaussianProcess(length_scale=0.4), b: pl.GaussianProcess(length_scale=0.3)},
)
w = pl.unknown("w", x, y)
plate = pl.Problem(
    name="plate",
    domain=pl.Box((x, y), (0, 0), (1, 2)),
    equations=[sp.Eq(w.diff(x, 2) + w.diff(y, 2), field)],
    conditions=[pl.Dirichlet(w, 0)],
    inputs={field: pl.GaussianProcess(0.5, interval=((0, 1), (0, 2)))},
)


def operator(width: int = 14, **options) -> PIDeepONet:
    return PIDeepONet({"a": SENSORS, "b": SENSORS[::2]}, 1, (width, width, 9), outputs=2, **options)


def instance() -> pl.Problem:
    return chain.at(a=lambda x: np.cos(x), b=lambda x: 2 * x)


def exact(x: np.ndarray) -> np.ndarray:
    return np.stack([np.sin(x) + x**3 / 3, x**2], axis=1)


def predicted(solution: pl.Solution, x: np.ndarray) -> np.ndarray:
    found = solution.predict(x[:, None])
    return np.stack([found["u"], found["v"]], axis=1)


@pytest.mark.parametrize("kind", ["mlp", "modified_mlp"])
def test_at_one_instance_it_is_the_same_function(kind: str) -> None:
    net, values = operator(kind=kind), torch.rand(18, dtype=F64)
    points = torch.rand(7, 1, dtype=F64)
    with torch.no_grad():
        found = net(values.expand(7, -1), points)
        assert found.shape == (7, 2)
        torch.testing.assert_close(net.at(values)(points), found)
        torch.testing.assert_close(net.fields(values[None], points)[0], found)
        b, T = net.branch(values[None])[0], net.trunk(points)
        torch.testing.assert_close(found[:, 0], T[:, :9] @ b[:9])
        torch.testing.assert_close(found[:, 1], T[:, 9:] @ b[9:])


def test_one_refinement_gives_all_unknowns() -> None:
    solution = pl.refine(operator(), instance(), rank=300)
    points = np.linspace(0, 1, 40)
    np.testing.assert_allclose(predicted(solution, points), exact(points), atol=1e-7)


def test_the_order_of_the_sensors_is_that_of_the_branch() -> None:
    net = operator()
    refined = pl.refine(net, instance(), rank=60)
    one = predicted(refined.unrefined, np.array([0.3]))
    values = np.concatenate([np.cos(SENSORS), 2 * SENSORS[::2]])
    with torch.no_grad():
        wanted = net(torch.from_numpy(values)[None], torch.tensor([[0.3]], dtype=F64))
    np.testing.assert_allclose(one, wanted.numpy(), rtol=1e-12)


class Columns(nn.Module):
    """A user's operator of two functions with two outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(
            nn.Linear(1 + 18, 40, dtype=F64), nn.Tanh(), nn.Linear(40, 2, dtype=F64)
        )

    def forward(self, values: Tensor, points: Tensor) -> Tensor:
        return self.body(torch.cat([values, points], dim=1))


def test_a_users_module_gives_a_column_for_each_unknown() -> None:
    sensors = {"a": SENSORS, "b": SENSORS[::2]}
    solution = pl.refine(Columns(), instance(), rank=200, sensors=sensors)
    points = np.linspace(0, 1, 40)
    np.testing.assert_allclose(predicted(solution, points), exact(points), atol=1e-4)


def test_many_instances_have_errors_of_each_unknown(tmp_path: Path) -> None:
    problem = pl.load_problem(PROBLEMS / "fitzhugh_nagumo.py")
    net = PIDeepONet({"a": SENSORS, "b": SENSORS}, 2, (20, 20, 20), outputs=2)
    path = tmp_path / "rows.jsonl"
    found = pl.refine_many(net, problem, 2, rank=120, path=path)
    for row, functions in zip(found.rows, found.functions, strict=True):
        assert set(row.errors) == set(row.errors_before) == {"u", "v"}
        assert row.error == max(row.errors.values())
        assert row.error < 0.3 * row.error_before
        at_zero = [functions[name](SENSORS) for name in "ab"]
        assert abs(at_zero[0] - at_zero[1]).max() > 0.1  # independent of each other
    assert pl.refine_many(net, problem, 2, rank=120, path=path).rows == found.rows
    assert "error after refinement in v" in str(found)
    again = pl.refine_many(net, problem, [found.functions[1]], rank=120)
    assert again.rows[0].errors_before == pytest.approx(found.rows[1].errors_before, rel=1e-6)
    # rounding decides where Newton's method ends
    assert again.rows[0].errors == pytest.approx(found.rows[1].errors, rel=0.05)


def test_darcy_flow_through_a_random_field() -> None:
    problem = pl.load_problem(PROBLEMS / "darcy.py")
    net = PIDeepONet({"a": GRID, "f": GRID}, 2, (20, 20, 20), outputs=3)
    (row,) = pl.refine_many(net, problem, 1, rank=300).rows
    assert set(row.errors) == {"p", "qx", "qy"}
    assert row.error < 0.05 * row.error_before


def test_training_lowers_the_loss_of_a_system() -> None:
    net = operator()
    training = pl.train_operator(chain, net, functions=50, steps=150, batch=16, points=32)
    assert np.mean(training.losses[-10:]) < 0.5 * training.losses[0]


def test_the_loss_is_the_mean_square_residual() -> None:
    """Against the residual of each instance, one by one, on the same points."""
    net = operator()
    loss = Loss(chain, net, 3, 0)
    drawn = drawn_functions(chain, 3, 0)
    total = 0.0
    for i in range(3):
        sin_a, sin_b = drawn["a"][i], drawn["b"][i]
        values = np.concatenate([sin_a(SENSORS), sin_b(SENSORS[::2])])
        network = net.at(torch.from_numpy(values))
        for block in loss.blocks:
            where = block.sites[0].requires_grad_(True)
            q = network(where)
            slopes = [
                torch.autograd.grad(q[:, k].sum(), where, retain_graph=True)[0][:, 0]
                for k in (0, 1)
            ]
            at = where.detach().numpy()[:, 0]
            name = block.block.name
            if name == "equation 1":
                F = slopes[0] - torch.from_numpy(sin_a(at)) - q[:, 1]
            elif name == "equation 2":
                F = slopes[1] - torch.from_numpy(sin_b(at))
            else:
                F = q[:, 0] if name.endswith("u") else q[:, 1]
            total += F.square().mean().item() / 3
    many = np.mean([loss(step, 3, 4096).item() for step in range(4)])
    assert many == pytest.approx(total, rel=0.05)


@pytest.mark.parametrize(("problem", "name"), [(chain, "a"), (plate, "f")])
def test_tables_of_functions_are_their_values(problem: pl.Problem, name: str) -> None:
    functions = problem.inputs[name].sample(3, 1)
    table = FunctionTable(problem, name, functions, torch.zeros(1, dtype=F64))
    table.choose(torch.tensor([2, 0]))
    low, high = np.array(problem.domain.bounding_box, dtype=float).T
    points = low + (high - low) * np.random.default_rng(0).random((50, len(low)))
    points[0] = high  # the last node
    found = table(*(torch.from_numpy(axis).repeat(2) for axis in points.T)).reshape(2, 50)
    for row, i in zip(found, (2, 0), strict=True):
        np.testing.assert_allclose(row, functions[i](*points.T), atol=2e-3)


def test_an_operator_of_a_field_is_trained() -> None:
    net = PIDeepONet({"f": GRID * [1, 2]}, 2, (12, 12))
    training = pl.train_operator(plate, net, functions=20, steps=30, batch=8, points=32)
    assert np.mean(training.losses[-5:]) < training.losses[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pl.refine(operator(), chain), r"problem.at\(a=a, b=b\)"),
        (
            lambda: pl.refine(PIDeepONet(SENSORS, 1, (6, 6), outputs=2), instance()),
            r"has the input functions a, b: give sensors for each",
        ),
        (
            lambda: pl.refine(PIDeepONet({"a": SENSORS}, 1, (6, 6), outputs=2), instance()),
            "sensors are given for a, and chain has the input functions a, b",
        ),
        (
            lambda: pl.refine(
                PIDeepONet({"a": SENSORS, "b": SENSORS}, 1, (6, 6)), instance(), rank=5
            ),
            r"1 output function\(s\), and chain has 2 unknown\(s\): build it with outputs=2",
        ),
        (
            lambda: pl.refine(
                PIDeepONet({"a": GRID, "b": SENSORS}, 1, (6, 6), outputs=2), instance()
            ),
            r"sensors have 2 coordinates, and a has 1: give \(s,\)",
        ),
        (
            lambda: pl.refine(PIDeepONet(SENSORS, 2, (6, 6)), plate.at(lambda x, y: x)),
            r"sensors have 1 coordinate, and f has 2: give \(s, 2\)",
        ),
        (lambda: PIDeepONet({}, 1, (6, 6)), "give points by the names"),
        (lambda: PIDeepONet({"a": "all"}, 1, (6, 6)), "sensors of a are 'all'"),
        (lambda: PIDeepONet(SENSORS, 1, (6, 6), outputs=0), "outputs"),
        (
            lambda: pl.refine(nn.Linear(2, 1), instance(), sensors=SENSORS),
            "has the input functions a, b",
        ),
        (
            lambda: pl.train_operator(chain, PIDeepONet({"a": SENSORS, "b": SENSORS}, 1, (6, 6))),
            "build it with outputs=2",
        ),
        (lambda: pl.refine_many(operator(), chain, [np.cos]), "give the functions by name"),
        (lambda: pl.refine_many(operator(), chain, [{"a": np.cos}]), "function b is missing"),
        (lambda: pl.refine_many(operator(), chain, [{3: np.cos}]), "functions by the names"),
        (
            lambda: pl.refine_many(
                PIDeepONet({"a": SENSORS, "c": SENSORS}, 1, (6, 6), outputs=2), chain, 1
            ),
            "sensors are given for a, c, and chain has the input functions a, b",
        ),
        (
            lambda: pl.refine_many(Columns(), chain, 1, sensors={"b": SENSORS}),
            "sensors are given for b",
        ),
        (
            lambda: pl.train_operator(
                dataclasses.replace(chain, instance={"a": np.cos}), operator()
            ),
            "is partly given",
        ),
        (
            lambda: pl.GaussianProcess(interval=((0, 1), (0, 1))).sample(1)[0](SENSORS),
            "of 2 coordinates was called with 1",
        ),
        (
            lambda: pl.reference.reaction_diffusion([np.cos], [0.1], lambda u, v: (u,))(GRID),
            "reaction fails with TypeError",
        ),
        (
            lambda: pl.reference.reaction_diffusion([np.cos], [0.1], lambda u: (u, u))(GRID),
            r"gives 2 rate\(s\) for 1 field",
        ),
        (lambda: pl.reference.reaction_diffusion(np.cos, [0.1], abs), "as lists"),
        (lambda: pl.reference.reaction_diffusion([np.cos], [-1], abs), "none negative"),
        (lambda: pl.reference.darcy(lambda x, y: x, lambda x, y: x)(GRID), "positive values"),
        (
            lambda: pl.reference.darcy(lambda x, y: 1, lambda x, y: np.log(x - 0.5))(GRID),
            "not finite",
        ),
        (lambda: pl.GaussianProcess(interval=((0, 1), (1, 0))), "is empty"),
        (lambda: pl.GaussianProcess(interval=((0, 1), (0, 1)), nodes=9), "of one coordinate"),
    ],
)
def test_what_does_not_fit(call, message: str) -> None:
    with pytest.raises(pl.PdelsrError, match=message):
        call()


def test_the_order_of_names_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "operator.safetensors"
    turned = PIDeepONet({"b": SENSORS[::2], "a": SENSORS}, 1, (14, 14, 9), outputs=2)
    options = {"functions": 5, "points": 16, "path": path}
    net = operator()
    pl.train_operator(chain, net, steps=3, **options)
    pl.train_operator(chain, turned, steps=3, **options)
    one, other = (pl.refine(o, instance(), rank=5).unrefined for o in (net, turned))
    np.testing.assert_array_equal(predicted(one, SENSORS), predicted(other, SENSORS))
    shared = PIDeepONet({"a": SENSORS, "b": SENSORS[::2]}, 1, (14, 14, 18), outputs=1)
    with pytest.raises(pl.PdelsrError):
        pl.train_operator(chain, shared, steps=3, **options)


def test_functions_known_on_the_domain_alone(tmp_path: Path) -> None:
    """On a disk, whose bounding box is larger."""

    def bowl(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sqrt(1.0001 - x**2 - y**2)

    disk = pl.Problem(
        name="disk",
        domain=pl.Disk((x, y), (0, 0), 1),
        equations=plate.equations,
        conditions=plate.conditions,
        inputs={field: pl.Drawn(lambda generator: bowl)},
    )
    net = PIDeepONet(0.5 * GRID, 2, (8, 8))
    pl.train_operator(disk, net, functions=3, steps=2, points=16)
    pl.refine(net, disk.at(bowl), rank=20, points=60).save(tmp_path / "disk.safetensors")
    pl.load(tmp_path / "disk.safetensors", disk.at(bowl))
    with pytest.raises(pl.FileFormatError, match="input function f"):
        pl.load(tmp_path / "disk.safetensors", disk.at(lambda x, y: 1 + x))


def test_symbols_name_the_functions_of_an_instance() -> None:
    functions = {a: np.cos, b: np.sin}
    found = pl.refine_many(operator(), chain, [functions], rank=20)
    assert found.functions[0] == {"a": np.cos, "b": np.sin}
    assert "residual after refinement" in str(found)


def test_tables_of_partly_known_references() -> None:
    rows = [
        InstanceRow(i, dict.fromkeys(known, 1.0), dict.fromkeys(known, 0.5), 1.0, 0.1, True, 5, 1.0)
        for i, known in enumerate(("", "uv", "u"))
    ]
    text = str(Instances("partly", rows, [np.cos] * 3))
    assert "error after refinement in v" in text


def test_a_field_at_rest_beside_another_is_resolved() -> None:
    rest = pl.reference.reaction_diffusion(
        [np.cos, np.zeros_like],
        [0.1, 0.1],
        lambda u, v: (-u, (u + 0.1) - u - 0.1 - v),
        x=(0, 2 * np.pi),
    )
    assert abs(rest(GRID)[:, 1]).max() < 1e-12


def test_own_samplers_get_seeds_of_32_bits() -> None:
    class Own:
        def sample(self, n: int, seed: int) -> list:
            state = np.random.RandomState(seed)
            return [lambda x, c=c: c * x for c in state.normal(size=n)]

    problem = dataclasses.replace(chain, inputs={"a": Own(), "b": Own()})
    drawn = drawn_functions(problem, 2, 2**31 + 1)
    assert drawn["a"][0](1.0) != drawn["b"][0](1.0)


def test_a_saved_instance_of_a_field_is_not_loaded_as_another(tmp_path: Path) -> None:
    path = tmp_path / "plate.safetensors"
    net = PIDeepONet(GRID * [1, 2], 2, (8, 8))
    pl.refine(net, plate.at(lambda x, y: x * y), rank=20, points=60).save(path)
    pl.load(path, plate.at(lambda x, y: x * y))
    with pytest.raises(pl.FileFormatError, match="input function f"):
        pl.load(path, plate.at(lambda x, y: x + y))


def test_a_field_has_the_covariance_of_the_kernel() -> None:
    process = pl.GaussianProcess(0.4, variance=2.0, interval=((0, 1), (0, 2)))
    (p, q), (S, T) = process.places, process.smoothing
    for places, root, variance in ((p, S, 2.0), (q, T, 1.0)):
        kernel = variance * np.exp(-((places[:, None] - places) ** 2) / (2 * 0.4**2))
        np.testing.assert_allclose(root @ root.T, kernel, atol=1e-13)
    (f,) = process.sample(1, 3)
    np.testing.assert_allclose(f(p[:, None], q), f.values, atol=1e-12)
    with pytest.raises(pl.ProblemError, match="known for"):
        f(np.array(0.5), np.array(2.1))


def test_a_small_field_is_resolved_as_the_large_ones_are() -> None:
    narrow = pl.reference.reaction_diffusion(
        [lambda x: 1 + 0 * x, lambda x: 1e-8 * np.exp(-(((x - 0.5) / 0.01) ** 2))],
        [0.0, 0.0],
        lambda u, v: (0 * u, -v),
    )
    with pytest.raises(pl.ProblemError, match="modes=64 do not resolve"):
        narrow(np.array([[0.5, 0.5]]))
    wave = pl.reference.reaction_diffusion(
        [lambda x: 1 + 0 * x, lambda x: 1e-8 * np.cos(2 * np.pi * x)],
        [0.01, 0.01],
        lambda u, v: (0 * u, -v),
    )
    exact = 1e-8 * np.exp(-1 - 0.04 * np.pi**2)
    np.testing.assert_allclose(wave(np.array([[0.0, 1.0]]))[0, 1], exact, rtol=1e-7)


def unequal(x: np.ndarray) -> np.ndarray:
    return np.zeros(3)


def failing(*x: np.ndarray) -> np.ndarray:
    return 1 // 0 + x[0]


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (unequal, r"gives float64 \(3,\)"),
        (failing, "ZeroDivisionError"),
        (lambda x: 1j * x, "gives complex128"),
    ],
)
def test_initial_values_that_fit_nothing_are_told(start: Any, message: str) -> None:
    found = pl.reference.reaction_diffusion([start], [0.1], lambda u: (-u,))
    with pytest.raises(pl.ProblemError, match=message):
        found(np.array([[0.5, 0.5]]))


def test_a_permeability_that_fails_is_told() -> None:
    found = pl.reference.darcy(lambda x: 1 + x, failing)
    with pytest.raises(pl.ProblemError, match="permeability fails with TypeError"):
        found(np.array([[0.5, 0.5]]))
    found = pl.reference.darcy(lambda x, y: 1 + 1j * x, failing)
    with pytest.raises(pl.ProblemError, match="permeability gives complex128"):
        found(np.array([[0.5, 0.5]]))
