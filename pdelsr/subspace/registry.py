"""Choosing a basis by name."""

from __future__ import annotations

from pdelsr.errors import SettingsError
from pdelsr.subspace.base import Basis
from pdelsr.subspace.coordinate import Coordinate
from pdelsr.subspace.count_sketch import CountSketch
from pdelsr.subspace.full import Full
from pdelsr.subspace.gaussian import Gaussian
from pdelsr.subspace.last_layer import LastLayer
from pdelsr.subspace.rsvd import OutputRSVD, ResidualRSVD

BASES: dict[str, Basis] = {
    b.name: b
    for b in (
        Full(),
        OutputRSVD(),
        ResidualRSVD(),
        Gaussian(),
        CountSketch(),
        Coordinate(),
        LastLayer(),
    )
}


def basis_named(basis: str | Basis) -> Basis:
    """The basis of that name with its defaults, or the given one.

    Raises:
        SettingsError: no basis has that name.
    """
    if isinstance(basis, Basis):
        return basis
    if not isinstance(basis, str) or basis not in BASES:
        raise SettingsError(f"basis {basis!r} is not known: choose one of {', '.join(BASES)}.")
    return BASES[basis]
