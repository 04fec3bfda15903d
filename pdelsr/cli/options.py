"""Options of a method from text, with the types of the method's fields."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import sympy as sp

from pdelsr.errors import SettingsError
from pdelsr.sample import SAMPLERS, Sampler
from pdelsr.solvers.methods.registry import method_class
from pdelsr.solvers.state.settings import SUGGESTED, RunSettings, unknown_option

PYTHON_ONLY = ("network", "callback")
LONGEST = 100  # characters of a number
DIGITS = 18  # of a whole number
LARGEST_NUMBER = 1e300  # of numbers, besides infinity written out
WORDS: dict[str, bool | None] = {
    "none": None,
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
}
NUMBER = re.compile(
    r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?(?![\d.])|pi|sqrt|[-+*/() ])+", re.ASCII
)
"""Digits end where neither a digit nor a point follows: a text can be read in one way only, so that
refusing it takes no time."""
FOREIGN = ("**", "//", "()")  # powers may be huge, integer division may fail, `()` is nothing


def read_options(method: str, texts: Iterable[str]) -> dict[str, Any]:
    """`name=value` texts as options of a method.

    Raises:
        SettingsError: a text has no "=", the method has no such option, or the value is of another
            type.
    """
    types = option_types(method)
    found = {}
    for text in texts:
        name, value = split_pair(text, "--option")
        _require_text(name)
        if name not in types:
            raise unknown_option(name, types, method)
        found[name] = read_value(name, value, types[name])
    return found


def option_types(method: str) -> dict[str, Any]:
    """What `--option` takes, with the types of the values.

    Raises:
        SettingsError: there is no such method.
    """
    types = {**_types(RunSettings), **_types(method_class(method)), "track_errors": bool}
    del types[SUGGESTED]
    return types


def read_value(name: str, text: str, kind: Any) -> Any:
    """A text as a value of one of the types that a field allows.

    Raises:
        SettingsError: the text is of none of these types.
    """
    allowed = _flat(kind)
    if text.lower() in WORDS and type(WORDS[text.lower()]) in allowed:
        return WORDS[text.lower()]
    value = _literal(text)
    if _overflows(value):
        raise SettingsError(f"{name}={text:.60}: a number is above {LARGEST_NUMBER:g}.")
    if _allows(allowed, Sequence) and re.fullmatch(r"\s*\d+(\s*,\s*\d+)*,?\s*", text):
        return read_widths(text)
    if isinstance(value, str):
        if text.lower() in SAMPLERS and not _allows(allowed, str):
            return SAMPLERS[text.lower()]
        if float in allowed and text.lower() in ("inf", "infinity"):
            return float("inf")
        if str not in allowed:
            raise SettingsError(f"{name}={text}: expected {_described(allowed)}.")
        return text
    if isinstance(value, int) and not isinstance(value, bool) and float in allowed:
        return float(value)
    if isinstance(value, int) and abs(value) >= 10**DIGITS:
        raise SettingsError(f"{name}: the whole number has more than {DIGITS} digits.")
    if isinstance(value, dict) and not _allows(allowed, Mapping):
        raise SettingsError(f"{name}={text}: expected {_described(allowed)}.")
    if not _fits(value, allowed):
        raise SettingsError(f"{name}={text}: expected {_described(allowed)}.")
    return value


def read_widths(text: str) -> tuple[int, ...]:
    """Widths such as "60,60".

    Raises:
        SettingsError: a width is not a whole number.
    """
    try:
        return tuple(read_whole(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise SettingsError(f"hidden={text:.60}: expected widths such as 60,60.") from None


def read_whole(text: str) -> int:
    """A whole number of at most 18 digits.

    Raises:
        ValueError: the text is something else.
    """
    value = int(text)
    if abs(value) >= 10**DIGITS:
        raise ValueError(text)
    return value


def read_number(text: str) -> float:
    """A number of at most 1e300, or infinity written out: overflowing digits are no infinity.

    Raises:
        ValueError: the text is something else.
    """
    value = float(text)
    if abs(value) > LARGEST_NUMBER and any(c.isdigit() for c in text):
        raise ValueError(text)
    return value


def read_parameters(texts: Iterable[str]) -> dict[str, Any]:
    """`name=number` texts, with numbers such as 0.01, 1/100, 0.01/pi or sqrt(2).

    Raises:
        SettingsError: a text has no "=", or the value is not such a number.
    """
    found = {}
    for text in texts:
        name, value = split_pair(text, "--set")
        found[name], _ = _number(f"--set {text}", value)
    return found


def read_slice(texts: Iterable[str]) -> dict[str, list[float]] | None:
    """`name=number` or `name=number,number` texts, such as z=0.3; None if there are none.

    Raises:
        SettingsError: a text has no "=", a value is not such a number, or a name occurs twice.
    """
    found: dict[str, list[float]] = {}
    for text in texts:
        name, values = split_pair(text, "--at")
        if name in found:
            raise SettingsError(
                f"--at {name:.60} is there twice: give all values at once, as in 0,1."
            )
        found[name] = [_number(f"--at {text}", v.strip())[1] for v in values.split(",")]
    return found or None


def _number(text: str, value: str) -> tuple[sp.Expr, float]:
    """A number, exact and rounded; messages quote the whole text."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
    foreign = any(signs in value.replace(" ", "") for signs in FOREIGN)
    if len(value) > LONGEST or foreign or not NUMBER.fullmatch(value):
        raise SettingsError(f"{short}: expected a number such as 0.01, 1/100 or 0.01/pi.")
    exact: Any = sp.nan
    rounded = math.nan
    with suppress(sp.SympifyError, TypeError, AttributeError, ArithmeticError):
        exact = sp.sympify(value)
        rounded = float(exact)
    if math.isnan(rounded):
        raise SettingsError(
            f"{short}: {value} is not a finite real number; give one such as 0.01 or 0.01/pi."
        )
    if abs(rounded) > LARGEST_NUMBER:
        raise SettingsError(f"{short}: {value} is above {LARGEST_NUMBER:g}; give a smaller number.")
    return exact, rounded


