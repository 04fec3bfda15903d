"""Pictures: every kind of domain is drawn, and points outside are masked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from solved import PROBLEMS, solved

import pdelsr as pl
from pdelsr.results.plot import views as views_module
from pdelsr.results.plot.fields import fields
from pdelsr.results.plot.maps import MapPanel
from pdelsr.results.plot.mesh import Mesh
from pdelsr.results.plot.residuals import residual
from pdelsr.results.plot.scale import magnitude_range, value_scale
from pdelsr.results.plot.slices import read_at
from pdelsr.results.plot.style import STYLES
from pdelsr.results.plot.views import views
from pdelsr.results.plot.write import require_dpi

X, Y, Z, T = pl.coordinates("x y z t")


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("LINE", 31), ("ONE_MAP", 15), ("MAP_OF_MANY", 15)):
        monkeypatch.setattr(views_module, name, count)


def axes_of(figure: Any) -> list[Any]:
    """All panels, from top to bottom."""
    return [axes for part in figure.subfigs for axes in part.axes]


def titles_of(figure: Any) -> list[str]:
    """The titles of all panels, in one line each."""
    return [axes.get_title().replace("\n", " ") for axes in axes_of(figure)]


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_kind_of_domain_is_drawn(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    figure = solved(name).plot(path, dpi=40)
    assert isinstance(figure, Figure)
    assert path.read_bytes().startswith(b"\x89PNG")


TIMES = ("0", "0.25", "0.5", "0.75", "1")
KINDS = ("u", "reference", "|error|")
PANELS = {
    "poisson_1d": ["u", "|error|"],
    "heat_1d": [*KINDS, *(f"u at t = {t}" for t in ("0", "0.0333", "0.0667", "0.1"))],
    "ring_2d": ["u"],
    "heat_2d": [f"{kind} at t = {t}" for kind in KINDS for t in TIMES],
    "poisson_3d": [f"{kind} at {at} = 0" for kind in KINDS for at in "zyx"],
    "system_2d": ["u", "reference of u", "|error| of u", "v", "reference of v", "|error| of v"],
}


@pytest.mark.parametrize("name", PANELS)
def test_the_panels_say_what_they_show(name: str) -> None:
    assert titles_of(solved(name).plot(what="fields")) == PANELS[name]


SLICES: dict[str, tuple[str, dict[Any, Any], list[str]]] = {
    "times": ("heat_2d", {"t": [0, 0.1]}, [f"{k} at t = {t}" for k in KINDS for t in ("0", "0.1")]),
    "a plane": ("poisson_3d", {"y": 0.3}, [f"{kind} at y = 0.3" for kind in KINDS]),
    "a symbol": ("poisson_3d", {Z: -1}, [f"{kind} at z = -1" for kind in KINDS]),
    "a line": (
        "poisson_3d",
        {"x": 0, "y": 0.5},
        ["u at x = 0, y = 0.5", "|error| at x = 0, y = 0.5"],
    ),
    "profiles": (
        "heat_1d",
        {"t": (0, 0.1)},
        [f"{k} at t = {t}" for k in ("u", "|error|") for t in ("0", "0.1")],
    ),
    "through time": ("heat_1d", {"x": 0.5}, ["u at x = 0.5", "|error| at x = 0.5"]),
}


@pytest.mark.parametrize("case", SLICES)
def test_slices_are_chosen(case: str) -> None:
    name, at, titles = SLICES[case]
    assert titles_of(solved(name).plot(what="fields", at=at)) == titles


def test_a_plane_of_space_moves_in_time_where_there_are_more_coordinates() -> None:
    domain = pl.Box((X, Y, Z), (0, 0, 0), (1, 2, 3)) * pl.TimeInterval(T, 0, 4)
    found = views(domain)
    assert [mesh.axes for mesh in found] == [(0, 1)] * 5
    assert [mesh.label for mesh in found] == [f"z = 1.5, t = {t}" for t in range(5)]
    (mesh,) = views(domain, {0: (0.5,), 1: (1.0,)})
    assert mesh.names == ("t", "z")


WRONG_SLICES: dict[str, tuple[Any, str]] = {
    "name": ({"w": 1}, "'w' is not a coordinate; it has x, y, t"),
    "type": (0.5, "at is 0.5: give values by coordinate, such as {'t': 1}"),
    "word": ({"t": "late"}, "t is 'late': give a number, or a list of numbers"),
    "nothing": ({"t": []}, "give a number"),
    "many": ({"t": np.linspace(0, 1, 21)}, "t has 21 values; at most 20 are drawn"),
    "outside": ({"t": 2}, "t = 2 lies outside of the domain, which has t from 0 to 1"),
    "lists": ({"x": [0, 0.1], "t": [0, 1]}, "lists for x, t: only one may have several"),
    "all": ({"x": 0, "y": 0, "t": 0}, "at holds all of x, y, t: leave out what to draw along"),
}


@pytest.mark.parametrize("case", WRONG_SLICES)
def test_slices_that_do_not_fit_are_refused(case: str) -> None:
    at, message = WRONG_SLICES[case]
    with pytest.raises(pl.SettingsError, match=message):
        read_at(at, PROBLEMS["heat_2d"]().domain)


def test_a_slice_without_a_point_is_refused() -> None:
    ring = pl.Disk((X, Y), (0, 0), 2) - pl.Box((X, Y), (-3, -1), (3, 1))
    with pytest.raises(pl.SettingsError, match="no point of the domain has y = 0"):
        views(ring, {1: (0.0,)})
    with pytest.raises(pl.SettingsError, match="history has none"):
        solved("poisson_1d").plot(what="history", at={"x": 0.5})


def test_residuals_are_drawn_in_space_and_by_block() -> None:
    solution = solved("system_2d")
    figure = solution.plot(what="residuals")
    names = ["|residual| of equation 1", "|residual| of equation 2", "residual by block"]
    assert titles_of(figure) == names
    by_block = axes_of(figure)[-1]
    assert [label.get_text() for label in by_block.get_yticklabels()] == list(solution.blocks)
    train, heldout = by_block.lines
    assert list(train.get_xdata()) == [r.train_rms for r in solution.blocks.values()]
    assert list(heldout.get_xdata()) == [r.heldout_rms for r in solution.blocks.values()]


def test_the_residual_in_space_is_that_of_the_equation() -> None:
    solution = solved("poisson_1d")
    points = np.linspace(0, 1, 9)[:, None]
    found = residual(solution, solution.compiled.block("equation"), points)
    exact = -solution.derivative("u_xx", points) - np.pi**2 * np.sin(np.pi * points[:, 0])
    assert found == pytest.approx(np.abs(exact), abs=1e-10)


def test_conditions_that_hold_exactly_are_named() -> None:
    solution = solved("poisson_1d", hard=True)
    by_block = axes_of(solution.plot(what="residuals"))[-1]
    assert [label.get_text() for label in by_block.get_yticklabels()] == ["equation", "dirichlet u"]
    assert [text.get_text() for text in by_block.texts] == ["exact"]


def test_the_error_alone_is_drawn() -> None:
    assert titles_of(solved("system_2d").plot(what="error")) == ["|error| of u", "|error| of v"]
    with pytest.raises(pl.SettingsError, match="no error to draw: the problem has no reference"):
        solved("ring_2d").plot(what="error")


def test_history_and_singular_values_are_panels_of_their_own() -> None:
    solution = solved("poisson_1d", "ilsr", max_iterations=2, alignment_steps=3, hidden=(5, 5))
    for what, title in (("history", "residual ‖f‖"), ("spectrum", "singular values")):
        (axes,) = axes_of(solution.plot(what=what))
        assert axes.get_title().startswith(title)
        assert axes.get_yscale() == "log"


def test_both_ranks_are_marked() -> None:
    solution = solved("poisson_1d")
    effective, rank = solution.effective_rank, solution.rank
    assert effective is not None
    assert rank is not None
    assert effective < rank
    (axes,) = axes_of(solution.plot(what="spectrum"))
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == [f"effective rank {effective}", f"rank {rank}"]
    report = solution.report
    assert report is not None
    (axes,) = axes_of(
        replace(solution, report=replace(report, effective_rank=rank)).plot(what="spectrum")
    )
    (text,) = axes.get_legend().get_texts()
    assert text.get_text() == f"rank {rank}, all of it effective"


def test_points_outside_the_domain_are_masked() -> None:
    ring = solved("ring_2d")
    (field,) = fields(ring, views(ring.problem.domain))["u"]
    assert field.value.mask[7, 7]
    assert not field.value.mask[0, 0]
    assert np.isfinite(field.value.compressed()).all()


def test_pixels_end_where_the_domain_ends() -> None:
    """The raster neither bleeds over a hole nor leaves a gap: its area is that of the domain."""
    domain = pl.Box((X, Y), (0, 0), (1, 1)) - pl.Disk((X, Y), (0.5, 0.5), 0.3)
    mesh = Mesh(domain, (0, 1), {}, 51)
    values = mesh.spread(mesh.points[mesh.inside, 0])
    picture = mesh.picture(values)
    assert picture.count() / picture.size == pytest.approx(1 - np.pi * 0.3**2, abs=5e-3)
    across = np.broadcast_to(np.linspace(0, 1, picture.shape[1]), picture.shape)
    assert np.abs(picture - across).max() < 0.03


def test_what_is_not_finite_inside_stays_white() -> None:
    mesh = Mesh(pl.Box((X, Y), (0, 0), (1, 1)), (0, 1), {}, 21)
    values = mesh.spread(np.where(mesh.points[:, 0] > 0.5, np.nan, 1.0))
    assert mesh.picture(values).mask.mean() == pytest.approx(0.5, abs=0.05)
    assert mesh.picture(mesh.spread(np.full(len(mesh.points), np.nan))).mask.all()


def test_space_is_drawn_to_scale_and_time_is_not() -> None:
    for name, aspect in (("ring_2d", 1.0), ("heat_1d", "auto")):
        assert axes_of(solved(name).plot(what="fields"))[0].get_aspect() == aspect
    channel = pl.Box((X, Y), (0, 0), (10, 1))
    assert Mesh(channel, (0, 1), {}, 5).ratio is None


def test_slices_through_a_hole_are_moved() -> None:
    low = pl.Box((X, Y, Z), (0, 0, 0), (1, 1, 1))
    middle = pl.Box((X, Y, Z), (-0.5, -0.5, 0.45), (1.5, 1.5, 0.55))
    mesh = views(low - middle)[0]
    assert mesh.fixed[2] == pytest.approx(0.37)
    assert mesh.inside.all()


def test_zero_is_white_where_signs_differ_and_contours_tell_them_apart() -> None:
    scale = value_scale([np.ma.array([-1.0, 0.5])])
    assert (scale.low, scale.high, scale.colors) == (-1.0, 1.0, "RdBu_r")
    assert scale.levels == tuple(-level for level in scale.levels[::-1])
    assert 0.0 not in scale.levels
    positive = value_scale([np.ma.array([-0.01, 2.0])])
    assert (positive.low, positive.high, positive.levels) == (-0.01, 2.0, ())


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_constant_fields_have_a_scale(value: float) -> None:
    scale = value_scale([np.ma.array([value, value * (1 + 1e-15)])])
    assert scale.low < value < scale.high


def test_magnitudes_are_shown_down_to_a_small_one() -> None:
    values = np.ma.array(np.logspace(-20, 0, 401))
    assert magnitude_range([values]) == (pytest.approx(1e-6), 1.0)
    assert magnitude_range([np.ma.array([1.0, 0.9])]) == (pytest.approx(1e-2), 1.0)
    low, high = magnitude_range([np.ma.array([0.0])])
    assert 0 < low < high


def test_the_scale_is_the_same_in_all_frames() -> None:
    figure = solved("heat_2d").plot(what="fields")
    ((low, high),) = {axes.images[0].get_clim() for axes in axes_of(figure)[:5]}
    assert 0 <= low < 0.05
    assert high == pytest.approx(2.0, abs=0.05)


def test_lines_differ_without_color() -> None:
    assert len({(marker, dashes) for _, marker, dashes in STYLES}) == len(STYLES)


def test_a_dollar_in_a_name_is_no_formula() -> None:
    solution = solved("poisson_1d")
    named = replace(solution, problem=replace(solution.problem, name=r"$\nonsense{"))
    picture = named.plot(what="fields", dpi=30)
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert any("nonsense" in text.get_text() for text in picture.findobj(Text))


REFUSED: dict[str, tuple[str, str]] = {
    "ending": ("picture.xyz", r"picture\.xyz ends in '\.xyz': pictures end in \.png, \.pdf"),
    "no ending": ("picture", r"picture has no ending: pictures end in \.png"),
    "movie": ("a.gif", r"a movie is written by solution\.animate"),
    "no folder": ("nowhere/picture.png", "cannot be written: its folder does not exist"),
    "folder": ("folder.png", "cannot be written: it is a folder"),
    "locked": ("locked/picture.png", "cannot be written"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_cannot_be_written_are_refused(case: str, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    if case == "locked":  # for root, too, no file can be made below one that is no folder
        (tmp_path / "locked").write_text("")
    name, message = REFUSED[case]
    with pytest.raises(pl.SettingsError, match=message):
        solved("poisson_1d").plot(tmp_path / name)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "full.png").symlink_to("/dev/full")
    with pytest.raises(pl.SettingsError, match=r"full\.png cannot be written: No space left"):
        solved("poisson_1d").plot(tmp_path / "full.png", what="spectrum")


def test_what_cannot_be_drawn_is_said() -> None:
    solution = solved("poisson_1d", "pinn", adam_steps=5, lbfgs_steps=5)
    with pytest.raises(pl.SettingsError, match="there is no spectrum to draw"):
        solution.plot(what="spectrum")
    with pytest.raises(pl.SettingsError, match="what is 'field': choose one of all, fields"):
        solution.plot(what="field")
    with pytest.raises(pl.SettingsError, match="there is no history to draw: nothing was recorded"):
        replace(solution, history=()).plot(what="history")
    for dpi in (0, -1, "high", True, 1e9):
        with pytest.raises(pl.SettingsError, match="give dots an inch, from 10 to 2000"):
            require_dpi(dpi)
    with pytest.raises(pl.SettingsError, match="dpi is 5"):
        solution.plot(dpi=5)


def test_notebooks_show_the_figure() -> None:
    assert solved("poisson_1d").plot(dpi=30)._repr_png_().startswith(b"\x89PNG")


def test_a_map_can_be_updated() -> None:
    figure = Figure()
    mesh = Mesh(pl.Box((X, Y), (0, 0), (1, 1)), (0, 1), {}, 5)
    first, second = (mesh.spread(np.full(25, v)) for v in (0.0, 1.0))
    scale = value_scale([first, second])
    drawn = MapPanel("a", "u", mesh, first, scale).draw(figure.subplots(), False, True)
    MapPanel("b", "u", mesh, second, scale).update(drawn)
    (image,) = drawn
    assert np.ma.allclose(image.get_array(), 1.0)  # pyright: ignore[reportAttributeAccessIssue]
    assert figure.axes[0].get_title() == "b"
