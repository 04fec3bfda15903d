"""Names have types, and values are checked against them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from beartype import beartype
from jaxtyping import Float, TypeCheckError, jaxtyped
from torch import Tensor

from pdelsr.files.typed import fits
from pdelsr.lstsq.base import equilibrate

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


def test_shapes_are_checked_while_tests_run() -> None:
    with pytest.raises(TypeCheckError, match="equilibrate"):
        equilibrate(torch.zeros(3))


def test_a_saved_value_is_checked_within_functions_that_name_their_axes() -> None:
    @jaxtyped(typechecker=beartype)
    def within(x: Float[Tensor, " n"]) -> bool:
        return fits(torch.zeros(2 * len(x)), Float[Tensor, " n"])

    assert within(torch.zeros(3))
