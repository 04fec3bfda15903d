"""The state that a run returns, beside the best one that it ever held: their errors, and the ratio.

python docs/experiments/best_state.py [--time-limit 60] [--seed 0] [PROBLEM ...]

Four problems after rows of PINNacle (Hao et al. 2024) with solutions in closed form, and
Allen-Cahn: most of them one network does not hold to many digits, so that states differ by what
they miss rather than by rounding.
Every state that the run looked at counts, also those that it discarded.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import replace

import sympy as sp

import pdelsr as pl
from pdelsr.results.trace import Trace
from pdelsr.solvers.run.assessed import Assessed
from pdelsr.solvers.run.selection import Selection
from pdelsr.solvers.state.candidate import Candidate

x, y, t = pl.coordinates("x y t")
u, v = pl.unknown("u", x, y, t), pl.unknown("v", x, y)
LARGE = [(a, b) for a in (-4, 4) for b in (-9, -3, 3, 9)] + [(0, -6), (0, 0), (0, 6)]
SMALL = [(-3.2, -6), (-3.2, 6), (3.2, -6), (3.2, 6), (-3.2, 0), (3.2, 0)]


def laplacian(f: sp.Expr) -> sp.Expr:
    return f.diff(x, 2) + f.diff(y, 2)


def heat_of_holes() -> pl.Problem:
    """Heat between 17 holes that exchange it (Robin), each the centre of a kernel of its own."""
    plate: pl.Domain = pl.Box((x, y), (-8, -12), (8, 12), name="wall")
    exact = sp.Integer(1)
    for i, (a, b) in enumerate(LARGE + SMALL):
        radius = 1 if i < len(LARGE) else sp.Rational(2, 5)
        a, b = sp.nsimplify(a), sp.nsimplify(b)
        plate = plate - pl.Disk((x, y), (a, b), radius, name=f"hole {i}")
        age = t + sp.Rational(1, 2)
        exact += (-1) ** i * (1 + i % 3) * sp.exp(-((x - a) ** 2 + (y - b) ** 2) / (4 * age)) / age
    outward = sum(pl.normal(s) * exact.diff(s) for s in (x, y))
    return pl.Problem(
        "heat_of_holes",
        plate * pl.TimeInterval(t, 0, 3),
        [sp.Eq(u.diff(t), laplacian(u))],
        [
            pl.Initial(sp.Eq(u, exact.subs(t, 0))),
            pl.Robin(u, alpha=1, beta=1, value=exact + outward),
        ],
        reference=exact,
    )


def varying_coefficient() -> pl.Problem:
    """Heat in a material whose conductivity varies by a factor of 50, with many waves in it."""
    a = sp.exp(sp.sin(9 * x + 4 * y) + sp.cos(5 * x - 11 * y))
    exact = sp.sin(sp.pi * x) * sp.sin(5 * sp.pi * y) * sp.sin(sp.pi * t)
    exact += sp.sin(3 * sp.pi * x * y) * t

    def gain(f: sp.Expr) -> sp.Expr:
        return (a * f.diff(x)).diff(x) + (a * f.diff(y)).diff(y)

    return pl.Problem(
        "varying_coefficient",
        pl.Box((x, y), (0, 0), (1, 1)) * pl.TimeInterval(t, 0, 5),
        [sp.Eq(u.diff(t), gain(u) + exact.diff(t) - gain(exact))],
        [pl.Initial(sp.Eq(u, 0)), pl.Dirichlet(sp.Eq(u, exact))],
        reference=exact,
    )


def two_scales() -> pl.Problem:
    """Heat that is conducted very unequally in two directions; twenty waves across."""
    e = sp.Rational(1, 500) / sp.pi
    waves = sp.sin(20 * sp.pi * x) * sp.sin(sp.pi * y)
    exact = waves * sp.exp(-((20 * sp.pi * e) ** 2 + 1) * t)
    return pl.Problem(
        "two_scales",
        pl.Box((x, y), (0, 0), (1, 1)) * pl.TimeInterval(t, 0, 5),
        [sp.Eq(u.diff(t), e**2 * u.diff(x, 2) + u.diff(y, 2) / sp.pi**2)],
        [pl.Initial(sp.Eq(u, exact.subs(t, 0))), pl.Dirichlet(u, 0)],
        reference=exact,
    )


def perforated() -> pl.Problem:
    """Laplace's equation between sixteen holes, with a source in the middle of each."""
    plate: pl.Domain = pl.Box((x, y), (0, 0), (4, 4))
    exact = sp.Integer(0)
    for i in range(16):
        a, b = sp.Rational(1, 2) + i % 4, sp.Rational(1, 2) + i // 4
        plate = plate - pl.Disk((x, y), (a, b), sp.Rational(1, 4), name=f"hole {i}")
        exact += sp.Rational((7 * i) % 5 - 2, 2) * sp.log((x - a) ** 2 + (y - b) ** 2)
    return pl.Problem(
        "perforated",
        plate,
        [laplacian(v)],
        [pl.Condition(sp.Eq(v, exact), name="boundary")],
        reference=exact,
    )


def layers() -> pl.Problem:
    """The Allen-Cahn equation of the repository."""
    return pl.load_problem("allen_cahn_1d")


PROBLEMS: dict[str, Callable[[], pl.Problem]] = {
    f.__name__: f for f in (heat_of_holes, varying_coefficient, two_scales, perforated, layers)
}


def errors(problem: pl.Problem, limit: float, seed: int) -> tuple[float, list[float]]:
    """Error of the state that a run returns, and of every refined state that it looked at."""
    states: list[Candidate] = []
    offer = Selection.offer

    def noted(self: Selection, new: Assessed, *bounds: float) -> bool:
        if math.isfinite(new.objective) and new.iteration:
            states.append(new.candidate)
        return offer(self, new, *bounds)

    Selection.offer = noted  # type: ignore[method-assign]
    try:
        solution = pl.solve(problem, time_limit=limit, seed=seed)
    finally:
        Selection.offer = offer  # type: ignore[method-assign]
    trace = Trace(problem)

    def error(candidate: Candidate) -> float:
        candidate.move_network()
        found = replace(solution, network=candidate.network, delta=candidate.delta)
        return trace._largest_error(found)

    returned = Candidate(solution.network, solution.network.get_vector(), solution.delta)
    final = error(returned)
    return final, [error(state) for state in states]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS), metavar="PROBLEM")
    parser.add_argument("--time-limit", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    worst = 0.0
    for name in chosen.problems:
        final, all_of_them = errors(PROBLEMS[name](), chosen.time_limit, chosen.seed)
        ratio = final / min(all_of_them)
        worst = max(worst, ratio)
        print(
            f"{name}: returned {final:.2e}, best {min(all_of_them):.2e} of {len(all_of_them)} "
            f"states, ratio {ratio:.2f}   " + " ".join(f"{e:.1e}" for e in all_of_them),
            flush=True,
        )
    print(f"largest ratio {worst:.2f}")


if __name__ == "__main__":
    main()
