"""`pdelsr new`: a commented problem file to start from, which solves as it is."""

from __future__ import annotations

import argparse
import importlib.machinery
import keyword
import re
import sys
from pathlib import Path

from pdelsr.errors import SettingsError, described
from pdelsr.files.atomic import remove_leftovers, write_new

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
TEMPLATE = '''"""Heat in a rod that is kept cold at both ends: change this into your own problem.

    u_t = k u_xx    on 0 < x < 1,  0 < t <= 1
    u = sin(πx) at t = 0,    u = 0 at x = 0 and x = 1

Solve it by `pdelsr solve {name}.py --plot {name}.png`; `pdelsr show {name}.py` prints what was
understood.
"""

import sympy as sp

import pdelsr as pl

# Coordinates and unknowns. Functions of them come from sympy: sp.sin(x), not np.sin(x).
x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)

# Named parameters have values below; `pdelsr solve {name}.py --set k=0.2` sets another one.
k = sp.Symbol("k")

problem = pl.Problem(
    name="{name}",
    # pl.Box, pl.Disk, pl.Ball and pl.Polygon are other shapes; shapes combine by |, & and -.
    # A problem without time has no pl.TimeInterval.
    domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
    # As many equations as unknowns, with derivatives up to order four; they may be nonlinear.
    equations=[sp.Eq(u.diff(t), k * u.diff(x, 2))],
    # on= names a part of the boundary; without it a condition holds on all sides. There are
    # pl.Neumann, pl.Robin, pl.Periodic, pl.Condition and pl.Observations, too.
    conditions=[
        pl.Initial(sp.Eq(u, sp.sin(sp.pi * x))),
        pl.Dirichlet(u, 0, on=["x=0", "x=1"]),
    ],
    parameters={{k: sp.Rational(1, 10)}},
    # The exact solution, where it is known: errors are measured against it. Leave it out else.
    reference=sp.exp(-k * sp.pi**2 * t) * sp.sin(sp.pi * x),
)
'''


def new_command(chosen: argparse.Namespace) -> int:
    """Write the file NAME.py into the working folder, and say how to use it."""
    path = write_template(chosen.name)
    print(f"{path} is written: change it, and run `pdelsr solve {path}`")
    return 0


def write_template(given: str, folder: Path = Path()) -> Path:
    """Write a problem file of this name.

    Args:
        given: the name, with or without the ending .py.
        folder: where the file is written.

    Raises:
        SettingsError: a file or a problem cannot have this name, the file exists, or it cannot be
            written.
    """
    name = given.removesuffix(".py")
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"new {given!r:.80}: expected a name of at most 60 letters, digits and _ that begins "
            "with a letter, such as my_plate; the file is written into the working folder."
        )
    path = folder / f"{name}.py"
    if _is_module(name):
        raise SettingsError(
            f"new {name}: a file {path} would hide Python's own {name} from what is run beside "
            f"it; take another name, such as my_{name.lower()}."
        )
    try:
        remove_leftovers(path)
        write_new(path, TEMPLATE.format(name=name))
    except FileExistsError:
        raise SettingsError(
            f"new {name}: {path} exists already; take another name, or remove that file first."
        ) from None
    except OSError as error:
        raise SettingsError(
            f"new {name}: {path} cannot be written ({error.strerror or described(error)}); run it "
            "in a folder where you may write."
        ) from error
    return path


def _is_module(name: str) -> bool:
    """Whether Python knows the name: a keyword, or a module that `import` finds elsewhere."""
    if keyword.iskeyword(name) or name in sys.stdlib_module_names:
        return True
    here = {"", str(Path.cwd())}
    paths = [path for path in sys.path if path not in here]
    return importlib.machinery.PathFinder.find_spec(name, paths) is not None
