"""The regions of blocks, under the name by which later stages import them."""

from pdelsr.declare.regions import AtPoints, Interior, OnParts, PeriodicPair, Region

__all__ = ["AtPoints", "Interior", "OnParts", "PeriodicPair", "Region"]
