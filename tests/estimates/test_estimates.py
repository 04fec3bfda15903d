"""Estimated errors against true ones: no claim is wrong by more than ten times.

`pytest -m slow tests/estimates -s --hypothesis-seed=1` runs all problem files, all cases and 300
random linear problems, and prints what each of them came to. It takes about an hour.
"""

from __future__ import annotations

import warnings
from typing import Any

import everyday
import honesty
import numpy as np
import pytest
import sympy as sp
from corpus import FILES, Run, cases, report, run_case, run_file, values_of
from hypothesis import HealthCheck, Phase, given, settings
from manufactured import Truth, manufactured

import pdelsr as pl
from pdelsr.declare.decimals import put_in
from pdelsr.declare.evaluate import evaluate
from pdelsr.results.accuracy import errors_of

LIMIT = 30.0  # seconds of a problem file, or a case
SHORT = 6.0  # seconds of a random problem
DOUBTED = 0.15  # share of right solutions that may go without a claim
PLAIN = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# sympy draws random numbers of its own where it compares expressions
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")


def judge(runs: list[Run]) -> None:
    """Print the runs; none of them is silently wrong, and few that are right are doubted."""
    print("\n" + report(runs))
    assert [str(run) for run in runs if not run.honest] == []
    right = [run for run in runs if run.right]
    assert sum(run.estimate is None for run in right) <= DOUBTED * len(right)


@pytest.mark.slow
def test_problem_files() -> None:
    judge([run_file(path, time_limit=LIMIT) for path in sorted(FILES.glob("*.py"))])


@pytest.mark.slow
def test_cases() -> None:
    judge([run_case(make, time_limit=LIMIT) for make in cases()])


@pytest.mark.slow
def test_random_linear_problems() -> None:
    judge(drawn(300, time_limit=SHORT))


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (honesty.resonant_rod, "not-unique"),
        (honesty.free_beam, "not-unique"),
        (honesty.resonant_forcing, "not-unique"),
        (honesty.insulated_source, "not-solved"),
        (honesty.continued_harmonic, None),
        (honesty.turning_point, None),
        (everyday.convection_benchmark, None),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_small_runs_of_traps(make: Any, status: str | None) -> None:
    run = run_case(make, hidden=(16, 16), weight_scale=2.0, max_iterations=1)
    assert run.honest, run
    assert status is None or run.status == status


def test_few_random_linear_problems() -> None:
    runs = drawn(12, hidden=(16, 16), weight_scale=1.0, max_iterations=1, derandomized=True)
    assert [str(run) for run in runs if not run.honest] == []
    assert any(run.right and run.estimate is not None for run in runs)


def drawn(count: int, derandomized: bool = False, **options: Any) -> list[Run]:
    """Runs of so many random problems."""
    runs: list[Run] = []

    @settings(PLAIN, max_examples=count, derandomize=derandomized)
    @given(manufactured())
    def run(made: tuple[dict[str, Any], Truth]) -> None:
        runs.append(run_manufactured(len(runs), *made, **options))

    run()
    return runs


def run_manufactured(number: int, declaration: dict[str, Any], truth: Truth, **options: Any) -> Run:
    """Solve a random problem, and compare with the solution that it was made from."""
    name = f"random {number}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            solution = pl.solve(pl.Problem(**declaration), **options)
        except pl.PdelsrError:
            return Run(name, "refused")
    problem = solution.problem
    points = problem.domain.from_unit(
        np.random.default_rng(0).random((1000, problem.domain.unit_dim))
    )
    found = values_of(solution, points)
    values = {sp.Symbol(k): sp.sympify(v) for k, v in problem.parameters.items()}
    expected = [
        evaluate(put_in(truth[u], values), problem.coordinates, points, "truth")
        for u in problem.unknowns
    ]
    columns = np.stack([found[u.name] for u in problem.unknowns], axis=1)
    errors = errors_of(problem, points, columns, np.stack(expected, axis=1))  # less what is open
    error = max(e.relative_l2 for e in errors.values())
    return Run(name, solution.status.value, error, solution.error_estimate)


@pytest.mark.slow
def test_ilsr_is_no_worse_than_lsr_where_conditions_meet() -> None:
    """A fixed side meets one that convects: `lsr` has soft conditions, `ilsr` chooses."""
    by_lsr = run_case(everyday.convection_benchmark, method="lsr")
    by_ilsr = run_case(everyday.convection_benchmark, max_iterations=2)
    assert by_lsr.error is not None
    assert by_ilsr.error is not None
    assert by_ilsr.error < 1.2 * by_lsr.error
