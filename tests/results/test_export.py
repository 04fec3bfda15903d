"""Files of meshes, read back by meshio."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from solved import heat_1d, solved

import pdelsr as pl

meshio = pytest.importorskip("meshio")
FORMAT = {".msh": "gmsh", ".tec": "tecplot", ".avs": "avsucd"}


@pytest.mark.parametrize("ending", [".vtu", ".vtk", ".msh", ".tec", ".avs"])
@pytest.mark.parametrize("name", ["poisson_1d", "ring_2d", "system_2d", "poisson_3d"])
def test_a_file_holds_what_predict_gives(name: str, ending: str, tmp_path: Path) -> None:
    solution = solved(name)
    path = tmp_path / f"u{ending}"
    assert solution.export(path, n=9) == [path]
    mesh = meshio.read(path, file_format=FORMAT.get(ending))
    (cells,) = mesh.cells
    expected = {"poisson_1d": "line", "ring_2d": "triangle", "system_2d": "quad"}
    assert cells.type == expected.get(name, "hexahedron")
    assert len(cells.data) > 7
    dim = solution.problem.domain.dim
    assert (mesh.points[:, dim:] == 0).all()
    found = solution.predict(mesh.points[:, :dim])
    values = found if isinstance(found, dict) else {"u": found}
    for field, right in values.items():
        np.testing.assert_allclose(mesh.point_data[field], right, rtol=1e-12, atol=1e-12)


def test_holes_are_cut_out(tmp_path: Path) -> None:
    solved("ring_2d").export(tmp_path / "ring.vtu", n=41)
    mesh = meshio.read(tmp_path / "ring.vtu")
    centers = mesh.points[mesh.cells[0].data].mean(axis=1)
    assert np.hypot(*(centers[:, :2] - 0.5).T).min() > 0.2


def test_errors_derivatives_and_residuals(tmp_path: Path) -> None:
    solution = solved("poisson_1d")
    solution.export(tmp_path / "u.vtu", n=11, derivatives="u_xx", residuals=True)
    mesh = meshio.read(tmp_path / "u.vtu")
    assert set(mesh.point_data) == {
        *("u", "u_xx", "u_reference", "u_error", "residual_of_equation"),
    }
    x = mesh.points[:, 0]
    data = mesh.point_data
    np.testing.assert_allclose(data["u_reference"], np.sin(np.pi * x), atol=1e-12)
    np.testing.assert_allclose(data["u_error"], data["u"] - data["u_reference"], atol=1e-15)
    right = -data["u_xx"] - np.pi**2 * np.sin(np.pi * x)
    np.testing.assert_allclose(data["residual_of_equation"], right, atol=1e-9)


@pytest.mark.parametrize("ending", [".vtu", ".pvd"])
def test_a_series_for_paraview(ending: str, tmp_path: Path) -> None:
    solution = solved("heat_2d")
    paths = solution.export(tmp_path / f"heat{ending}", n=9, times=[0, 0.25, 1])
    assert [p.name for p in paths] == ["heat.pvd", *(f"heat_000{i}.vtu" for i in range(3))]
    sets = ElementTree.parse(paths[0]).getroot().findall("Collection/DataSet")
    assert [(s.get("timestep"), s.get("file")) for s in sets] == [
        *(("0.0", "heat_0000.vtu"), ("0.25", "heat_0001.vtu"), ("1.0", "heat_0002.vtu")),
    ]
    mesh = meshio.read(paths[2])
    assert mesh.cells[0].type == "triangle"
    points = np.column_stack([mesh.points[:, :2], np.full(len(mesh.points), 0.25)])
    np.testing.assert_allclose(mesh.point_data["u"], solution.predict(points), rtol=1e-12)


def test_a_series_in_one_xdmf_file(tmp_path: Path) -> None:
    solution = solved("heat_1d")
    path = tmp_path / "heat.xdmf"
    assert solution.export(path, n=9) == [path]
    root = ElementTree.parse(path).getroot()
    times = [float(t.attrib["Value"]) for t in root.iter("Time")]
    np.testing.assert_allclose(times, np.linspace(0, 0.1, 21))
    x = np.array(" ".join(root.find(".//Geometry/DataItem").itertext()).split(), float)
    last = [a for a in root.iter("Attribute") if a.attrib["Name"] == "u"][-1]
    u = np.array(last.find("DataItem").text.split(), float)
    expected = solution.predict(x=x.reshape(-1, 3)[:, 0], t=0.1)
    np.testing.assert_allclose(u, expected, rtol=1e-12, atol=1e-12)


def test_other_formats_get_numbered_files_and_one_time_one_file(tmp_path: Path) -> None:
    solution = solved("heat_1d")
    paths = solution.export(tmp_path / "h.vtk", n=5, times=(0, 0.1))
    assert [p.name for p in paths] == ["h_0000.vtk", "h_0001.vtk"]
    assert solution.export(tmp_path / "end.vtu", n=5, times=0.1) == [tmp_path / "end.vtu"]
    mesh = meshio.read(tmp_path / "end.vtu")
    expected = solution.predict(x=mesh.points[:, 0], t=0.1)
    np.testing.assert_allclose(mesh.point_data["u"], expected, rtol=1e-12)
    single = tmp_path / "end.xdmf"
    assert solution.export(single, n=5, times=0.1) == [single]
    names = [path.name for path in solution.export(tmp_path / "end.pvd", n=5, times=0.1)]
    assert names == ["end.pvd", "end_0000.vtu"]
    assert len(list(tmp_path.iterdir())) == 6


def test_the_default_series(tmp_path: Path) -> None:
    solution = pl.solve(heat_1d(), "lsr", hidden=(4,), points=30, weight_scale=1)
    assert len(solution.export(tmp_path / "h.vtu", n=3)) == 22


@pytest.mark.parametrize(
    ("name", "file", "options", "message"),
    [
        ("heat_1d", "a.txt", {}, r"ending '.txt': give one of .vtu, .* .pvd"),
        ("heat_1d", "a", {}, "ending ''"),
        ("poisson_1d", "a.pvd", {}, r"ending '.pvd': give one of .vtu"),
        ("heat_1d", "no/a.vtu", {}, "no/a.vtu lies in a folder that does not exist"),
        ("heat_1d", "folder.vtu", {}, "folder.vtu is a folder"),
        ("heat_1d", "a.vtu", {"times": 2}, "times reach from 2 to 2; expected between 0 and 0.1"),
        ("heat_1d", "a.vtu", {"n": 1}, "n is 1: give a whole number from 2 on"),
        ("heat_1d", "a.vtu", {"n": 10**14}, "a grid of 100000000000000 points is too large"),
        ("poisson_1d", "a.vtu", {"times": [0.0]}, "poisson_1d has no time: leave times out"),
        ("poisson_1d", "a.vtu", {"derivatives": "v_x"}, "v_x is not a derivative"),
    ],
)
def test_what_does_not_fit_is_refused(
    name: str, file: str, options: dict, message: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.vtu").mkdir()
    with pytest.raises(pl.PdelsrError, match=message):
        solved(name).export(tmp_path / file, **options)


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(meshio.Mesh, "write", refused)
    with pytest.raises(pl.FileFormatError, match=r"u.vtu cannot be written: Permission denied"):
        solved("poisson_1d").export(tmp_path / "u.vtu", n=3)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meshio", None)
    with pytest.raises(
        pl.MissingPackageError, match=r'export needs meshio.*pip install "pdelsr\[io\]"'
    ):
        solved("poisson_1d").export("u.vtu")
