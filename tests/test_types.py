"""Names have types, and values are checked against them."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from beartype import beartype
from jaxtyping import Float, TypeCheckError, jaxtyped
from torch import Tensor

import pdelsr as pl
from pdelsr.entry.refine import InstanceOptions, refine_instance
from pdelsr.files.typed import is_of
from pdelsr.lstsq.base import equilibrate
from pdelsr.regression.options import DataOptions
from pdelsr.regression.refine import refine as refine_on_data
from pdelsr.solvers.methods import options
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.settings import RunSettings

ROOT = Path(__file__).parent.parent
OF_SYMPY = {
    *("Coefficient", "Declared", "InputFunction", "NormalComponent", "NormalDerivative", "Symbols"),
    *("LongSums", "NumpyCode", "Text", "TorchCode", "Unknown"),
}
"""Sympy has no stubs, so that the base classes of these are unknown."""


def pyright(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pyright in the environment of the tests, on the package of this checkout."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": str(ROOT),
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
    }
    command = [sys.executable, "-m", "pyright", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def open_names(report: str) -> set[str]:
    """Classes, functions and attributes whose type pyright does not know, each by itself.

    What is partially unknown because a class that it uses is, is named by that class.
    """
    symbols = json.loads(report)["typeCompleteness"]["symbols"]
    assert len(symbols) > 3000
    return {
        symbol["name"].rpartition(".")[2]
        for symbol in symbols
        if symbol["isExported"] and not symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]
        if any("partially unknown" not in found["message"] for found in symbol["diagnostics"])
    }


@pytest.mark.slow
def test_every_name_has_a_type() -> None:
    pytest.importorskip("pyright")
    if pyright("--version").returncode:
        pytest.skip("pyright fetches its engine at first use, and cannot here")
    verified = pyright("--verifytypes", "pdelsr", "--ignoreexternal", "--outputjson")
    assert open_names(verified.stdout) == OF_SYMPY


BY_METHOD = "the overloads, which are what a type checker sees, have the options one by one"
BY_SOLVER = "each solver has states of its own kind, which nobody else looks into"
BY_PROBLEM = "an array or a tensor, as the points are, and a dictionary where there are several"
BY_NETWORK = "arguments of the class, of whatever types it has"
BY_TORCH = "torch has it so"
BY_USER = "the function is the user's, and so is what it takes and makes"
LATER = "a solution, which comes after the errors: the import would be a circle"
STATES = (
    *("compute", "in_part", "init", "leading", "left_over", "path", "root_covariance"),
    "spectrum",
)

OPEN = {
    **dict.fromkeys(("refine", "solve"), BY_METHOD),
    "Method": "values of run options of whatever type, in `suggested`",
    **{f"LeastSquares.{name}": BY_SOLVER for name in STATES},
    **dict.fromkeys(("Solution.derivative", "Solution.predict"), BY_PROBLEM),
    "Network.settings": BY_NETWORK,
    **dict.fromkeys(("RefinedModule.get_extra_state", "RefinedModule.set_extra_state"), BY_TORCH),
    **dict.fromkeys(("CallbackError", "ProblemError"), LATER),
    **dict.fromkeys(("Parametric", "Parametric.bind", "parametric"), BY_USER),
}
"""Public names with `Any` in a signature, and why."""


PUBLIC = {
    name: getattr(module, name)
    for module in (pl.reference, pl.operators, pl.plot, pl)
    for name in module.__all__
}


def functions_of(cls: type) -> dict[str, Any]:
    """The functions of a class that a user calls, the constructor as ""."""
    named = {k: getattr(v, "fget", v) for k, v in inspect.getmembers(cls) if k[0] != "_"}
    functions = {k: v for k, v in {**named, "": cls.__init__}.items() if inspect.isfunction(v)}
    return {k: f for k, f in functions.items() if f.__module__.startswith("pdelsr")}


def first_of(cls: type, name: str) -> str:
    """The method, or the class, as a public base class calls it where that has it as well."""
    bases = [b for b in cls.__mro__ if b in PUBLIC.values() and name in functions_of(b)]
    return f"{bases[-1].__name__}.{name}".rstrip(".")


def is_open(function: Any) -> bool:
    signature = inspect.signature(function)
    annotations = [p.annotation for p in signature.parameters.values()]
    return any(re.search(r"\bAny\b", str(a)) for a in (*annotations, signature.return_annotation))


def test_public_names_with_an_open_type_are_those_with_a_reason() -> None:
    classes = [c for c in PUBLIC.values() if inspect.isclass(c)]
    named = [(first_of(c, k), f) for c in classes for k, f in functions_of(c).items()]
    named += [(name, f) for name, f in PUBLIC.items() if inspect.isfunction(f)]
    assert len(named) > 300
    assert {name for name, function in named if is_open(function)} == OPEN.keys()


def test_types_for_type_checkers_alone_are_exact() -> None:
    blocks = [
        ast.unparse(statement)
        for path in (ROOT / "pdelsr").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
    ]
    assert len(blocks) > 50
    assert [block for block in blocks if re.search(r"\bAny\b", block)] == []


def keywords(function: Any) -> dict[str, str]:
    """The annotations of the arguments that are given by name only."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.annotation for p in parameters if p.kind is p.KEYWORD_ONLY}


def annotated(dataclass: type) -> dict[str, str]:
    """The annotations of the options of a dataclass."""
    return {f.name: str(f.type) for f in fields(dataclass) if f.name != "suggested"}


