"""Imports point one way, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import pdelsr

PACKAGE = Path(__file__).parent.parent / "pdelsr"
ORDER = [
    *(
        "version",
        "errors",
        "console",
        "progress",
        "processes",
        "resources",
        "reference",
        "declare",
        "files",
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
        "regression",
        "operators",
        "results",
        "checkpoint",
        "plot",
        "executors",
        "entry",
        "benchmark",
        "cli",
        "__main__",
    ),
]
"""Every stage imports from those to its left only."""

DELAYED = {
    "compile/function.py": {"pdelsr.compile.printer"},
    "__init__.py": {"any f'pdelsr.{name}'", "any home"},
    "console.py": {"rich.console"},
    "declare/domains/polygon.py": {"shapely", "shapely.validation"},
    "declare/evaluate.py": {"pdelsr.declare.numpy_code"},
    "cli/pictures.py": {"pdelsr.benchmark.pictures", "pdelsr.results.plot"},
    "resources/free_memory.py": {"psutil"},
    "executors/workers.py": {"loky.process_executor"},
    "operators/instances.py": {"rich.console", "rich.table"},
    "plot.py": {"pdelsr.results.plot"},
    "progress.py": {"rich.live", "rich.progress"},
    "results/diagnosis.py": {"pdelsr.results.diagnosis_text", "pdelsr.results.plot.diagnosis"},
    "results/optional.py": {"any name"},
    "results/runs.py": {"rich.console", "rich.table"},
    "results/progress_display.py": {"rich.spinner", "rich.table", "rich.text"},
    "results/solution.py": {
        "pdelsr.results.export",
        "pdelsr.results.plot",
        "pdelsr.results.summary",
    },
}
"""Imports at the first call or use: what runs and prints, matplotlib, shapely, rich, sympy's
printers of code and loky load slowly, psutil and the packages of extras may be missing."""

ONCE = {
    "hashlib": "files/digest.py",
    "rich.live": "progress.py",
    "rich.progress": "progress.py",
    "secrets": "files/atomic.py",
}
"""What one file alone imports: the digest, the display that moves, names of temporary files."""

WITHOUT_TORCH = (
    *("errors", "console", "progress", "reference", "declare", "sample"),
    *("resources/deadline.py", "resources/clock.py"),
    *("files/atomic.py", "files/header.py", "files/digest.py"),
)
WITHOUT_SYMPY = ("resources", "networks", "linearize", "subspace", "lstsq", "solvers")
FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py"))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse((PACKAGE / path).read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names if node.module == "pdelsr")


def delayed(path: Path) -> Iterator[str]:
    """The modules that a file imports when one of its functions is called."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import):
                    yield from (alias.name for alias in inner.names)
                elif isinstance(inner, ast.ImportFrom):
                    yield str(inner.module)
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called.rpartition(".")[2] in ("import_module", "__import__"):
            (name,) = node.args
            yield name.value if isinstance(name, ast.Constant) else f"any {ast.unparse(name)}"


def stage(module: str) -> str | None:
    """The stage of a module of the package; None for the package itself and for others."""
    parts = module.split(".")
    return parts[1] if parts[0] == "pdelsr" and len(parts) > 1 else None


def own_stage(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def test_imports_point_left() -> None:
    for path in FILES:
        own = own_stage(path)
        if own == "__init__":
            continue
        assert own in ORDER, f"{own} has no place in the order of imports"
        allowed = set(ORDER[: ORDER.index(own) + 1])
        for module in imported(path):
            assert module != "pdelsr", f"{path} imports the whole package"
            assert stage(module) in {None, *allowed}, f"{path} imports {module}, to its right"


def test_delayed_imports_are_those_listed_and_point_left_too() -> None:
    found = {path: set(delayed(path)) for path in FILES}
    assert {path.as_posix(): modules for path, modules in found.items() if modules} == DELAYED
    for path, modules in found.items():
        if modules:
            own = own_stage(path)
            left = ORDER if own == "__init__" else ORDER[: ORDER.index(own) + 1]
            assert {stage(module) for module in modules} <= {None, *left}, path


def name_of(path: Path) -> str:
    """Of the module that a file is."""
    return ".".join(("pdelsr", *path.with_suffix("").parts)).removesuffix(".__init__")


def known_targets(path: Path, modules: set[str]) -> Iterator[str]:
    """The modules of the package that a file needs, for types alone or by their names as well."""
    for node in ast.walk(tree_of(path)):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value] if node.value.startswith("pdelsr.") else []
        for name in names:
            while name and name not in modules:
                name = name.rpartition(".")[0]
            if name:
                yield name


def circle(edges: dict[str, set[str]]) -> list[str]:
    """One that the edges run in; empty where there is none."""
    try:
        tuple(TopologicalSorter(edges).static_order())
    except CycleError as error:
        return error.args[1]
    return []


