"""Operators refined at instances, many of them, and trained on equations."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import torch
from torch import Tensor, nn

import pdelsr as pl
from pdelsr.entry.refine_many import error_points, refine_many
from pdelsr.operators import PIDeepONet
from pdelsr.operators.at_input import network_at
from pdelsr.operators.loss import Loss
from pdelsr.operators.physics_training import train_operator
from pdelsr.solvers.refinement.refiner import Refiner

x, t = pl.coordinates("x t")
s = pl.unknown("s", x)
u = pl.unknown("u", x, t)
a, b = pl.input_function("a", x), pl.input_function("b", x)
SENSORS = np.linspace(0, 1, 20)

antiderivative = pl.Problem(
    name="antiderivative",
    domain=pl.Interval(x, 0, 1),
    equations=[sp.Eq(s.diff(x), a)],
    conditions=[pl.Dirichlet(s, 0, on="x=0")],
    inputs={a: pl.GaussianProcess(length_scale=0.3)},
    reference=pl.reference.OfInputs(pl.reference.antiderivative),
)
burgers = pl.Problem(
    name="burgers",
    domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(u.diff(t) + u * u.diff(x), u.diff(x, 2) / 20)],
    conditions=[pl.Initial(sp.Eq(u, a)), pl.Periodic(u, x)],
    inputs={a: pl.PeriodicField(sigma=625, tau=5, gamma=4)},
    reference=pl.reference.OfInputs(lambda a: pl.reference.periodic_burgers(a, nu=0.05)),
)


def operator(d: int = 1, width: int = 20, **options) -> PIDeepONet:
    return PIDeepONet(SENSORS, d, (width, width, width), **options)


def wave(x: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * x)


class Product(nn.Module):
    """A user's operator, with a frozen layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Linear(20, 12, dtype=torch.float64)
        self.outer = nn.Sequential(
            nn.Linear(1, 30, dtype=torch.float64),
            nn.Tanh(),
            nn.Linear(30, 12, dtype=torch.float64),
        )
        self.inner.requires_grad_(False)

    def forward(self, values: Tensor, points: Tensor) -> Tensor:
        return (self.inner(values) * self.outer(points)).sum(dim=1)


def test_an_instance_gets_many_digits() -> None:
    solution = pl.refine(operator(), antiderivative.at(wave), rank=200)
    points = np.linspace(0, 1, 100)[:, None]
    wanted = (1 - np.cos(2 * np.pi * points[:, 0])) / (2 * np.pi)
    np.testing.assert_allclose(solution.predict(points), wanted, rtol=0, atol=1e-7)
    assert solution.heldout < 1e-4 * solution.heldout_start


def test_an_instance_takes_the_bases_and_solvers_of_solve() -> None:
    errors = []
    for solver in ("qr", pl.TruncatedSVD(cut=1e-3)):
        options = {"basis": pl.Gaussian(), "lstsq": solver, "rank": 100}
        solution = pl.refine(operator(), antiderivative.at(wave), **options)
        assert solution.rank == 100
        errors.append(solution.error()["s"].relative_l2)
    assert errors[0] < 1e-2 * errors[1]


def test_newton_steps_go_beyond_the_published_single_one() -> None:
    net, at = operator(2, 30), burgers.at(wave)
    errors = [
        pl.refine(net, at, rank=400, newton_steps=steps, passes=1).error()["u"].relative_l2
        for steps in (1, 6)
    ]
    assert errors[1] < 0.5 * errors[0]


def test_a_second_pass_is_never_worse_on_held_out_points() -> None:
    one, two = (pl.refine(operator(2), burgers.at(wave), rank=150, passes=p) for p in (1, 2))
    assert two.heldout <= one.heldout


def test_weights_shift_the_residual_between_blocks() -> None:
    net, at = operator(2), burgers.at(wave)
    plain, heavy = (pl.refine(net, at, rank=100, weights=w) for w in (None, {"initial u": 1e4}))
    rms = [s.blocks["initial u"].heldout_rms for s in (plain, heavy)]
    assert rms[1] < 0.5 * rms[0]


