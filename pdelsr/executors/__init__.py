"""Independent jobs on any executor: processes of this machine, dask, Slurm, MPI."""

from pdelsr.executors.submission import Executor, GivenExecutor, outcomes
from pdelsr.executors.workers import Workers

__all__ = ["Executor", "GivenExecutor", "Workers", "outcomes"]
