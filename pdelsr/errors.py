"""The errors and warnings that pdelsr raises for a user's mistake, and how it words theirs."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

LONGEST = 400  # characters of another's message that are quoted
LONGEST_VALUE = 60  # characters of a value that was given
OWN = __name__.partition(".")[0]
PASSED = (OWN, "contextlib", "dataclasses", "functools", "jaxtyping", "torch")
"""Packages through whose code a user's call comes to a warning."""


class PdelsrError(Exception):
    """Base class of every error that pdelsr raises on purpose."""


class ProblemError(PdelsrError, ValueError):
    """A declaration (problem, domain, condition, sampler) is wrong.

    Attributes:
        solution: the best state of a run that this has ended; None where there is none.
    """

    def __init__(self, message: str, solution: Any = None) -> None:
        super().__init__(message)
        self.solution = solution


class SettingsError(PdelsrError, ValueError):
    """An option of a method, a network or the command line is wrong."""


class TimeLimitError(PdelsrError, TimeoutError):
    """The time limit was reached before there was anything to return."""


class MemoryLimitError(SettingsError, MemoryError):
    """What was asked for does not fit into the memory that is free."""


class FileFormatError(PdelsrError, ValueError):
    """A file is damaged, foreign, or of another version."""


class CallbackError(PdelsrError, RuntimeError):
    """A callback of the user's raised an exception, which is the cause of this one.

    Attributes:
        solution: the best state that the run had found by then.
    """

    def __init__(self, message: str, solution: Any = None) -> None:
        super().__init__(message)
        self.solution = solution


class MissingPackageError(PdelsrError, ImportError):
    """A package is not installed that an output needs."""


class ConditionWarning(UserWarning):
    """Conditions are missing, or disagree where they meet, or a coefficient jumps."""


class ReferenceWarning(UserWarning):
    """The reference does not solve the problem that it belongs to."""


class ResolutionWarning(UserWarning):
    """Data vary within a length that no network follows, or that the user's points miss."""


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line of the user's that led here: the first one outside of pdelsr."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_passed(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_passed(frame: FrameType) -> bool:
    """By the module of its code, or by its file where types are checked."""
    module = str(frame.f_globals.get("__name__")).partition(".")[0]
    return module in PASSED or Path(frame.f_code.co_filename).parent.name == "jaxtyping"


def described(error: BaseException) -> str:
    """An exception of a user's code in a message: its type, and its text where it has one."""
    name, text = type(error).__name__, said(error)
    return f"{name}: {text}" if text else name


def said(error: BaseException) -> str:
    """The text of an exception of other code in one line, cut where it is very long."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # a user's exception may fail even here
        return ""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def quoted(value: object) -> str:
    """A value that was given, in one line of a message, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # of a whole number of thousands of digits, or of a class of a user's
        return f"a value of type {type(value).__name__}"
    return shortened(text)


def shortened(text: str) -> str:
    """A text that was given, cut where it is long."""
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A question for the nearest known name, or `otherwise` where none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise
