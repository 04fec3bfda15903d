"""What loads slowly is loaded by those who need it, and not with the package."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pdelsr as pl

PROBLEM = Path(__file__).parent.parent / "problems" / "burgers_1d.py"
HEAVY = (
    *("scipy.fft", "scipy.interpolate", "scipy.linalg", "scipy.ndimage", "scipy.optimize"),
    *("scipy.sparse", "scipy.spatial", "scipy.special", "scipy.stats"),
    *("matplotlib", "meshio", "pandas", "psutil", "shapely", "sklearn", "xarray"),
    *("numpy.f2py", "numpy.testing", "torch.fx.experimental.symbolic_shapes"),
)
PROGRAM = """
import contextlib, io, json, sys
import torch, sympy
from pathlib import Path
found = {"libraries": [*sys.modules]}
import pdelsr
found["import"] = [*sys.modules]
assert callable(pdelsr.plot.compare) and callable(pdelsr.diagnose)
found["names"] = [*sys.modules]
from pdelsr.cli import main
with contextlib.redirect_stdout(io.StringIO()) as shown:
    assert main(["show", sys.argv[1]]) == 0
assert "it may grow to" in shown.getvalue()
found["show"] = [*sys.modules]
import pdelsr.results.plot
found["plot"] = [*sys.modules]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """The modules that are there after each of the steps, in one process without a display."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "MPLBACKEND")}
    command = [sys.executable, "-c", PROGRAM, str(PROBLEM)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return {step: set(names) for step, names in json.loads(done.stdout).items()}


def test_neither_the_import_nor_show_loads_what_is_heavy(loaded: dict[str, set[str]]) -> None:
    assert "scipy" in loaded["import"]
    assert "rich.table" in loaded["show"]
    assert "sympy.codegen" not in loaded["import"]
    for step in ("import", "show"):
        assert [name for name in HEAVY if name in loaded[step] - loaded["libraries"]] == []


def test_what_runs_is_loaded_at_its_first_use(loaded: dict[str, set[str]]) -> None:
    later = ("pdelsr.entry", "pdelsr.regression", "pdelsr.operators", "pdelsr.results", "rich")
    assert [name for name in loaded["import"] if name.startswith(later)] == []
    assert {"pdelsr.results.diagnosis", "pdelsr.plot"} <= loaded["names"]


def test_what_is_loaded_later_comes_from_where_types_are_read() -> None:
    """Editors read the imports for types, Python the list `LATER`."""
    tree = ast.parse(Path(pl.__file__).read_text(encoding="utf-8"))
    (for_types,) = [node for node in tree.body if isinstance(node, ast.If)]
    found = {
        alias.name: None if node.module == "pdelsr" else node.module
        for node in for_types.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert found == pl.LATER
    assert set(pl.LATER) < set(pl.__all__) <= set(dir(pl))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pdelsr' has no attribute 'slove'"):
        pl.slove  # noqa: B018


def test_importing_pdelsr_does_not_import_matplotlib(loaded: dict[str, set[str]]) -> None:
    for step in ("import", "names"):
        assert not [name for name in loaded[step] if name.startswith("matplotlib")]


def test_neither_import_nor_plot_touches_pyplot(loaded: dict[str, set[str]]) -> None:
    assert "matplotlib" in loaded["plot"]
    assert "matplotlib.pyplot" not in loaded["plot"]
