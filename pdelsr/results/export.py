"""Files of meshes for ParaView and other programs, by meshio: one file, or a series in time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from pdelsr.errors import (
    FileFormatError,
    SettingsError,
)
from pdelsr.files.atomic import read_path, written_whole
from pdelsr.results.base import BaseSolution
from pdelsr.results.fields import Fields, fields_at
from pdelsr.results.given import Derivatives, Positions
from pdelsr.results.mesh import SpaceMesh, space_mesh
from pdelsr.results.optional import optional_package
from pdelsr.results.points import read_axis
from pdelsr.solvers.state.settings import require_whole

TIMES = 21  # from the initial to the final one, by default
XDMF = (".xdmf", ".xmf")
FORMATS = {
    ".vtu": "vtu",
    ".vtk": "vtk",
    ".msh": "gmsh",
    ".tec": "tecplot",
    ".avs": "avsucd",
}
"""Formats by ending, as meshio calls them; others silently lose values or cells."""
COLLECTION = ".pvd"  # ParaView's list of files and their times


def export(
    solution: BaseSolution,
    path: str | Path,
    n: int | None,
    times: Positions | None,
    derivatives: Derivatives,
    residuals: bool,
) -> list[Path]:
    """Write the files and return their paths; see `Solution.export`."""
    meshio = optional_package("meshio", "export")
    path = read_path(path)
    require_ending(path, solution.problem.domain.time is not None)
    instants = _times(solution, times)
    if n is not None:
        require_whole("n", n, 2)
    mesh = space_mesh(solution.problem.domain.space, n)

    def fields(time: float | None) -> Fields:
        points = mesh.points
        if time is not None:
            points = np.column_stack([points, np.full(len(points), time)])
        return fields_at(solution, points, derivatives, residuals=residuals)

    if path.suffix in XDMF:
        series = [None] if instants is None else np.atleast_1d(instants).tolist()
        _write_xdmf(meshio, path, mesh, series, fields)
        return [path]
    if instants is not None and path.suffix == COLLECTION:
        instants = np.atleast_1d(instants)
    if instants is None or instants.ndim == 0:
        _write(meshio, path, mesh, fields(None if instants is None else float(instants)))
        return [path]
    return _write_numbered(meshio, path, mesh, instants, fields)


def require_ending(path: Path, has_time: bool) -> None:
    """Refuse endings of other formats, and folders that do not exist.

    Raises:
        FileFormatError: one of these.
    """
    known = [*FORMATS, *XDMF, *([COLLECTION] if has_time else [])]
    if path.suffix not in known:
        raise FileFormatError(
            f"{path} has the ending {path.suffix!r}: give one of {', '.join(known)}, as in "
            "solution.vtu."
        )
    if path.is_dir() or not path.absolute().parent.is_dir():
        why = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
        raise FileFormatError(f"{path} {why}: give the path of a file in an existing folder.")


def _times(solution: BaseSolution, times: Positions | None) -> Float[np.ndarray, "..."] | None:
    """The times, a number for a single file, or None if the problem has no time."""
    domain = solution.problem.domain
    if domain.time is None:
        if times is not None:
            raise SettingsError(f"{solution.problem.name} has no time: leave times out.")
        return None
    low, high = domain.bounding_box[-1]
    found = np.linspace(low, high, TIMES) if times is None else read_axis(times, "times")
    slack = 1e-9 * (high - low)
    if not ((found >= low - slack) & (found <= high + slack)).all():
        raise SettingsError(
            f"times reach from {found.min():g} to {found.max():g}; expected between {low:g} and "
            f"{high:g}, where the problem is solved."
        )
    return found


def _write(meshio: Any, path: Path, mesh: SpaceMesh, fields: Fields) -> None:
    whole = meshio.Mesh(_in_space(mesh.points), [(mesh.kind, mesh.cells)], point_data=fields)
    with _explained(path), written_whole(path) as temporary:
        whole.write(temporary, file_format=FORMATS[path.suffix])


def _in_space(points: Float[np.ndarray, "p d"]) -> Float[np.ndarray, "p 3"]:
    """The points, padded with zeros to three coordinates."""
    return np.pad(points, ((0, 0), (0, 3 - points.shape[1])))


def _write_xdmf(
    meshio: Any,
    path: Path,
    mesh: SpaceMesh,
    times: Sequence[float | None],
    fields: Callable[[float | None], Fields],
) -> None:
    # As text: meshio would put the HDF5 file of a series into the working folder.
    with (
        _explained(path),
        written_whole(path) as temporary,
        meshio.xdmf.TimeSeriesWriter(temporary, data_format="XML") as writer,
    ):
        writer.write_points_cells(_in_space(mesh.points), [(mesh.kind, mesh.cells)])
        for time in times:
            writer.write_data(time or 0.0, point_data=fields(time))


def _write_numbered(
    meshio: Any,
    path: Path,
    mesh: SpaceMesh,
    times: Float[np.ndarray, " t"],
    fields: Callable[[float], Fields],
) -> list[Path]:
    """name_0000.vtu, name_0001.vtu, …, and name.pvd with their times."""
    ending = ".vtu" if path.suffix == COLLECTION else path.suffix
    width = max(4, len(str(len(times) - 1)))
    files = [path.with_name(f"{path.stem}_{i:0{width}}{ending}") for i in range(len(times))]
    for file, time in zip(files, times, strict=True):
        _write(meshio, file, mesh, fields(float(time)))
    if ending != ".vtu":
        return files
    collection = path.with_suffix(COLLECTION)
    _write_collection(collection, files, times)
    return [collection, *files]


def _write_collection(path: Path, files: Sequence[Path], times: Float[np.ndarray, " t"]) -> None:
    root = ElementTree.Element("VTKFile", type="Collection", version="0.1")
    collection = ElementTree.SubElement(root, "Collection")
    for file, time in zip(files, times, strict=True):
        ElementTree.SubElement(
            collection, "DataSet", timestep=repr(float(time)), part="0", file=file.name
        )
    ElementTree.indent(root)
    with _explained(path), written_whole(path) as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)


@contextmanager
def _explained(path: Path) -> Generator[None, None, None]:
    """Turn an error of the system into an error message.

    Raises:
        FileFormatError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise FileFormatError(f"{path} cannot be written: {error.strerror}.") from error
