"""Checkpoints of runs: written while a run goes on, and read to go on with it."""

from pdelsr.checkpoint.run_file import Resumed, RunFile

__all__ = ["Resumed", "RunFile"]