def test_a_users_module_with_sensors() -> None:
    solution = pl.refine(Product(), antiderivative.at(wave), rank=60, sensors=SENSORS)
    assert solution.error()["s"].relative_l2 < 1e-4


def test_the_operator_is_not_changed() -> None:
    net = operator()
    before = [p.clone() for p in net.parameters()]
    pl.refine(net, antiderivative.at(wave), rank=50)
    for p, q in zip(net.parameters(), before, strict=True):
        assert torch.equal(p, q)


def test_single_precision_weights_are_refined_in_double() -> None:
    solution = pl.refine(operator(dtype=torch.float32), antiderivative.at(wave), rank=200)
    assert solution.error()["s"].relative_l2 < 1e-6


def test_a_refinement_that_does_not_help_leaves_the_operator() -> None:
    """Many directions on two points: held-out points say that the trained operator is better."""
    net = operator()
    train_operator(antiderivative, net, functions=200, steps=400, points=50)
    found = pl.refine(net, antiderivative.at(wave), rank=400, points=2, passes=1)
    assert found.delta is None
    assert found.heldout == found.heldout_start


class Columnwise(nn.Module):
    """No operator: three values a point."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 3, dtype=torch.float64)

    def forward(self, values: Tensor, points: Tensor) -> Tensor:
        return self.layer(points)


def test_data_go_to_the_refinement_on_data() -> None:
    module = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 1)).double()
    inputs = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    assert isinstance(pl.refine(module, inputs, inputs.sin(), rank=20), pl.RefinedModule)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pl.refine(operator(), antiderivative.at(wave), 3), "targets belong to data"),
        (lambda: pl.refine(operator(), antiderivative.at(wave), rnk=3), "did you mean 'rank'"),
        (lambda: pl.refine(Product(), antiderivative.at(wave)), "give sensors="),
        (
            lambda: pl.refine(operator(), antiderivative.at(wave), sensors=SENSORS),
            "sensors are part of a PIDeepONet",
        ),
        (lambda: pl.refine(operator(2), antiderivative.at(wave)), "maps 2 coordinate"),
        (
            lambda: pl.refine(operator(), antiderivative),
            "is parametric: an operator is",
        ),
        (lambda: pl.refine(operator(), antiderivative.at(wave), rank=10**6), "parameters"),
        (
            lambda: pl.refine(Product(), antiderivative.at(wave), sensors=2 * SENSORS),
            "reach from 0 to 2",
        ),
        (
            lambda: pl.refine(Product(), antiderivative.at(wave), sensors=np.zeros((3, 2))),
            "sensors have 2 coordinates",
        ),
        (lambda: pl.refine(Product(), antiderivative.at(wave), sensors="all"), "give an array"),
        (lambda: refine_many(operator(), antiderivative.at(wave), 2), "one instance already"),
        (lambda: pl.refine(operator(), antiderivative.at(lambda x: x / 0)), "a is nan at 0"),
        (
            lambda: pl.refine(operator(), antiderivative.at(np.log)),
            "a is -inf at 0",
        ),
        (lambda: pl.refine(operator(), antiderivative.at(lambda x: x + 1j)), "real numbers"),
        (lambda: pl.refine(operator(), antiderivative.at(lambda x: {}[3])), "fails with KeyError"),
        (lambda: pl.refine(operator(), antiderivative.at(lambda x: x[:3])), r"gives shape \(3,\)"),
        (
            lambda: pl.refine(nn.Linear(2, 1), antiderivative.at(wave), sensors=SENSORS),
            r"Linear\(values \(2, .*fails",
        ),
        (
            lambda: pl.refine(Columnwise(), antiderivative.at(wave), sensors=SENSORS),
            r"gives the shape \(2, 3\)",
        ),
    ],
)
def test_refinements_that_do_not_fit(call, message: str) -> None:
    with pytest.raises(pl.PdelsrError, match=message):
        call()


def test_a_saved_instance_is_not_loaded_as_another(tmp_path: Path) -> None:
    path = tmp_path / "instance.safetensors"
    solution = pl.refine(operator(), antiderivative.at(wave), rank=40)
    solution.save(path)
    again = pl.load(path, antiderivative.at(wave))
    x = np.linspace(0, 1, 7)[:, None]
    np.testing.assert_array_equal(again.predict(x), solution.predict(x))
    net = network_at(operator(), antiderivative.at(wave))
    before = net(torch.from_numpy(x)).detach().numpy()[:, 0]
    np.testing.assert_allclose(again.unrefined.predict(x), before, rtol=1e-12)
    with pytest.raises(pl.FileFormatError, match="input function a"):
        pl.load(path, antiderivative.at(np.cos))
    with pytest.raises(pl.FileFormatError, match=r"is parametric: give the instance"):
        pl.load(path, antiderivative)


def test_rows_of_another_problem_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    refine_many(operator(), antiderivative, 1, rank=10, path=path)
    other = dataclasses.replace(antiderivative, equations=[sp.Eq(s.diff(x), 2 * a)])
    with pytest.raises(pl.FileFormatError, match="another run"):
        refine_many(operator(), other, 1, rank=10, path=path)
    with pytest.raises(pl.FileFormatError, match="another run"):
        refine_many(operator(), antiderivative, 1, rank=10, newton_steps=1, path=path)


def test_instances_may_be_arrays_at_sensors() -> None:
    values = wave(np.linspace(0, 1, 200))
    rows = refine_many(operator(), antiderivative, [values, wave], rank=40).rows
    assert rows[0].error == pytest.approx(rows[1].error, rel=0.1)


def test_many_instances_with_a_table_and_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    found = refine_many(operator(), antiderivative, 3, rank=100, path=path)
    assert [row.index for row in found.rows] == [0, 1, 2]
    for row in found.rows:
        assert row.refined
        assert row.error < 1e-3 * row.error_before
        assert row.heldout < row.heldout_before
    lines = path.read_text().splitlines()
    assert len(lines) == 4
    assert json.loads(lines[1])["rank"] == 100
    assert "3 instances, 0 of them not refined" in str(found)
    labels = [str(cell) for cell in found.table().columns[0].cells]
    assert labels[:2] == ["error of the operator", "error after refinement"]


class Own(pl.Basis):
    """A user's, without a text of its own."""

    name = "own"

    def build(self, rows, rank, generator):
        return pl.Gaussian().build(rows, rank, generator)


