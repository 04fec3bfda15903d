"""Checkpoints of runs: written while a run goes on, and read to go on with it."""

from pdelsr.checkpoint.run_file import Resumed, RunFile, kept_form

__all__ = ["Resumed", "RunFile", "kept_form"]
