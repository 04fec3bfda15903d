"""Batch LSR of any torch module on a data set (Cao and Zhang 2026, Algorithm S1)."""

from pdelsr.regression.refine import refine
from pdelsr.regression.refined import RefinedModule

__all__ = ["RefinedModule", "refine"]
