"""Pictures have room for what they show: limits hold it, titles fit, legends cover nothing."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from solved import SMALL, solved

import pdelsr as pl
from pdelsr.results.error_estimate import ErrorEstimate
from pdelsr.results.plot import views as views_module
from pdelsr.results.plot.curves import LONGEST, shortened

X = pl.coordinates("x")
SLACK = 1.0  # pixels


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("LINE", 31), ("ONE_MAP", 15), ("MAP_OF_MANY", 15)):
        monkeypatch.setattr(views_module, name, count)


def drawn(figure: Any) -> list[Axes]:
    """All panels, once their places are known."""
    figure.draw_without_rendering()
    return [axes for part in figure.subfigs for axes in part.axes if axes.axison]


def against(name: str, factor: float) -> pl.Solution:
    """A solution whose reference is a multiple of the true one: it is wrong by that."""
    solution = solved(name)
    problem = copy.copy(solution.problem)
    given = problem.reference
    scaled = (
        {u: factor * e for u, e in given.items()} if isinstance(given, dict) else given * factor
    )
    object.__setattr__(problem, "reference", scaled)
    return replace(solution, problem=problem)


@pytest.mark.parametrize("factor", [0.01, -3.0, 100.0])
@pytest.mark.parametrize("name", ["system_2d", "heat_2d", "poisson_3d"])
def test_colors_hold_a_wrong_solution_and_its_reference(name: str, factor: float) -> None:
    images = [axes.images[0] for axes in drawn(against(name, factor).plot(what="fields"))]
    assert len(images) >= 6
    for image in images:
        values, (low, high) = image.get_array(), image.get_clim()
        assert values is not None
        bars = [other.colorbar for other in images if other.get_clim() == (low, high)]
        arrows = {bar.extend for bar in bars if bar is not None}
        assert arrows
        assert values.min() >= low or arrows & {"min", "both"}
        assert values.max() <= high or arrows & {"max", "both"}
        assert values.max() <= high


@pytest.mark.parametrize("factor", [0.01, -3.0, 100.0])
@pytest.mark.parametrize(("name", "lines"), [("poisson_1d", 1), ("heat_1d", 4)])
def test_axes_hold_a_wrong_solution_and_its_reference(name: str, lines: int, factor: float) -> None:
    profiles = [
        axes for axes in drawn(against(name, factor).plot(what="fields")) if len(axes.lines) == 2
    ]
    assert len(profiles) == lines
    for axes in profiles:
        low, high = axes.get_ylim()
        for line in axes.lines:
            values = np.asarray(line.get_ydata())
            assert low < values.min()
            assert values.max() < high


def long_names() -> pl.Solution:
    """Conditions whose names differ only behind a hundred letters."""
    u = pl.unknown("temperature_of_the_rod", X)
    exact = sp.sin(sp.pi * X)
    long = "the temperature that is held by the bath around the rod, which is stirred, on the "
    ends = [pl.Condition(sp.Eq(u, 0), on=f"x={i}", name=f"{long}{side}") for i, side in ENDS]
    equation = sp.Eq(-u.diff(X, 2), sp.pi**2 * exact)
    problem = pl.Problem(
        "a rod in a bath that is stirred, between two plates, of which one is warm " * 2,
        pl.Interval(X, 0, 1),
        [equation],
        ends,
        reference=exact,
    )
    return pl.solve(problem, "lsr", **SMALL)


ENDS = ((0, "left"), (1, "right"))


def box_of(text: Text) -> Bbox:
    """Where a text lies, in pixels."""
    return text.get_window_extent()


def shown_labels(axes: Axes) -> list[Text]:
    """The labels of the vertical axis, without those of ticks beyond its limits."""
    low, high = sorted(axes.get_ylim())
    ticks = axes.yaxis.get_major_ticks()
    return [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]


def test_long_names_cut_no_title_and_cover_no_other() -> None:
    solution = long_names()
    figure = solution.plot()
    panels = drawn(figure)
    whole = figure.bbox
    for axes in panels:
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label, *shown_labels(axes)):
            box = box_of(text)
            if not text.get_text():
                continue
            assert box.x0 > whole.x0 - SLACK, text
            assert box.x1 < whole.x1 + SLACK, text
            assert box.y0 > whole.y0 - SLACK, text
            assert box.y1 < whole.y1 + SLACK, text
    titles = [box_of(axes.title) for axes in panels if axes.get_title()]
    for i, one in enumerate(titles):
        assert not any(one.overlaps(other) for other in titles[:i])
        assert not any(one.overlaps(axes.bbox.padded(-2 * SLACK)) for axes in panels)
    (by_block,) = [axes for axes in panels if axes.get_title() == "residual by block"]
    names = [label.get_text() for label in by_block.get_yticklabels()]
    assert len(set(names)) == len(names) == len(solution.blocks)
    assert max(map(len, names)) <= LONGEST
    assert names[0].endswith("equation")
    assert names[2].endswith("right")
    width = by_block.bbox.width / whole.width
    assert width > 0.1  # the names leave room for what they are the names of


def test_shortened_names_keep_both_ends() -> None:
    assert shortened("dirichlet u") == "dirichlet u"
    short = shortened("observations of the temperature at noon")
    assert LONGEST - 2 < len(short) <= LONGEST
    assert short.startswith("observations")
    assert short.endswith("at noon")


def covered(axes: Axes) -> list[str]:
    """The lines, by their labels, that pass beneath the legend."""
    legend = axes.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    found = []
    for line in axes.lines:
        path = line.get_path().interpolated(50)
        places = line.get_transform().transform(path.vertices)
        finite = places[np.isfinite(places).all(axis=1)]
        if box.count_contains(finite):
            found.append(str(line.get_label()))
    return found


def test_what_is_beneath_a_legend_is_noticed() -> None:
    (axes, *_) = drawn(solved("poisson_1d").plot(what="fields"))
    assert covered(axes) == []
    axes.set_ylim(axes.get_ylim()[0], 1.0)
    axes.figure.figure.draw_without_rendering()
    assert set(covered(axes)) == {"solution", "reference"}


LEGENDS = {
    "profile": lambda: solved("poisson_1d").plot(what="fields"),
    "a wrong profile": lambda: against("poisson_1d", -3.0).plot(what="fields"),
    "profiles in time": lambda: solved("heat_1d").plot(what="fields"),
    "blocks": lambda: solved("system_2d").plot(what="residuals"),
    "one block": lambda: solved("poisson_1d", hard=True).plot(what="residuals"),
    "history": lambda: solved(
        "poisson_1d", "ilsr", max_iterations=2, alignment_steps=3, hidden=(5, 5)
    ).plot(what="history"),
    "history of pinn": lambda: solved("poisson_1d", "pinn", adam_steps=200, lbfgs_steps=20).plot(
        what="history"
    ),
    "spectrum": lambda: solved("poisson_1d").plot(what="spectrum"),
    "full rank": lambda: solved("poisson_1d", hidden=(3,)).plot(what="spectrum"),
    "everything": lambda: solved("poisson_1d").plot(),
}


@pytest.mark.parametrize("case", LEGENDS)
def test_legends_cover_no_line(case: str) -> None:
    with_legend = [axes for axes in drawn(LEGENDS[case]()) if axes.get_legend() is not None]
    assert with_legend
    for axes in with_legend:
        assert covered(axes) == [], axes.get_title()
        legend, frame = axes.get_legend(), axes.bbox
        assert legend is not None
        box = legend.get_window_extent()
        assert box.x0 > frame.x0 - SLACK
        assert box.x1 < frame.x1 + SLACK


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (ErrorEstimate(1e-10, 1e-8), "estimated error 1.0e-09"),
        (ErrorEstimate(doubts=("the residual is too large to tell",)), "error not known"),
        (ErrorEstimate(doubts=("open",), open=("u is known up to a constant",)), "not unique"),
    ],
)
def test_the_title_without_a_reference_says_what_is_known_of_the_error(
    estimate: ErrorEstimate, words: str
) -> None:
    solution = replace(solved("ring_2d"), status=pl.Status.COMPLETED, estimate=estimate)
    figure = solution.plot(what="fields")
    assert figure.get_suptitle() == f"ring_2d by lsr: {words}"
    known = replace(solved("poisson_1d"), estimate=estimate)
    assert ": relative L2 error " in known.plot(what="fields").get_suptitle()
