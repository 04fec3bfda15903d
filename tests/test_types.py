"""Names have types, and values are checked against them."""

from __future__ import annotations

import inspect
import json
import os
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
from pdelsr.batch.lsr import refine as refine_on_data
from pdelsr.batch.options import DataOptions
from pdelsr.files.typed import fits
from pdelsr.lstsq.base import equilibrate
from pdelsr.refine import InstanceOptions, refine_instance
from pdelsr.solvers.methods import options
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.settings import RunSettings

ROOT = Path(__file__).parent.parent
OF_SYMPY = {
    *("Coefficient", "InputFunction", "NormalComponent", "NormalDerivative", "Unknown"),
    "TorchCode",
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
    """Classes, functions and attributes whose type pyright does not know."""
    symbols = json.loads(report)["typeCompleteness"]["symbols"]
    assert len(symbols) > 3000
    return {
        symbol["name"].rpartition(".")[2]
        for symbol in symbols
        if symbol["isExported"] and not symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]
    }


@pytest.mark.slow
def test_every_name_has_a_type() -> None:
    pytest.importorskip("pyright")
    if pyright("--version").returncode:
        pytest.skip("pyright fetches its engine at first use, and cannot here")
    verified = pyright("--verifytypes", "pdelsr", "--ignoreexternal", "--outputjson")
    assert open_names(verified.stdout) == OF_SYMPY


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


@pytest.mark.slow
def test_a_type_checker_knows_the_options_of_every_method(tmp_path: Path) -> None:
    pytest.importorskip("pyright")
    if pyright("--version").returncode:
        pytest.skip("pyright fetches its engine at first use, and cannot here")
    (tmp_path / "calls.py").write_text(CALLS)
    report = json.loads(pyright("--outputjson", str(tmp_path / "calls.py")).stdout)
    lines = {one["range"]["start"]["line"] for one in report["generalDiagnostics"]}
    assert lines == {5, 6, 7}


def test_shapes_are_checked_while_tests_run() -> None:
    with pytest.raises(TypeCheckError, match="equilibrate"):
        equilibrate(torch.zeros(3))


def test_a_saved_value_is_checked_within_functions_that_name_their_axes() -> None:
    @jaxtyped(typechecker=beartype)
    def within(x: Float[Tensor, " n"]) -> bool:
        return fits(torch.zeros(2 * len(x)), Float[Tensor, " n"])

    assert within(torch.zeros(3))
