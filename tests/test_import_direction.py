"""Imports point one way, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pdelsr

PACKAGE = Path(__file__).parent.parent / "pdelsr"
ORDER = [
    *(
        "version",
        "errors",
        "console",
        "deadline",
        "files",
        "header",
        "seal",
        "reference",
        "declare",
        "problem_file",
        "sample",
    ),
    *(
        "compile",
        "survey",
        "networks",
        "linearize",
        "subspace",
        "lstsq",
        "solvers",
        "batch",
        "operators",
        "results",
        "checkpoint",
        "plot",
        "start",
        "solve",
        "finetune",
        "benchmark",
        "cli",
        "__main__",
    ),
]
"""Every stage imports from those to its left only."""

DELAYED = {
    "cli/pictures.py": {"pdelsr.benchmark.pictures", "pdelsr.results.plot"},
    "linearize/free_memory.py": {"psutil"},
    "plot.py": {"pdelsr.results.plot"},
    "results/diagnosis.py": {"pdelsr.results.plot.diagnosis"},
    "results/optional.py": {"any name"},
    "results/solution.py": {"pdelsr.results.plot", "pdelsr.results.storage"},
}
"""Imports at the first call: matplotlib loads slowly, psutil and the packages of extras may be
missing, and storage builds the class that it is called from."""

WITHOUT_TORCH = (
    *("errors", "console", "deadline", "files", "header"),
    *("reference", "declare", "sample"),
)
FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names if node.module == "pdelsr")


def delayed(path: Path) -> Iterator[str]:
    """The modules that a file imports when one of its functions is called."""
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    yield ast.unparse(inner)
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called.rpartition(".")[2] in ("import_module", "__import__"):
            (name,) = node.args
            yield name.value if isinstance(name, ast.Constant) else f"any {ast.unparse(name)}"


def stage(module: str) -> str | None:
    """The stage of a module of the package; None for the package itself and for others."""
    parts = module.split(".")
    return parts[1] if parts[0] == "pdelsr" and len(parts) > 1 else None


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_left(path: Path) -> None:
    own = path.parts[0].removesuffix(".py")
    if own == "__init__":
        return
    assert own in ORDER, f"{own} has no place in the order of imports"
    allowed = set(ORDER[: ORDER.index(own) + 1])
    for module in imported(path):
        assert module != "pdelsr", f"{path} imports the whole package"
        assert stage(module) in {None, *allowed}, f"{path} imports {module}, to its right"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_delayed_imports_are_those_listed_and_point_left_too(path: Path) -> None:
    found = set(delayed(path))
    assert found == DELAYED.get(path.as_posix(), set())
    own = path.parts[0].removesuffix(".py")
    if found:
        assert {stage(module) for module in found} <= {None, *ORDER[: ORDER.index(own) + 1]}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_only_plot_imports_matplotlib(path: Path) -> None:
    found = [m for m in imported(path) if m.split(".")[0] == "matplotlib"]
    assert not found or path.parts[:2] == ("results", "plot")
    assert "matplotlib.pyplot" not in found


@pytest.mark.parametrize("path", FILES, ids=str)
def test_declarations_do_not_need_torch(path: Path) -> None:
    if path.parts[0].removesuffix(".py") in WITHOUT_TORCH:
        assert not [m for m in imported(path) if m.split(".")[0] == "torch"]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_solvers_do_not_know_sympy(path: Path) -> None:
    if path.parts[0] in ("networks", "linearize", "subspace", "lstsq", "solvers"):
        assert not [m for m in imported(path) if m.split(".")[0] == "sympy"]


def test_the_version_is_that_of_the_project() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{pdelsr.__version__}"\n' in project


def test_public_names_exist_and_are_sorted_into_one_list() -> None:
    assert len(set(pdelsr.__all__)) == len(pdelsr.__all__)
    for name in pdelsr.__all__:
        assert hasattr(pdelsr, name)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_one_sentence_opens_every_module(path: Path) -> None:
    text = ast.get_docstring(ast.parse((PACKAGE / path).read_text(encoding="utf-8")))
    assert text, f"{path} has no docstring"
    assert text.splitlines()[0].endswith(".")