def declared(typed: type) -> dict[str, str]:
    """The annotations of a dictionary with typed keys, as they are written."""
    found: dict[str, str] = {}
    for base in reversed(typed.__orig_bases__ if hasattr(typed, "__orig_bases__") else ()):
        found |= declared(base) if hasattr(base, "__annotations__") else {}
    own = {k: getattr(v, "__forward_arg__", v) for k, v in typed.__annotations__.items()}
    return found | own


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (options.RunOptions, annotated(RunSettings)),
        (options.MethodOptions, annotated(RunSettings) | annotated(Method)),
        (options.PINNOptions, annotated(RunSettings) | annotated(pl.PINN)),
        (options.TSONNOptions, annotated(RunSettings) | annotated(pl.TSONN)),
        (options.LSROptions, annotated(RunSettings) | annotated(pl.LSR)),
        (options.ILSROptions, annotated(RunSettings) | annotated(pl.ILSR)),
        (DataOptions, keywords(refine_on_data)),
        (InstanceOptions, keywords(refine_instance)),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_typed_options_are_those_that_there_are(typed: type, expected: dict[str, str]) -> None:
    assert declared(typed) == expected


CALLS = """
import pdelsr as pl
problem = pl.load_problem("p.py")
pl.solve(problem, time_limit=3, alignment="lbfgs")
pl.solve(problem, pl.LSR(rank=3), time_limit=3)
pl.solve(problem, "lsr", rnk=3)
pl.solve(problem, "lsr", rank="three")
pl.refine(pl.MLP(1, 1), problem, batch_size=3).heldout
"""

DECLARATION = """
import numpy as np
import sympy as sp
import torch
import pdelsr as pl
x, t = pl.coordinates("x t")
y = pl.coordinates("y")
u, v = pl.unknown("u", x, t), pl.unknown("v", y)
a, D = pl.input_function("a", x), sp.Symbol("D")
k = pl.coefficient("k", lambda x: 1 + torch.exp(-x), x)
conditions = [
    pl.Dirichlet(u, sp.sin(sp.pi * x) / 2, on=(x > 0) & (t < 1)),
    pl.Dirichlet(sp.Eq(u, 0), on=["x=0", "x=1"]),
    pl.Neumann(u, np.float64(1), on="x=0"),
    pl.Robin(u, 1, sp.Rational(1, 3), -sp.exp(-x)),
    pl.Initial(sp.Eq(u, sp.Piecewise((1, x < 0), (0, True)))),
    pl.Periodic([u], x),
    pl.Condition(pl.normal(x) * u.diff(x) + pl.normal_derivative(u), on=x**2 < 1),
    pl.Observations(u.diff(x), [(0.5, 0.1)], torch.zeros(1)),
]
box = pl.Interval(x, 0, 2 * sp.pi) * pl.TimeInterval(t, 0, 1)
equation = sp.Eq(u.diff(t) + u * u.diff(x), D * k * u.diff(x, 2) + a)
reference = {u: lambda x, t: np.sin(x)}
sources = {a: pl.GaussianProcess()}
problem = pl.Problem("p", box, equation, conditions, u, {D: 0.1}, reference, inputs=sources)
print(problem.with_parameters(D=sp.pi).at(a=np.sin).equations[0].lhs)
print(problem.unknowns[0].name, problem.parameters["D"].is_real, problem.conditions[0].title)
problem.at([1.0, 2.0]).instance["a"](np.zeros(3))
pl.Problem("q", pl.Interval(y, 0, 1), [v.diff(y, 2) - y], points={"equation": 100})
pl.reference.burgers(0.01, -sp.sin(sp.pi * x))
"""

MISTAKES = """
import pdelsr as pl
x = pl.coordinates("x")
u = pl.unknown("u", x)
box = pl.Interval(x, 0, 1)
pl.coordinates(3)
pl.unknown("u", "x")
pl.coefficient("k", 3, x)
pl.Dirichlet(u, lambda x: x)
pl.Dirichlet(u, "0")
pl.Neumann("u", 0)
pl.Observations(u, points=None, values=[1])
pl.Problem("p", box, "u_xx = 0")
pl.Problem("p", box, u, [u])
pl.Problem("p", box, u, parameters={"D": "3"})
pl.Problem("p", box, u, smapler=pl.Sobol())
pl.Problem("p", box, u).name = "q"
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "wrong"),
    [(CALLS, {5, 6, 7}), (DECLARATION, set()), (MISTAKES, set(range(5, 17)))],
    ids=["options", "declaration", "mistakes"],
)
def test_a_type_checker_sees_the_mistakes_in_a_script_and_no_others(
    code: str, wrong: set[int], tmp_path: Path
) -> None:
    pytest.importorskip("pyright")
    if pyright("--version").returncode:
        pytest.skip("pyright fetches its engine at first use, and cannot here")
    (tmp_path / "script.py").write_text(code)
    report = json.loads(pyright("--outputjson", str(tmp_path / "script.py")).stdout)
    assert {d["range"]["start"]["line"] for d in report["generalDiagnostics"]} == wrong


def test_shapes_are_checked_while_tests_run() -> None:
    with pytest.raises(TypeCheckError, match="equilibrate"):
        equilibrate(torch.zeros(3))


def test_a_saved_value_is_checked_within_functions_that_name_their_axes() -> None:
    @jaxtyped(typechecker=beartype)
    def within(x: Float[Tensor, " n"]) -> bool:
        return is_of(torch.zeros(2 * len(x)), Float[Tensor, " n"])

    assert within(torch.zeros(3))
