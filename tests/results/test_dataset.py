"""A solution as an xarray Dataset."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from solved import X, heat_1d, solved

import pdelsr as pl

xarray = pytest.importorskip("xarray")


def test_every_unknown_is_a_variable_on_named_coordinates() -> None:
    solution = solved("system_2d")
    data = solution.to_xarray(n={"x": 7})
    assert dict(data.sizes) == {"x": 7, "y": 201}
    assert set(data) == {"u", "v", "u_reference", "u_error", "v_reference", "v_error"}
    at = solution.predict(x=0.5, y=1.0)
    assert data.v.sel(x=0.48, y=1.0, method="nearest").item() == pytest.approx(at["v"].item())
    np.testing.assert_allclose(data.u_error, data.u - data.u_reference)
    np.testing.assert_allclose(data.u_reference, np.exp(data.x + data.y))


def test_derivatives_and_positions() -> None:
    solution = solved("heat_1d", hard=True)
    u = solution.problem.unknowns[0]
    xs = torch.linspace(-1, 1, 5)
    data = solution.to_xarray(derivatives=["u_t", u.diff(X, 2)], x=xs, t=[0.0, 0.1])
    assert data.u_xx.dims == ("x", "t")
    expected = solution.derivative("u_xx", x=xs.numpy()[:, None], t=[0.0, 0.1])
    np.testing.assert_allclose(data.u_xx, expected, rtol=1e-9)
    assert data.u_t.shape == (5, 2)
    assert "u_x" in solution.to_xarray(3, derivatives="u_x")
    at_end = solution.to_xarray(11, t=0.1, reference=False)
    assert at_end.u.dims == ("x",)
    assert at_end.t.item() == 0.1
    assert set(at_end) == {"u"}


def test_outside_the_domain_is_nan() -> None:
    data = solved("ring_2d").to_xarray(n=41)
    assert np.isnan(data.u.sel(x=0.5, y=0.5))
    radius = np.hypot(data.x - 0.5, data.y - 0.5)
    np.testing.assert_array_equal(np.isnan(data.u), radius < 0.2 - 1e-6)
    assert set(data) == {"u"}


def test_a_dataset_survives_a_file(tmp_path: Path) -> None:
    solution = solved("heat_1d")
    data = solution.to_xarray(n=9)
    data.to_netcdf(tmp_path / "u.nc")
    with xarray.open_dataset(tmp_path / "u.nc") as again:
        xarray.testing.assert_equal(again, data)
        assert again.attrs["problem"] == "heat_1d"
        assert again.attrs["method"] == "lsr"
        assert again.attrs["status"] == solution.status.value
        assert again.attrs["heldout_residual"] == solution.heldout
        assert again.attrs.get("error_estimate") == solution.error_estimate
        assert again.attrs["pdelsr_version"] == pl.__version__
        first, *others = again.attrs["equations"].splitlines()
        assert first == "equation: u_t = u_xx  on interior"
        assert len(others) == 3


@pytest.mark.parametrize("name", ["poisson_1d", "heat_2d", "poisson_3d"])
def test_every_dimension_has_a_default(name: str) -> None:
    solution = solved(name)
    data = solution.to_xarray(n=4)
    assert data.u.shape == (4,) * solution.problem.domain.dim


def test_the_default_resolution() -> None:
    assert solved("poisson_1d").to_xarray().u.shape == (501,)
    assert solved("heat_2d").to_xarray(t=1).u.shape == (201, 201)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"z": 1}, "'z' is not a coordinate; it has x, t"),
        ({"n": {"z": 1}}, "'z' is not a coordinate"),
        ({"n": 0}, "n is 0: give a whole number from 1 on"),
        ({"n": {"x": 0}}, "n of x is 0: give a whole number"),
        ({"x": [[0.0]]}, r"x has shape \(1, 1\): give positions along it"),
        ({"x": "left"}, "x: expected numbers, got str"),
        ({"derivatives": ["w_x"]}, "w_x is not a derivative"),
        ({"x": [7.0]}, "no point of the grid lies in the domain"),
        ({"n": 100_000}, "a grid of 100000 x 100000 points is too large"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        solved("heat_1d").to_xarray(**arguments)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(
        pl.MissingPackageError, match=r'to_xarray needs xarray.*pip install "pdelsr\[io\]"'
    ):
        solved("heat_1d").to_xarray()


def test_single_precision_stays() -> None:
    solution = pl.solve(heat_1d(), "lsr", hidden=(5,), points=40, weight_scale=1, dtype="float32")
    data = solution.to_xarray(n=3)
    assert data.u.dtype == np.float32
    assert data.u_error.dtype == np.float64
