"""Pictures: every kind of domain is drawn, and points outside are masked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from solved import PROBLEMS, solved

import pdelsr as pl
from pdelsr.results.plot import views as views_module
from pdelsr.results.plot.fields import FieldPanels
from pdelsr.results.plot.views import mesh, views


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_module, "ALONG", {1: 31, 2: 15})


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_kind_of_domain_is_drawn(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    figure = solved(name).plot(path, dpi=40)
    assert isinstance(figure, Figure)
    assert path.read_bytes().startswith(b"\x89PNG")


PANELS = {
    "poisson_1d": ["u", "|error|"],
    "heat_1d": ["u", "reference", "|error|"],
    "ring_2d": ["u"],
    "heat_2d": [f"{what} at t = {t}" for t in ("0", "0.5", "1") for what in ("u", "reference")],
    "poisson_3d": ["u at z = 0", "reference at z = 0", "|error| at z = 0"],
    "system_2d": ["u", "reference of u", "|error| of u", "v", "|error| of v"],
}


@pytest.mark.parametrize("name", PANELS)
def test_the_panels_say_what_they_show(name: str) -> None:
    figure = solved(name).plot(what="fields")
    titles = [axes.get_title() for part in figure.subfigs for axes in part.axes]
    assert set(PANELS[name]) <= set(titles)


def test_history_and_singular_values_are_panels_of_their_own() -> None:
    solution = solved("poisson_1d", "ilsr", max_iterations=2, alignment_steps=3, hidden=(5, 5))
    for what, title in (("history", "residual ‖f‖"), ("spectrum", "singular values")):
        (axes,) = solution.plot(what=what).subfigs[0].axes
        assert axes.get_title().startswith(title)
        assert axes.get_yscale() == "log"


def test_effective_rank_is_marked() -> None:
    solution = solved("poisson_1d")
    (axes,) = solution.plot(what="spectrum").subfigs[0].axes
    assert axes.texts[0].get_text() == f"effective rank {solution.effective_rank}"


def test_points_outside_the_domain_are_masked() -> None:
    (field,) = FieldPanels(solved("ring_2d")).fields
    assert field.value.mask.any()
    assert field.value.mask[7, 7]
    assert not field.value.mask[0, 0]
    assert np.isfinite(field.value.compressed()).all()


def test_slices_through_a_hole_are_moved() -> None:
    x, y, z = pl.coordinates("x y z")
    low = pl.Box((x, y, z), (0, 0, 0), (1, 1, 1))
    middle = pl.Box((x, y, z), (-0.5, -0.5, 0.45), (1.5, 1.5, 0.55))
    (view,) = views(low - middle)
    assert view.fixed[2] == pytest.approx(0.37)
    assert mesh(low - middle, view).inside.all()


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    solution = solved("poisson_1d", "pinn", adam_steps=5, lbfgs_steps=5)
    with pytest.raises(pl.SettingsError, match="there is no spectrum to draw"):
        solution.plot(what="spectrum")
    with pytest.raises(pl.SettingsError, match="what is 'field': choose one of all, fields"):
        solution.plot(what="field")
    with pytest.raises(pl.SettingsError, match=r"picture\.xyz: Format 'xyz' is not supported"):
        solution.plot(tmp_path / "picture.xyz")
    with pytest.raises(pl.SettingsError, match="cannot be written"):
        solution.plot(tmp_path / "nowhere" / "picture.png")


def test_notebooks_show_the_figure() -> None:
    assert solved("poisson_1d").plot(dpi=30)._repr_png_().startswith(b"\x89PNG")


def test_neither_import_nor_plot_touches_pyplot() -> None:
    code = "import sys, pdelsr; print([m for m in sys.modules if m.startswith('matplotlib')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    code = "import sys, pdelsr.results.plot; print('matplotlib.pyplot' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
