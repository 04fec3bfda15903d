"""Movies: frames, one palette, and what cannot be animated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.animation import FFMpegWriter
from PIL import Image
from solved import solved

import pdelsr as pl
from pdelsr.results.plot import views as views_module
from pdelsr.results.plot.gif import palette_of


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("LINE", 31), ("MAP_OF_MANY", 15)):
        monkeypatch.setattr(views_module, name, count)


@pytest.mark.parametrize("at", [None, {"y": 0}], ids=["planes", "lines"])
def test_a_movie_has_a_frame_for_each_time(at: Any, tmp_path: Path) -> None:
    path = solved("heat_2d").animate(tmp_path / "a.gif", frames=3, fps=5, at=at, dpi=30)
    with Image.open(path) as movie:
        assert movie.format == "GIF"
        assert getattr(movie, "n_frames", 1) == 3
        assert movie.info["duration"] == 200
        assert movie.info["loop"] == 0  # for ever
        shown = []
        for i in range(3):
            movie.seek(i)
            shown.append(np.asarray(movie.convert("L")))
    assert not np.array_equal(shown[0], shown[2])


def test_the_palette_holds_the_colors_of_the_maps() -> None:
    palette = palette_of(["viridis", "cividis", "viridis"])
    assert palette.shape == (256, 3)
    for name in ("viridis", "cividis"):
        wanted = 255 * colormaps[name](np.linspace(0, 1, 33))[:, None, :3]
        assert np.abs(wanted - palette).max(axis=2).min(axis=1).max() < 4
    assert palette[:24].tolist()[0] == [0, 0, 0]
    assert palette_of([]).shape == (256, 3)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "time": ("poisson_3d", {}, "nothing to animate: the problem has no time"),
    "held": ("heat_2d", {"at": {"t": 0.5}}, "at holds t, which the movie runs through"),
    "all of space": ("heat_1d", {"at": {"x": 0.5}}, "at holds all of space"),
    "several": ("heat_2d", {"at": {"x": [0, 0.5]}}, "a movie shows one slice"),
    "frames": ("heat_1d", {"frames": 1}, "frames is 1: give a whole number from 2 on"),
    "fps": ("heat_1d", {"fps": 100}, "fps is 100: give frames a second, at most 50"),
    "ending": ("heat_1d", {"path": "a.png"}, r"a\.png ends in '\.png': movies end in \.gif, \.mp4"),
    "folder": ("heat_1d", {"path": "no/a.gif"}, "its folder does not exist"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_animated_is_refused(case: str, tmp_path: Path) -> None:
    name, options, message = REFUSED[case]
    path = tmp_path / options.get("path", "a.gif")
    with pytest.raises(pl.SettingsError, match=message):
        solved(name).animate(path, **{k: v for k, v in options.items() if k != "path"})


def test_mp4_needs_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda _: False))
    with pytest.raises(pl.SettingsError, match=r"needs the program ffmpeg.*or write a \.gif"):
        solved("heat_1d").animate(tmp_path / "a.mp4")


@pytest.mark.skipif(not FFMpegWriter.isAvailable(), reason="there is no ffmpeg here")
def test_mp4_is_written(tmp_path: Path) -> None:
    path = solved("heat_1d").animate(tmp_path / "a.mp4", frames=2, dpi=30)
    assert b"ftyp" in path.read_bytes()[:16]