def test_files_and_folders_import_in_no_circle() -> None:
    """In every folder, its files and the folders in it have an order."""
    modules = {name_of(path) for path in FILES}
    within: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in FILES:
        if path.name == "__init__.py":
            continue
        own = name_of(path).split(".")
        for target in known_targets(path, modules):
            other = target.split(".")
            common = 0
            while own[common : common + 1] == other[common : common + 1] != []:
                common += 1
            if common < min(len(own), len(other)):
                within[".".join(own[:common])][own[common]].add(other[common])
    assert len(within) > 10
    assert {folder: found for folder, edges in within.items() if (found := circle(edges))} == {}


def test_a_circle_is_noticed() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_few_functions_take_the_context_of_a_run() -> None:
    """Most need less: a discretization, a clock, the best state."""
    nodes = (node for path in FILES for node in ast.walk(tree_of(path)))
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    arguments = [{a.arg for a in (*f.args.args, *f.args.kwonlyargs)} for f in functions]
    assert len(functions) > 2000
    assert 0 < sum("context" in names for names in arguments) <= 30


OWNERS = {"solvers/run/context.py", "solvers/state/discretization.py"}
OWNED = {"context", "discretization"}


def names_in(target: ast.expr) -> set[str]:
    """The names on the way to an attribute: `a` and `b` of `a.b.c`."""
    if isinstance(target, ast.Attribute):
        return {target.attr} | names_in(target.value)
    if isinstance(target, ast.Subscript | ast.Call):
        return names_in(target.value if isinstance(target, ast.Subscript) else target.func)
    return {target.id} if isinstance(target, ast.Name) else set()


def intrusions(tree: ast.AST) -> list[str]:
    """Assignments to attributes of a context or a discretization, and what may hide them."""
    nodes = list(ast.walk(tree))
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    targets = [node for node in attributes if not isinstance(node.ctx, ast.Load)]
    found = [ast.unparse(target) for target in targets if names_in(target.value) & OWNED]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return found + [ast.unparse(c) for c in calls if ast.unparse(c.func) == "setattr"]


def test_nobody_assigns_into_a_context_or_a_discretization() -> None:
    files = [path for path in FILES if path.as_posix() not in OWNERS]
    assert len(files) == len(FILES) - len(OWNERS)
    assert {path.as_posix(): found for path in files if (found := intrusions(tree_of(path)))} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("context.clock = 1", 1),
        ("a, self.context.best = b", 1),
        ("context.maker.design += 1", 1),
        ("discretization.plan: int = 3", 1),
        ("setattr(context, name, 1)", 1),
        ("context = prepare(job); self.discretization = 3; context.assess(x)", 0),
    ],
)
def test_an_intrusion_is_noticed(code: str, found: int) -> None:
    assert len(intrusions(ast.parse(code))) == found


def test_only_plot_imports_matplotlib() -> None:
    for path in FILES:
        found = [m for m in imported(path) if m.split(".")[0] == "matplotlib"]
        assert not found or path.parts[:2] == ("results", "plot"), path
        assert "matplotlib.pyplot" not in found, path


@pytest.mark.parametrize(("library", "place"), ONCE.items())
def test_what_there_is_one_helper_for_is_imported_by_it_alone(library: str, place: str) -> None:
    assert [path.as_posix() for path in FILES if library in imported(path)] == [place]


def test_one_file_moves_files_into_their_place_and_waits_for_the_disk() -> None:
    for call in ("os.replace", "os.fsync", "os.rename"):
        found = {p.as_posix() for p in FILES if f"{call}(" in ast.unparse(tree_of(p))}
        assert found <= {"files/atomic.py"}, call


@pytest.mark.parametrize(
    ("places", "library"), [(WITHOUT_TORCH, "torch"), (WITHOUT_SYMPY, "sympy")]
)
def test_heavy_libraries_stay_out_of(places: tuple[str, ...], library: str) -> None:
    files = [path for path in FILES if {own_stage(path), path.as_posix()} & set(places)]
    assert {place for path in files for place in (own_stage(path), path.as_posix())} >= set(places)
    for path in files:
        assert library not in {m.split(".")[0] for m in imported(path)}, path


def test_the_version_is_that_of_the_project() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{pdelsr.__version__}"\n' in project


def test_public_names_exist_and_are_sorted_into_one_list() -> None:
    assert len(set(pdelsr.__all__)) == len(pdelsr.__all__)
    for name in pdelsr.__all__:
        assert hasattr(pdelsr, name)


def test_one_sentence_opens_every_module() -> None:
    for path in FILES:
        text = ast.get_docstring(tree_of(path))
        assert text, f"{path} has no docstring"
        assert text.splitlines()[0].endswith("."), path