def test_rows_with_a_basis_of_a_users_go_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    one = refine_many(operator(), antiderivative, 1, rank=10, basis=Own(), path=path)
    again = refine_many(operator(), antiderivative, 1, rank=10, basis=Own(), path=path)
    assert again.rows[0] == one.rows[0]


def scaled(c: float) -> pl.Problem:
    """With a coefficient that only its values tell from others."""
    factor = pl.coefficient("c", lambda x: c + 0 * x, x)
    return dataclasses.replace(antiderivative, equations=[sp.Eq(factor * s.diff(x), a)])


def test_rows_of_another_coefficient_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    refine_many(operator(), scaled(1.0), 1, rank=20, path=path)
    with pytest.raises(pl.FileFormatError, match="which differs in coefficients"):
        refine_many(operator(), scaled(5.0), 1, rank=20, path=path)


def test_a_file_takes_more_instances_and_serves_fewer(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    two = refine_many(operator(), antiderivative, 2, rank=20, path=path)
    three = refine_many(operator(), antiderivative, 3, rank=20, path=path, memory_budget=10**8)
    assert three.rows[:2] == two.rows
    again = refine_many(operator(), antiderivative, 2, rank=20, path=path)
    assert again.rows == two.rows
    assert refine_many(operator(), antiderivative, 3, rank=20, path=path).rows == three.rows
    before = path.stat()
    path.parent.chmod(0o500)  # nothing to write
    try:
        assert refine_many(operator(), antiderivative, 3, rank=20, path=path).rows == three.rows
    finally:
        path.parent.chmod(0o700)
    assert path.stat().st_ino == before.st_ino


def test_functions_that_agree_at_the_sensors_alone_are_others(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    refine_many(operator(), antiderivative, [np.cos, wave], rank=20, path=path)

    def same_at_sensors(x: np.ndarray) -> np.ndarray:
        return wave(x) + np.sin(19 * np.pi * x) ** 2

    np.testing.assert_allclose(same_at_sensors(SENSORS), wave(SENSORS), atol=1e-12)
    with pytest.raises(pl.FileFormatError, match="differs in the input functions"):
        refine_many(operator(), antiderivative, [np.cos, same_at_sensors], rank=20, path=path)


def test_rows_do_not_depend_on_the_default_dtype(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    one = refine_many(operator(), antiderivative, 1, rank=20, path=path)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert refine_many(operator(), antiderivative, 1, rank=20, path=path).rows == one.rows
    finally:
        torch.set_default_dtype(usual)


def test_a_cut_run_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    whole = refine_many(operator(), antiderivative, 3, rank=50, path=path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:2]) + "\n" + lines[2][:20])  # killed while it wrote a line
    again = refine_many(operator(), antiderivative, 3, rank=50, path=path)
    assert again.rows[0] == whole.rows[0]
    assert [r.error for r in again.rows] == [r.error for r in whole.rows]
    assert len(refine_many(operator(), antiderivative, 3, rank=50, path=path).rows) == 3
    with pytest.raises(pl.FileFormatError, match="belongs to another run"):
        refine_many(operator(), antiderivative, 3, rank=51, path=path)
    path.write_text("what is this\n")
    with pytest.raises(pl.FileFormatError, match="not a file of refine_many"):
        refine_many(operator(), antiderivative, 3, rank=50, path=path)


def test_rows_of_another_operator_or_of_other_functions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    refine_many(operator(), antiderivative, 2, rank=20, path=path)
    own = dataclasses.replace(antiderivative, reference=None)
    doubled = pl.reference.OfInputs(lambda a: lambda x: 2 * pl.reference.antiderivative(a)(x))
    for net, problem, functions, what in (
        (operator(seed=5), antiderivative, 2, "the operator"),
        (operator(activation="sin"), antiderivative, 2, "the operator"),
        (operator(), antiderivative, [wave, np.cos], "the input functions: give"),
        (operator(), own, 2, "reference"),
        (operator(), dataclasses.replace(antiderivative, reference=doubled), 2, "reference"),
        (operator(), scaled(1.0), 2, "the problem"),
    ):
        with pytest.raises(pl.FileFormatError, match=f"another run, which differs in .*{what}"):
            refine_many(net, problem, functions, rank=20, path=path)
    with pytest.raises(pl.FileFormatError, match="cannot be written"):
        refine_many(operator(), antiderivative, 2, rank=20, path=tmp_path / "no" / "rows")
    with pytest.raises(pl.SettingsError, match="did you mean 'rank'"):
        refine_many(operator(), antiderivative, 2, rnk=20)


def test_interruptions_write_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, refine, calls = tmp_path / "rows.jsonl", Refiner.__call__, []

    def cut(self: Refiner, *args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 3:  # the first pass of the second instance
            raise KeyboardInterrupt
        return refine(self, *args, **kwargs)

    monkeypatch.setattr(Refiner, "__call__", cut)
    with pytest.raises(KeyboardInterrupt):
        refine_many(operator(), antiderivative, 2, rank=20, passes=2, path=path)
    assert len(path.read_text().splitlines()) == 2


def test_an_interrupted_second_pass_keeps_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    refine, calls = Refiner.__call__, []

    def cut(self: Refiner, *args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return refine(self, *args, **kwargs)

    monkeypatch.setattr(Refiner, "__call__", cut)
    solution = pl.refine(operator(), antiderivative.at(wave), rank=60, passes=2)
    assert solution.status is pl.Status.INTERRUPTED
    assert solution.delta is not None
    assert solution.heldout < solution.heldout_start


def test_workers_find_the_same() -> None:
    one, two = (refine_many(operator(), antiderivative, 4, rank=50, workers=w).rows for w in (1, 2))
    for r, q in zip(one, two, strict=True):
        assert r.heldout == pytest.approx(q.heldout, rel=1e-6)


def test_instances_may_be_given_and_may_lack_a_reference() -> None:
    problem = pl.Problem(
        name="plain",
        domain=antiderivative.domain,
        equations=antiderivative.equations,
        conditions=antiderivative.conditions,
    )
    found = refine_many(operator(), problem, [wave, np.cos], rank=50)
    assert [row.error for row in found.rows] == [None, None]
    with pytest.raises(pl.SettingsError, match="does not say where a comes from"):
        refine_many(operator(), problem, 2)


@pytest.mark.filterwarnings("ignore::pdelsr.ReferenceWarning")
def test_a_reference_without_a_value_costs_no_instance() -> None:
    def exact(points: np.ndarray) -> np.ndarray:
        return np.sin(points[:, 0])

    def with_a_gap(points: np.ndarray) -> np.ndarray:
        return np.where(points[:, 0] > 0, exact(points), np.nan)

    def never(points: np.ndarray) -> np.ndarray:
        raise RuntimeError("no values")

    found = []
    for reference in (exact, with_a_gap, never):
        problem = dataclasses.replace(antiderivative, reference=None)
        object.__setattr__(problem, "reference", reference)  # as one that passed the declaration
        (row,) = refine_many(operator(), problem, [np.cos], rank=50).rows
        found.append(row.error)
    assert found[0] is not None
    assert found[1] == pytest.approx(found[0], rel=1e-3)
    assert found[2] is None


def test_errors_are_measured_on_at_least_ten_thousand_points() -> None:
    assert error_points(antiderivative.at(wave)).shape == (10_001, 1)
    assert error_points(burgers.at(wave)).shape == (101 * 101, 2)


def test_training_lowers_the_error() -> None:
    net = operator(width=24)
    drawn = antiderivative.inputs["a"].sample(5, 9)
    points = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]
    values = torch.stack([torch.from_numpy(f(SENSORS)) for f in drawn])
    exact = np.stack([antiderivative.at(f).reference_values(points.numpy())[:, 0] for f in drawn])

    def error() -> float:
        with torch.no_grad():
            return float(np.linalg.norm(net.fields(values, points).numpy() - exact))

    before = error()
    training = train_operator(antiderivative, net, functions=200, steps=400, points=50)
    assert training.finished
    assert len(training.losses) == 400
    first, last = training.losses[0], training.losses[-1]
    assert repr(training).startswith(f"<Training: 400 steps, loss {first:.1e} to {last:.1e}, ")
    assert error() < 0.2 * before


def test_the_loss_is_the_mean_square_of_the_residuals() -> None:
    """Against autograd: b(a)·T'(x) − a(x) and b(a)·T(0), on all pairs."""
    net = operator()
    loss = Loss(antiderivative, net, 4, 0)
    found = loss(0, 4, 30).item()
    generator = torch.Generator().manual_seed(0)
    rows = torch.randperm(4, generator=generator)
    interior, side = (
        block.sites[0][torch.randint(len(block), (30,), generator=generator)]
        for block in loss.blocks
    )
    drawn = antiderivative.inputs["a"].sample(4, 0)
    b = net.branch(loss.values[rows])
    slope = net.trunk.jet(interior, [(1,)])[0]
    wanted = torch.stack([torch.from_numpy(drawn[i](interior[:, 0].numpy())) for i in rows])
    equation = (b @ slope.T - wanted).square().mean() + (b @ net.trunk(side).T).square().mean()
    assert found == pytest.approx(equation.item(), rel=1e-4)  # the table is linear between nodes


def test_a_cut_training_goes_on_exactly(tmp_path: Path) -> None:
    path, options = tmp_path / "state.safetensors", {"functions": 30, "points": 20, "batch": 8}
    whole, cut, again = operator(), operator(), operator()
    train_operator(antiderivative, whole, steps=20, **options)
    train_operator(antiderivative, cut, steps=11, path=path, **options)
    training = train_operator(antiderivative, again, steps=20, path=path, **options)
    assert len(training.losses) == 20
    for p, q in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(p, q)


def test_a_training_that_runs_out_of_memory_keeps_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Loss.__call__

    def limited(self, step, batch, points):
        if step == 5:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return usual(self, step, batch, points)

    path, (whole, cut) = tmp_path / "a.safetensors", (operator(), operator())
    options = {"functions": 10, "batch": 4, "points": 8, "steps": 8}
    train_operator(antiderivative, whole, **options)
    with monkeypatch.context() as patch:
        patch.setattr(Loss, "__call__", limited)
        with pytest.raises(pl.MemoryLimitError, match="lower batch or points"):
            train_operator(antiderivative, cut, path=path, **options)
    assert len(train_operator(antiderivative, cut, path=path, **options).losses) == 8
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), cut.parameters(), strict=True))


