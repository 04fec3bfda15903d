"""Functions of the user that raise, or return what is no value at a point."""

from __future__ import annotations

from case import Case
from problem_texts import plate, rod

COEFFICIENT = r"equation: the callable of k\(x\) "


def coefficient(body: str, what: str, how: str = "returns a real tensor") -> Case:
    """A rod with a coefficient by this function."""
    before = f"def f(x):\n    {body}\nk = pl.coefficient('k', f, x)"
    file = rod(before, equations="[sp.Eq(-u.diff(x, 2) + k * u, sp.pi**2 * exact)]")
    return Case(f"coefficient: {body}", what, COEFFICIENT, how, file, command="solve")


def reference(body: str, what: str, how: str = "expected") -> Case:
    """A rod with a reference by this function."""
    file = rod(f"import numpy as np\ndef f(x):\n    {body}", reference="f")
    return Case(f"reference: {body}", what, "reference: ", how, file, command="solve")


CALLABLES = [
    coefficient("raise ValueError('no way')", "ValueError: no way"),
    coefficient("return {}['a']", "KeyError: 'a'"),
    coefficient("return 1 / 0", "ZeroDivisionError"),
    coefficient("assert False", "AssertionError"),
    coefficient("raise SystemExit(0)", "SystemExit: 0"),
    coefficient("raise StopIteration", "StopIteration"),
    coefficient("return f(x)", "RecursionError"),
    coefficient("return None", "NoneType"),
    coefficient("return 'abc'", "str"),
    coefficient("return x[:3]", r"shape \(3,\) for 60 points", r"expected \(60,\)"),
    coefficient("return x[:, None] * x", r"shape \(60, 60\)", r"expected \(60,\)"),
    coefficient("return 1j", "complex values"),
    coefficient("return x.to(torch.complex128)", "complex values"),
    coefficient("return x.to('meta')", "meta tensor"),
    coefficient("return torch.where(x > 0.9, torch.nan, x)", r"is nan at x = 0\.9\d+", "check"),
    coefficient("return torch.where(x > 0.9, torch.inf, x)", r"is inf at x = 0\.9\d+", "check"),
    coefficient("return x * torch.nan", r"is nan at x = .*60 of 60 points", "check the formula"),
    Case(
        "coefficient of no argument",
        "takes 0 positional arguments but 1 was given",
        COEFFICIENT,
        "takes 1 torch tensor of shape",
        rod(
            "k = pl.coefficient('k', lambda: 1, x)",
            equations="[sp.Eq(-u.diff(x, 2), k)]",
        ),
        command="solve",
    ),
    Case(
        "condition that is NaN on a part",
        "is nan",
        r"Dirichlet on u\(x, y\): the callable of k\(x\) .*at x = \S+, y = \S+",
        "check the formula there",
        plate(
            "k = pl.coefficient('k', lambda x: torch.where(x > 0.5, torch.nan, x), x)",
            conditions="[pl.Dirichlet(u, k)]",
        ),
        command="solve",
    ),
    Case(
        "formula that is NaN",
        r"-u_xx = log\(x - 1/2\) is not finite",
        r"equation: .* at x = 0\.\d+ \(30 of 60 points\)",
        "check the formula",
        rod(equations="[sp.Eq(-u.diff(x, 2), sp.log(x - sp.Rational(1, 2)))]"),
        command="solve",
    ),
    Case(
        "formula with a pole at a point of the sampler",
        "is not finite",
        r"equation: .* at x = 0 \(1 of 3 points\)",
        "cut such points out of the domain",
        rod(
            equations="[sp.Eq(-u.diff(x, 2), sp.sin(x) / x)]",
            sampler="{'equation': pl.Points([[0.0], [0.5], [1.0]])}",
        ),
        command="solve",
    ),
    Case(
        "input function that is missing",
        "parametric",
        "rod",
        r"give a by problem\.at",
        rod("a = pl.input_function('a', x)", equations="[u.diff(x, 2) - a]"),
        command="solve",
    ),
    reference("raise ValueError('no')", "ValueError: no", "Mend it there, or leave"),
    reference("return 1 / 0", "ZeroDivisionError", "Mend it there, or leave"),
    reference("raise SystemExit(0)", "SystemExit: 0", "Mend it there, or leave"),
    reference("return None", "type object", "expected real numbers"),
    reference("return 'abc'", "type <U3", "expected real numbers"),
    reference("return [1, 2, 3]", r"shape \(3,\)", r"expected \(\d+, 1\)"),
    reference("return 1j * x", "complex128", "expected real numbers"),
    reference("return np.where(x > 0.5, np.nan, x)", r"value at x = 0\.\d+ is \[nan\]", "check"),
    Case(
        "reference of other arguments",
        "takes 2 positional arguments but 1|missing 1 required",
        "reference: ",
        "Mend it there",
        rod("def f(x, y):\n    return x", reference="f"),
        command="solve",
    ),
    Case(
        "reference that is complex in part",
        "is nan",
        r"reference of u\(x\): the value at x = 0\.\d+",
        "check the formula there",
        rod(reference="sp.sqrt(x - sp.Rational(1, 2))"),
        command="solve",
    ),
]
