"""Bounds and radii as rationals, for expressions that must vanish exactly on a boundary."""

from __future__ import annotations

from typing import cast

import sympy as sp


def exact_number(value: float) -> sp.Rational:
    """The shortest rational that rounds to `value`: 1/10 for 0.1, not its binary expansion."""
    short = sp.nsimplify(value, rational=True)
    return cast(sp.Rational, short if float(short) == value else sp.Rational(value))