def test_checkpoints_of_other_trainings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    train_operator(antiderivative, operator(), functions=5, steps=2, path=path)
    with pytest.raises(pl.FileFormatError, match="differs in functions"):
        train_operator(antiderivative, operator(), functions=6, steps=2, path=path)
    with pytest.raises(pl.FileFormatError, match="differs in the sizes of the operator"):
        train_operator(antiderivative, operator(width=8), functions=5, steps=2, path=path)
    longer = dataclasses.replace(antiderivative, inputs={a: pl.GaussianProcess(length_scale=0.5)})
    for problem, net, what in (
        (antiderivative, operator(activation="sin"), "the networks of the operator"),
        (antiderivative, PIDeepONet(SENSORS / 2, 1, (20, 20, 20)), "the sensors"),
        (longer, operator(), "functions drawn"),
        (scaled(2.0), operator(), "the problem"),
    ):
        kept = [p.clone() for p in net.parameters()]
        with pytest.raises(pl.FileFormatError, match=f"differs in .*{what}"):
            train_operator(problem, net, functions=5, steps=2, path=path)
        assert all(torch.equal(p, q) for p, q in zip(net.parameters(), kept, strict=True))
    train_operator(antiderivative, operator(seed=3), functions=5, steps=2, path=path)  # goes on
    with pytest.raises(pl.FileFormatError, match="holds no solution"):
        pl.load(path, antiderivative.at(wave))


def test_time_limit_ends_training_with_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    training = train_operator(
        antiderivative, operator(), functions=5, steps=100_000, path=path, time_limit=0.2
    )
    assert not training.finished
    assert path.exists()


@pytest.mark.parametrize(
    ("problem", "net", "message"),
    [
        (antiderivative.at(wave), operator(), "has no input function to give"),
        (burgers, operator(1), "has 1 coordinate"),
    ],
)
def test_trainings_that_do_not_fit(problem: pl.Problem, net: PIDeepONet, message: str) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        train_operator(problem, net, steps=1)


def test_a_checkpoint_without_its_folder_is_refused_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(pl.FileFormatError, match="no such folder"):
        train_operator(antiderivative, operator(), steps=1, path=tmp_path / "none" / "file")


def test_divergence_is_said() -> None:
    net = operator()
    with pytest.raises(pl.SettingsError, match="not finite"):
        train_operator(antiderivative, net, functions=5, steps=200, learning_rate=1e300)


def test_hard_conditions_are_refused() -> None:
    problem = pl.Problem(
        name="hard",
        domain=antiderivative.domain,
        equations=antiderivative.equations,
        conditions=[pl.Dirichlet(s, 0, on="x=0", hard=True)],
        inputs={a: pl.GaussianProcess()},
    )
    with pytest.raises(pl.SettingsError, match="hard=True"):
        train_operator(problem, operator(), steps=1)
    with pytest.raises(pl.SettingsError, match="hard=True"):
        pl.refine(operator(), problem.at(wave))


@pytest.mark.parametrize(
    ("instances", "message"), [(2.0, "is 2.0"), (True, "is True"), ([], "empty")]
)
def test_instances_are_a_number_or_functions(instances: object, message: str) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        refine_many(operator(), antiderivative, instances)


def test_the_unrefined_solution_says_that_it_is_that() -> None:
    solution = pl.refine(operator(), antiderivative.at(wave), rank=40)
    text = solution.unrefined.summary()
    assert "without the refinement" in " ".join(text.split())
    assert "one-shot refinement is done" not in " ".join(text.split())
    assert "held-out residual" not in text
    assert "held-out residual" in solution.summary()
