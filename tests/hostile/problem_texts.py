"""Problem files for malformed inputs: sound ones, with one piece exchanged."""

from __future__ import annotations

HEAD = '''"""A problem of the tests."""

import sympy as sp
import torch

import pdelsr as pl

x, y, t = pl.coordinates("x y t")
'''
ROD = {
    "u": 'pl.unknown("u", x)',
    "exact": "sp.sin(sp.pi * x)",
    "name": '"rod"',
    "domain": "pl.Interval(x, 0, 1)",
    "equations": "[sp.Eq(-u.diff(x, 2), sp.pi**2 * exact)]",
    "conditions": "[pl.Dirichlet(u, 0)]",
    "reference": "exact",
}
PLATE = {
    "u": 'pl.unknown("u", x, y)',
    "exact": "x * y",
    "name": '"plate"',
    "domain": "pl.Box((x, y), (0, 0), (1, 1))",
    "equations": "[u.diff(x, 2) + u.diff(y, 2)]",
    "conditions": "[pl.Dirichlet(u, exact)]",
    "reference": "exact",
}
HEAT = {
    "u": 'pl.unknown("u", x, t)',
    "exact": "sp.exp(-sp.pi**2 * t) * sp.sin(sp.pi * x)",
    "name": '"heat"',
    "domain": "pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1)",
    "equations": "[u.diff(t) - u.diff(x, 2)]",
    "conditions": "[pl.Initial(sp.Eq(u, sp.sin(sp.pi * x))), pl.Dirichlet(u, 0)]",
    "reference": "exact",
}


def text_of(pieces: dict[str, str], before: str = "", **others: str) -> str:
    """A problem file of these pieces, with lines before the declaration.

    Args:
        pieces: the keyword arguments of Problem, besides "u" and "exact".
        before: lines after the unknown.
        **others: pieces that take the place of the given ones, or come in addition.
    """
    given = {**pieces, **others}
    head = f"{HEAD}u = {given.pop('u')}\nexact = {given.pop('exact')}\n{before}\n"
    arguments = "".join(f"    {name}={value},\n" for name, value in given.items())
    return f"{head}problem = pl.Problem(\n{arguments})\n"


def rod(before: str = "", **others: str) -> str:
    """-u'' = f on an interval."""
    return text_of(ROD, before, **others)


def plate(before: str = "", **others: str) -> str:
    """Laplace's equation on a square."""
    return text_of(PLATE, before, **others)


def heat(before: str = "", **others: str) -> str:
    """The heat equation."""
    return text_of(HEAT, before, **others)
