"""The code in README, docs and notebooks runs, with small networks."""

from __future__ import annotations

import functools
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pdelsr as pl
from pdelsr.cli.options import read_options, read_widths
from pdelsr.cli.parser import build_parser

ROOT = Path(__file__).parent.parent
LONG = ("published_weights", "table1")  # notebooks that take more than half a minute
NOTEBOOKS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in LONG else [])
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
]
PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]
WIDTHS = (12, 12)


def fenced(text: str, language: str) -> list[str]:
    """The blocks of one language."""
    return re.findall(rf"^```{language}\b.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


WITH_CODE = [page for page in PAGES if fenced(read(page), "python")]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[pl.Solution]:
    """Makes `pl.solve` small, and collects what it gives."""
    solve = pl.solve
    found: list[pl.Solution] = []

    @functools.wraps(solve)
    def small_solve(problem: pl.Problem, method: Any = "ilsr", **options: Any) -> pl.Solution:
        options["max_iterations"] = 1
        if isinstance(method, pl.Method):
            method = replace(method, hidden=WIDTHS, weight_scale=1.5)
        elif not {"network", "start"} & set(options):
            options |= {"hidden": WIDTHS, "weight_scale": 1.5}  # no trials for the scale
        if method == "ilsr":
            options["alignment_steps"] = 2
        found.append(solve(problem, method, **options))
        return found[-1]

    monkeypatch.setattr(pl, "solve", small_solve)
    monkeypatch.chdir(tmp_path)
    return found


def run(blocks: list[str]) -> dict[str, Any]:
    """Run blocks one after the other, as a reader would."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, "document", "exec"), namespace)
    return namespace


@pytest.mark.filterwarnings("ignore::pdelsr.ConditionWarning")  # a page may show one
@pytest.mark.parametrize("page", WITH_CODE)
def test_python_blocks_run(page: str, small: list[pl.Solution]) -> None:
    """All blocks of a page, in their order: a page is one program."""
    run(fenced(read(page), "python"))
    for solution in small:
        assert all(error.relative_l2 < 1e-2 for error in solution.errors.values()), solution


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_notebooks_run(
    path: Path, small: list[pl.Solution], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for neighbour in ("problems", "docs"):
        (tmp_path / neighbour).symlink_to(ROOT / neighbour)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.delenv("PDELSR_FULL", raising=False)
    monkeypatch.delenv("PDELSR_WEIGHTS", raising=False)
    book = json.loads(path.read_text(encoding="utf-8"))
    assert book["nbformat"] == 4
    run(["".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code"])
    assert all(e.relative_l2 < 1e-2 for s in small for e in s.errors.values())


def commands() -> list[list[str]]:
    """The arguments of every `pdelsr` command of README and docs."""
    text = "\n".join(read(page) for page in PAGES)
    indented = [line.strip() for line in re.findall(r"^    pdelsr .*", text, re.MULTILINE)]
    lines = ["\n".join(fenced(text, "sh")), *indented]
    parts = [part for line in "\n".join(lines).splitlines() for part in line.split("&&")]
    words = [shlex.split(part, comments=True) for part in parts]
    return [w[1:] for w in words if w and w[0].rsplit("/")[-1] == "pdelsr"]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_commands_parse(arguments: list[str]) -> None:
    chosen = build_parser().parse_args(arguments)
    if chosen.command == "solve":
        read_options(chosen.method, chosen.option)
        if chosen.hidden is not None:
            assert read_widths(chosen.hidden)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link, anchor in re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", read(page)):
        target = (ROOT / page).parent / link if link else ROOT / page
        if link != "docs/burgers_1d.png":  # which the first command makes
            assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link}#{anchor}"


def anchors(text: str) -> set[str]:
    """What a link may name on a page: its headings and its numbered equations."""
    heads = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\s-]", "", h).strip().lower().replace(" ", "-") for h in heads}
    return slugs | {f"eq-{n}" for n in re.findall(r"\\tag\{(\w+)\}", text)}


def test_equations_are_numbered_in_order() -> None:
    numbers = re.findall(r"\\tag\{(\w+)\}", read("docs/theory.md"))
    assert numbers == [str(i + 1) for i in range(len(numbers))]


def test_every_public_name_has_an_entry_of_the_api() -> None:
    pages = "\n".join(read(p) for p in PAGES if p.startswith("docs/api/"))
    entries = re.findall(r"^::: (\S+)", pages, re.MULTILINE)
    public = set(pl.__all__) - {"__version__", "operators", "plot", "reference"}
    wanted = {f"pdelsr.{name}" for name in public}
    wanted |= {f"pdelsr.operators.{name}" for name in pl.operators.__all__}
    wanted |= {f"pdelsr.reference.{name}" for name in pl.reference.__all__}
    wanted |= {f"pdelsr.plot.{name}" for name in pl.plot.__all__}
    found = {"pdelsr.solve" if e == "pdelsr.entry.solve.solve" else e for e in entries}
    assert len(entries) == len(found)
    assert wanted <= found


def test_statuses_are_listed_with_their_advice() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|.*\| (.*) \|$", read("docs/statuses.md"), re.MULTILINE)
    assert dict(rows) == {status.value: status.advice for status in pl.Status}


def test_ci_runs_the_test_command_of_the_readme() -> None:
    (command,) = [
        line
        for line in "\n".join(fenced(read("README.md"), "sh")).splitlines()
        if line.endswith("pytest -n auto")
    ]
    script = read(".ci/run").replace(" --quiet", "").replace('"$python"', "python3")
    assert all(part.strip() in script for part in command.split("&&"))


def test_constraints_name_every_direct_dependency() -> None:
    project = read("pyproject.toml")
    lines = project[project.index("dependencies = [") : project.index("[project.scripts]")]
    section = re.sub(r"^notebooks = .*", "", lines, flags=re.MULTILINE)
    wanted = set(re.findall(r'"([a-z0-9-]+)(?:\[[a-z]+\])?>=', section))
    pinned = set(re.findall(r"^([a-z0-9-]+)==", read("constraints.txt"), re.MULTILINE))
    assert wanted == pinned
