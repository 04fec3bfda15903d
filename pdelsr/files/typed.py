"""Dataclasses built from the plain data of a file, with every field checked."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from jaxtyping import jaxtyped

from pdelsr.errors import FileFormatError, ProblemError, described
from pdelsr.resources.pieces import is_out_of_memory

T = TypeVar("T")
LONGEST = 60  # characters of a value in a message


@contextmanager
def trusted_by_none(path: str | Path) -> Generator[None, None, None]:
    """Turn any exception from the contents of a file into one error that names the file.

    Raises:
        FileFormatError: the block failed for any reason but lack of memory, a mistake in the
            user's problem, or a warning that the user has turned into an error.
    """
    try:
        yield
    except (ProblemError, Warning):
        raise
    except FileFormatError as error:
        if str(path) in str(error):
            raise
        raise FileFormatError(_refused(path, str(error))) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise FileFormatError(_refused(path, described(error))) from error


def _refused(path: str | Path, why: str) -> str:
    return (
        f"{path} was edited, or written by another program, and does not fit together: {why}. Use "
        "another copy, or solve again."
    )


def built(cls: type[T], given: Any, what: str) -> T:
    """The dataclass with these fields, each of its declared type.

    Args:
        cls: a dataclass.
        given: its fields by name; those with a default may be missing.
        what: the name of the fields in messages.

    Raises:
        FileFormatError: a field is missing, unknown, or of another type.
    """
    if not isinstance(given, Mapping):
        raise FileFormatError(f"{what} is {shown(given)}, expected named values")
    hints, known = get_type_hints(cls), {f.name: f for f in fields(cls)}  # pyright: ignore
    for name, value in given.items():
        if name not in known:
            raise FileFormatError(f"{what} has {shown(name)}, which is not known")
        if not is_of(value, hints[name]):
            raise FileFormatError(f"{what} has {name} = {shown(value)}, which is of a wrong type")
    for name, field in known.items():
        if name not in given and field.default is MISSING and field.default_factory is MISSING:
            raise FileFormatError(f"{what} lacks {name}")
    return cls(**given)


def is_of(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type, as far as plain data show."""
    if get_origin(hint) in (Union, UnionType):
        return any(is_of(value, member) for member in get_args(hint))
    kind = get_origin(hint) or hint
    if kind is Any:
        return True
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    if kind is Mapping or kind is dict:
        return isinstance(value, Mapping) and _all_fit(value.values(), get_args(hint)[1:])
    if kind is tuple and get_args(hint)[-1:] != (...,) and get_args(hint):
        parts = get_args(hint)
        right = isinstance(value, list | tuple) and len(value) == len(parts)
        return right and all(is_of(v, part) for v, part in zip(value, parts, strict=True))
    if kind is Sequence or kind is tuple or kind is list:
        return isinstance(value, list | tuple) and _all_fit(value, get_args(hint)[:1])
    with jaxtyped("context"):  # apart from axis sizes named elsewhere
        return isinstance(value, Callable if kind is Callable else kind)


def _all_fit(values: Any, hints: tuple[Any, ...]) -> bool:
    return not hints or all(is_of(value, hints[0]) for value in values)


def shown(value: Any) -> str:
    """A value as text, cut if it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
