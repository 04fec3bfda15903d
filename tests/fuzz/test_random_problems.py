"""Random problems: compiled exactly, linearized exactly, and every run ends in a status.

`pytest -m slow tests/fuzz -s --hypothesis-seed=1` draws 500 problems from the seed and prints how
their runs ended.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mistakes import mistakes
from problem_checks import check_blocks, check_linearization, check_solution, residual_of
from problem_strategies import declarations, options

import pdelsr as pl
from pdelsr.compile import compile_problem

# sympy draws random numbers of its own where it compares expressions
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

PLAIN = settings(
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
QUICK = settings(PLAIN, max_examples=16, derandomize=True, phases=[Phase.generate, Phase.shrink])
LONG = settings(PLAIN, max_examples=500)
MOST_REFUSED = 0.3  # share of the sound problems: of 40 drawn ones it is 7
FEW, MANY = settings(QUICK, max_examples=2), settings(PLAIN, max_examples=40)


@pytest.mark.parametrize("profile", [QUICK, pytest.param(LONG, marks=pytest.mark.slow)])
def test_sound_problems(profile: settings) -> None:
    ends = tally(profile, check_problem, st.tuples(declarations(), options()))
    assert ends["refused"] <= MOST_REFUSED * ends.total(), ends


@pytest.mark.parametrize("profile", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_mistakes_are_refused(profile: settings) -> None:
    tally(profile, check_mistakes, st.tuples(declarations()))


def tally(profile: settings, check: Callable[..., str], strategy: Any) -> Counter[str]:
    """Run a check on drawn examples, and count what it says of each."""
    ends: Counter[str] = Counter()

    @profile
    @given(strategy)
    def run(drawn: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pl.ConditionWarning)
            warnings.simplefilter("ignore", pl.NormalEquationsWarning)
            ends[check(*drawn)] += 1

    run()
    print("\n" + "\n".join(f"{count:5} {end}" for end, count in ends.most_common()))
    return ends


def check_problem(declaration: dict[str, Any], chosen: dict[str, Any]) -> str:
    """All checks of one problem; the status of its run, "no time" for any, or "refused"."""
    seed = chosen["seed"]
    try:
        problem = pl.Problem(**declaration)
        compiled = compile_problem(problem)
        check_blocks(problem, compiled, seed)
        check_linearization(residual_of(problem, compiled, seed), seed)
        solution = pl.solve(problem, **chosen)
    except pl.TimeLimitError:
        return "no time"
    except pl.PdelsrError:
        return "refused"
    check_solution(solution, chosen["tolerance"])
    return solution.status.value


def check_mistakes(declaration: dict[str, Any]) -> str:
    """Every mistake in a problem is refused, in words of the package's own."""
    for name, make in mistakes(declaration):
        with pytest.raises(pl.PdelsrError) as caught:
            make()
        assert len(str(caught.value)) > 20, name
    return "refused with every mistake"
