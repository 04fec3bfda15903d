"""Names in any script, terminals without them, no display, closed pipes: all that must work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from case import SMALL
from problem_texts import rod

from pdelsr.cli import main

GREEK = '''"""Ein Stab mit Quelle: größe θ über ξ."""

import sympy as sp

import pdelsr as pl

ξ, τ = pl.coordinates("ξ τ")
θ = pl.unknown("θ", ξ)
κ = sp.Symbol("κ")
problem = pl.Problem(
    name="Stab / größe 🌡",
    domain=pl.Interval(ξ, 0, 1),
    equations=[sp.Eq(-κ * θ.diff(ξ, 2), sp.pi**2 * sp.sin(sp.pi * ξ))],
    conditions=[pl.Dirichlet(θ, 0)],
    parameters={κ: 1},
    reference=sp.sin(sp.pi * ξ) / κ,
)
'''


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_names_in_any_script_work(capsys: pytest.CaptureFixture[str]) -> None:
    Path("größe ü.py").write_text(GREEK, encoding="utf-8")
    files = ("--json", "ergebnis ü.json", "--plot", "bild θ.png", "--save", "lösung.safetensors")
    arguments = (*SMALL[:-1], "--set", "κ=2", *files)
    assert main(["solve", "größe ü.py", *arguments]) == 0
    out = capsys.readouterr().out
    assert "Stab / größe 🌡 by lsr" in out
    assert "θ" in out
    assert '"θ"' in Path("ergebnis ü.json").read_text(encoding="utf-8")
    assert Path("bild θ.png").read_bytes().startswith(b"\x89PNG")
    start = ("--start", "lösung.safetensors", "--set", "κ=2")
    assert main(["solve", "größe ü.py", "--method", "lsr", *start, "--quiet"]) == 0
    assert main(["list", "."]) == 0
    assert "größe θ über ξ" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: ("# coding: latin-1\n" + text.replace("A problem", "Größe")).encode("latin-1"),
    ],
    ids=["byte order mark", "CRLF", "latin-1 that says so"],
)
def test_other_ways_to_save_a_text_work(change) -> None:
    Path("p.py").write_bytes(change(rod()))
    assert main(["show", "p.py"]) == 0


def process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """`python -m pdelsr` with other environment variables, and without a display."""
    taken = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "-m", "pdelsr", *arguments],
        capture_output=True,
        check=False,
        env={**taken, **variables},
    )


def test_a_terminal_without_the_letters_and_without_a_display_is_no_error() -> None:
    Path("p.py").write_text(GREEK, encoding="utf-8")
    found = process(
        *("solve", "p.py", *SMALL[:-1], "--plot", "a.png"),
        PYTHONIOENCODING="ascii",
        MPLBACKEND="TkAgg",
    )
    assert found.returncode == 0, found.stderr
    assert b"Stab / gr??e" in found.stdout or b"Stab / gr?" in found.stdout
    assert Path("a.png").is_file()


def test_a_backend_that_does_not_exist_is_named_before_any_time_is_spent() -> None:
    Path("p.py").write_text(rod())
    found = process("solve", "p.py", *SMALL, "--plot", "a.png", MPLBACKEND="nonsense")
    assert found.returncode == 2
    assert found.stderr.startswith(b"pdelsr: error: matplotlib cannot be loaded")
    assert found.stderr.rstrip().endswith(b"mend that, or leave --plot and --animate out.")


def test_a_benchmark_without_matplotlib_is_refused_before_any_time_is_spent() -> None:
    found = process("benchmark", "growth", "--plot", "a.png", MPLBACKEND="nonsense")
    assert found.returncode == 2
    assert found.stderr.startswith(b"pdelsr: error: matplotlib cannot be loaded")
    assert found.stderr.rstrip().endswith(b"mend that, or leave --plot out.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_reader_that_leaves_is_no_error() -> None:
    Path("p.py").write_text(rod())
    command = f"{sys.executable} -m pdelsr show p.py | true"
    found = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert found.stderr == ""


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("solve", "p.py", *SMALL[:-1], "--save", "a"), 0),
        (("solve", "nowhere.py"), 2),
        (("solve", "p.py", "--debug", "--set", "nope=1"), 2),
        (("solve", "p.py", "--nope"), 2),
    ],
    ids=["run", "no file", "debug", "usage"],
)
def test_a_full_disk_behind_standard_error_costs_nothing(
    arguments: tuple[str, ...], code: int
) -> None:
    Path("p.py").write_text(rod())
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "pdelsr", *arguments]
        assert subprocess.run(command, stderr=full, check=False).returncode == code
    assert Path("a").is_file() == (code == 0)
