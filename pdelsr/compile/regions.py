"""The regions of blocks, for import by later stages."""

from pdelsr.declare.regions import AtPoints, Interior, OnParts, PeriodicPair, Region

__all__ = ["AtPoints", "Interior", "OnParts", "PeriodicPair", "Region"]
