"""Compiling a problem to pure torch functions of points and jet values."""

from pdelsr.compile.block import Block
from pdelsr.compile.compiler import CompiledProblem, compile_problem
from pdelsr.compile.entries import Entry
from pdelsr.compile.hard_form import HardForm
from pdelsr.compile.regions import AtPoints, Interior, OnParts, PeriodicPair, Region

__all__ = [
    "AtPoints",
    "Block",
    "CompiledProblem",
    "Entry",
    "HardForm",
    "Interior",
    "OnParts",
    "PeriodicPair",
    "Region",
    "compile_problem",
]
