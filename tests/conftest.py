"""Settings of the whole test suite."""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import jaxtyping
import torch

# The tensors of the tests are tiny: handing them between threads costs more than the arithmetic,
# a hundred times more when the cores are busy.
torch.set_num_threads(1)

# Types and shapes of every function are checked while the tests run, in its first calls of every
# test and in some of the others: checking all of them takes more time than the tests. A function
# that is defined inside of another one is compiled anew with its checks whenever it is defined, so
# its first calls are those of the whole run.
FIRST, EACH = 2, 64
jaxtyped = jaxtyping.jaxtyped
calls: defaultdict[int, int] = defaultdict(int)  # by identities of code, whose hashes are slow
inner_calls: defaultdict[int, int] = defaultdict(int)
is_compiling = torch.compiler.is_compiling


def pytest_runtest_setup() -> None:
    calls.clear()


def checked_in_some_calls(fn: Any = None, *, typechecker: Any = None) -> Any:
    """Do what `jaxtyping.jaxtyped` does, in some of the calls."""
    if fn is None:
        return functools.partial(checked_in_some_calls, typechecker=typechecker)
    if fn == "context":
        return jaxtyped(fn)
    if not isinstance(fn, type):
        return in_some_calls(fn, typechecker)
    if dataclasses.is_dataclass(fn) and "__init__" in vars(fn):
        fn.__init__ = in_some_calls(fn.__init__, typechecker)
    return fn


def in_some_calls(fn: Callable[..., Any], typechecker: Any) -> Callable[..., Any]:
    code = id(fn.__code__)  # one for all functions that a definition inside of another one makes
    counts = inner_calls if "<locals>" in fn.__qualname__ else calls
    checked: Callable[..., Any] | None = None

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal checked
        if is_compiling():  # torch before 2.8 does not trace the checks
            return fn(*args, **kwargs)
        count = counts[code]
        counts[code] = count + 1
        if count >= FIRST and count % EACH:
            return fn(*args, **kwargs)
        if checked is None:
            checked = jaxtyped(fn, typechecker=typechecker)
        return checked(*args, **kwargs)

    # what tells the user's code from libraries takes this for jaxtyping's own wrapper
    call.__code__ = call.__code__.replace(co_filename=jaxtyping.__file__)
    return call


jaxtyping.jaxtyped = checked_in_some_calls
jaxtyping.install_import_hook("pdelsr", "beartype.beartype")
