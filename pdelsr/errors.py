"""The errors and warnings that pdelsr raises for a user's mistake, and nothing else."""

from __future__ import annotations


class PdelsrError(Exception):
    """Base class of every error that pdelsr raises on purpose."""


class ProblemError(PdelsrError, ValueError):
    """A declaration (problem, domain, condition, sampler) is wrong."""


class SettingsError(PdelsrError, ValueError):
    """An option of a method, a network or the command line is wrong."""


class FileFormatError(PdelsrError, ValueError):
    """A file is damaged, foreign, or of another version."""


class ConditionWarning(UserWarning):
    """Part of the boundary carries no condition."""
