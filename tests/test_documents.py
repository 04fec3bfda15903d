"""The code in README, docs and notebooks runs, with small networks."""

from __future__ import annotations

import functools
import json
import re
import shlex
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pdelsr as pl
from pdelsr.cli.options import read_options, read_widths
from pdelsr.cli.parser import build_parser

ROOT = Path(__file__).parent.parent
MARKDOWN = ("README.md", "docs/extending.md", "docs/interfaces.md")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]
WIDTHS = (12, 12)


def fenced(text: str, language: str) -> list[str]:
    """The blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


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


@pytest.mark.parametrize("page", MARKDOWN)
def test_python_blocks_run(page: str, small: list[pl.Solution]) -> None:
    blocks = fenced(read(page), "python")
    assert blocks
    run(blocks)
    assert small
    for solution in small:
        assert all(error.relative_l2 < 1e-2 for error in solution.errors.values()), solution


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[p.stem for p in NOTEBOOKS])
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
    """The arguments of every `pdelsr` command of README and the benchmark page."""
    shell = "\n".join(fenced(read("README.md"), "sh"))
    indented = textwrap.dedent(
        "\n".join(re.findall(r"^    pdelsr .*", read("docs/benchmarks.md"), re.MULTILINE))
    )
    lines = [part for line in (shell + "\n" + indented).splitlines() for part in line.split("&&")]
    words = [shlex.split(line, comments=True) for line in lines]
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
    links = re.findall(r"\]\(([\w./-]+)\)", read(page))
    for link in links:
        if link.endswith(".png"):  # the picture comes from the first command
            continue
        target = (ROOT / page).parent / link
        assert target.exists() or target.with_suffix(".md").exists(), link


def test_ci_runs_the_test_command_of_the_readme() -> None:
    (command,) = [
        line
        for line in "\n".join(fenced(read("README.md"), "sh")).splitlines()
        if line.endswith("pytest")
    ]
    script = read(".ci/run").replace(" --quiet", "")
    assert all(part.strip() in script for part in command.split("&&"))


def test_constraints_name_every_direct_dependency() -> None:
    project = read("pyproject.toml")
    section = project[project.index("dependencies = [") : project.index("notebooks = ")]
    wanted = set(re.findall(r'"([a-z]+)(?:\[[a-z]+\])?>=', section))
    pinned = set(re.findall(r"^([a-z-]+)==", read("constraints.txt"), re.MULTILINE))
    assert wanted == pinned