def split_pair(text: str, option: str) -> tuple[str, str]:
    """The name and the value of "name=value"."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise SettingsError(f"{option} {text:.60}: expected name=value.")
    return name.strip(), value.strip()


def _require_text(name: str) -> None:
    """Refuse an option that text cannot give, or that has its own argument."""
    if name == "start":
        raise SettingsError("--option start: give the file of a saved solution by --start FILE.")
    if name == "verbose":
        raise SettingsError("--option verbose: progress is shown anyway; --quiet leaves it out.")
    if name in PYTHON_ONLY:
        raise SettingsError(
            f"--option {name}: it cannot be written as text; call pl.solve(..., {name}=...) in "
            "Python."
        )


def _fits(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Whether a value is of one of the types; True and False are no numbers."""
    if isinstance(value, bool):
        return bool in allowed
    return any(isinstance(a, type) and isinstance(value, a) for a in allowed)


def _types(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}


def _flat(kind: Any) -> tuple[Any, ...]:
    """The members of a union, without their parameters."""
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return tuple(get_origin(m) or m for m in members)


def _allows(allowed: tuple[Any, ...], kind: type) -> bool:
    return any(isinstance(a, type) and issubclass(kind, a) for a in allowed)


def _literal(text: str) -> Any:
    """The value of a Python literal; the text itself if it is none, or is bytes."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # endless signs
        return text
    return text if isinstance(value, bytes) else value


def _overflows(value: Any) -> bool:
    """Whether a literal, or one in it, is infinite: it overflows, as infinity has no literal."""
    if isinstance(value, Mapping):
        return any(map(_overflows, (*value.keys(), *value.values())))
    if isinstance(value, list | tuple | set):
        return any(map(_overflows, value))
    return isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER


def _described(allowed: tuple[Any, ...]) -> str:
    names: dict[Any, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a name",
        type(None): "none",
        Mapping: "values by block, such as {'equation': 3}",
        Sequence: "whole numbers such as 60,60",
        Sampler: f"a sampler ({', '.join(SAMPLERS)})",
    }
    return " or ".join(names.get(a, getattr(a, "__name__", str(a))) for a in allowed)
