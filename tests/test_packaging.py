"""What a user gets: the wheel and the sdist, what they hold, and the versions that they claim."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = (
    *("pdelsr", "problems", "tests", "docs", "notebooks", ".ci", ".github"),
    *("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CITATION.cff"),
    *("constraints.txt", "constraints-lowest.txt", "mkdocs.yml"),
    *(".gitignore", ".pre-commit-config.yaml"),
)
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
BUILD = "from setuptools import build_meta as b; b.build_{0}('dist')"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which the wheel and the sdist are built."""
    copy = tmp_path_factory.mktemp("build")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", ".ipynb_checkpoints")
            shutil.copytree(ROOT / name, copy / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, copy / name)
    for kind in ("sdist", "wheel"):
        command = [sys.executable, "-c", BUILD.format(kind)]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return copy


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as pip unpacks it, away from the repository."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(next((built / "dist").glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def metadata(installed: Path) -> Message:
    """What a package index shows."""
    return message_from_string(next(installed.glob("*.dist-info/METADATA")).read_text("utf-8"))


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """Run the command line of the installed package in a folder of the user's."""
    start = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from pdelsr.cli import main; "
        "sys.exit(main())"
    )
    command = [sys.executable, "-I", "-c", start, str(installed), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    return done.stdout


def test_the_wheel_has_the_package_and_the_problems_alone(installed: Path) -> None:
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"pdelsr"}
    there = {p.relative_to(installed / "pdelsr") for p in (installed / "pdelsr").rglob("*.py")}
    package = {p.relative_to(ROOT / "pdelsr") for p in (ROOT / "pdelsr").rglob("*.py")}
    problems = {p.relative_to(ROOT) for p in (ROOT / "problems").rglob("*.py")}
    assert there == package | problems
    assert (installed / "pdelsr" / "py.typed").is_file()


def test_a_user_of_the_wheel_has_the_problems(installed: Path, tmp_path: Path) -> None:
    listed = run(installed, tmp_path, "list")
    assert {line.split()[0] for line in listed.splitlines()} == {
        path.stem for path in (ROOT / "problems").glob("*.py")
    }
    assert "u_xx + u_yy" in run(installed, tmp_path, "show", "poisson_2d")


@pytest.mark.slow
def test_a_user_of_the_wheel_solves_a_problem_by_its_name(installed: Path, tmp_path: Path) -> None:
    small = ("--method", "lsr", "--hidden", "8,8", "--points", "60", "--option", "weight_scale=1")
    run(installed, tmp_path, "solve", "poisson_2d", *small, "--json", "p.json", "--quiet")
    assert json.loads((tmp_path / "p.json").read_text())["problem"] == "poisson_2d"


@pytest.mark.slow
def test_a_user_of_the_wheel_makes_a_benchmark(installed: Path, tmp_path: Path) -> None:
    pair = ("--problems", "poisson_2d", "--methods", "ilsr", "--time-limit", "20")
    printed = run(installed, tmp_path, "benchmark", *pair, "--json", "b.json", "--plot", "b.png")
    assert "poisson_2d ilsr seed 0: " in printed
    (measured,) = json.loads((tmp_path / "b.json").read_text())["runs"]
    assert measured["relative_l2"] < 1e-3
    assert {path.name for path in tmp_path.iterdir()} == {"b.json", "b.png"}


def test_the_readme_leads_somewhere_from_a_package_index(metadata: Message) -> None:
    text = str(metadata.get_payload())
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(targets) > 30
    assert [t for t in targets if not t.startswith(("https://", "#"))] == []
    assert metadata["Description-Content-Type"] == "text/markdown"
    address = "https://github.com/pdelsr/pdelsr"
    assert f"({address}/raw/HEAD/docs/burgers_1d.png)" in text
    for path in re.findall(rf"{address}/(?:raw|blob)/HEAD/([^)#]+)", text):
        assert (ROOT / path).exists()


def test_the_metadata_say_where_the_project_is(metadata: Message) -> None:
    addresses = dict(entry.split(", ") for entry in metadata.get_all("Project-URL", []))
    assert set(addresses) == {"Repository", "Documentation", "Changelog", "Issues"}
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"repository-code: {addresses['Repository']}" in citation
    assert f"version: {metadata['Version']}" in citation


def test_the_sdist_has_what_the_tests_need(built: Path) -> None:
    with tarfile.open(next((built / "dist").glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for source in SOURCES:
        wanted = [ROOT / source] if (ROOT / source).is_file() else (ROOT / source).rglob("*")
        for path in wanted:
            if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                assert str(path.relative_to(ROOT)) in names


@pytest.mark.slow
def test_the_tests_of_the_sdist_run(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next((built / "dist").glob("*.tar.gz"))) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    where = "import pdelsr; print(pdelsr.__file__)"
    assert str(unpacked) in _python(unpacked, "-c", where)
    assert " passed" in _python(unpacked, "-m", "pytest", "-q", "-p", "no:cacheprovider", *QUICK)


QUICK = (  # of every kind: a method, its problems, the command line, files, documents, doctests
    "tests/test_solve.py",
    "tests/results/test_record.py",
    "tests/hostile/test_time_limit.py",
    "tests/solvers/growth/test_affordable_step.py",
    "tests/test_import_direction.py",
    "tests/test_architecture.py",
    "pdelsr/solvers/methods/lsr.py",
)


def _python(folder: Path, *arguments: str) -> str:
    """What Python prints in a folder, without this repository on its path."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout


def test_the_lowest_versions_are_those_that_are_claimed() -> None:
    found = re.findall(r'"([A-Za-z0-9_-]+)>=([\d.]+)', PYPROJECT)
    claimed = {name.lower(): lowest for name, lowest in found}
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split(" ")[0].split("==") for line in lines if not line.startswith("#"))
    for name, version in pinned.items():
        assert _numbers(version)[: len(_numbers(claimed[name]))] == _numbers(claimed[name])
        assert not any(_numbers(version)[len(_numbers(claimed[name])) :])
    required = PYPROJECT.split("dependencies = [")[1].split("\n]")[0]
    needed = {
        name.lower() for name in re.findall(r'^    "([A-Za-z0-9_-]+)', required, re.MULTILINE)
    }
    assert {name.lower() for name in needed} <= set(pinned)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
