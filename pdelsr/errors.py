"""The errors and warnings for a user's mistake, and the texts of foreign errors."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

LONGEST = 400  # characters of a foreign message that are quoted
LONGEST_VALUE = 60  # characters of a given value that are quoted
OWN = __name__.partition(".")[0]
PASSED = (OWN, "contextlib", "dataclasses", "functools", "jaxtyping", "torch")
"""Packages whose frames lie between the user's call and a warning."""


class PdelsrError(Exception):
    """Base class of every error that pdelsr raises on purpose."""


class ProblemError(PdelsrError, ValueError):
    """A declaration (problem, domain, condition, sampler) is wrong.

    Attributes:
        solution: the best state of the run that the error ended; None if there is none.
    """

    def __init__(self, message: str, solution: Any = None) -> None:
        super().__init__(message)
        self.solution = solution


class SettingsError(PdelsrError, ValueError):
    """An option of a method, a network or the command line is wrong."""


class TimeLimitError(PdelsrError, TimeoutError):
    """The time limit was reached before the run had anything to return."""


class WorkerError(PdelsrError, RuntimeError):
    """Workers of an executor were lost, take no more jobs, or have other versions."""


class MemoryLimitError(SettingsError, MemoryError):
    """The chosen sizes do not fit into the free memory."""


class FileFormatError(PdelsrError, ValueError):
    """A file is damaged, foreign, or of another version."""


class CallbackError(PdelsrError, RuntimeError):
    """A user's callback raised an exception, which is the cause of this one.

    Attributes:
        solution: the best state that the run had found by then.
    """

    def __init__(self, message: str, solution: Any = None) -> None:
        super().__init__(message)
        self.solution = solution


class MissingPackageError(PdelsrError, ImportError):
    """A package that an output needs is not installed."""


class ConditionWarning(UserWarning):
    """Conditions are missing, or disagree where they meet, or a coefficient jumps."""


class ReferenceWarning(UserWarning):
    """The reference does not solve its problem."""


class ResolutionWarning(UserWarning):
    """Data vary within a length that no network resolves, or that the user's points miss."""


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the user's line that led here: the first one outside of pdelsr."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_passed(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_passed(frame: FrameType) -> bool:
    """Whether a frame is skipped, by its module, or by its file if types are checked."""
    module = str(frame.f_globals.get("__name__")).partition(".")[0]
    return module in PASSED or Path(frame.f_code.co_filename).parent.name == "jaxtyping"


def described(error: BaseException) -> str:
    """An exception of a user's code as text: its type, and its message if it has one."""
    name, text = type(error).__name__, said(error)
    return f"{name}: {text}" if text else name


def said(error: BaseException) -> str:
    """The message of a foreign exception in one line, cut if it is very long."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # a user's exception may fail even here
        return ""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def quoted(value: object) -> str:
    """A given value in one line, cut if it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # from an integer of thousands of digits, or from a user's class
        return f"a value of type {type(value).__name__}"
    return shortened(text)


def shortened(text: str) -> str:
    """A given text, cut if it is long."""
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A question for the nearest known name, or `otherwise` if none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise
