"""The sympy functions that are not smooth everywhere: those that jump, and those with kinks."""

from __future__ import annotations

import sympy as sp

STEPS = (sp.sign, sp.Heaviside, sp.floor, sp.ceiling, sp.arg)
"""Constant but for jumps."""

REMAINDERS = (sp.Mod, sp.frac)
"""What floor and a product make up."""

CUTS = (sp.atan2, sp.acot)
"""Smooth but for a jump across a cut, which sympy's derivative ignores."""

BOUNDED = (sp.atan, sp.tanh, sp.erf, sp.erfc)
"""With two limits, between which they jump if their argument has a pole."""

KEPT = (sp.sign, sp.Heaviside, sp.floor, sp.ceiling, *REMAINDERS)
"""Those whose sympy derivative holds the point masses of their jumps, or cannot be formed."""

SHARP = (sp.Abs, *STEPS, *REMAINDERS)
"""Those not smooth where their argument, or a multiple of it, vanishes."""

SWITCHING = (sp.Piecewise, *SHARP, *CUTS, *BOUNDED)
"""Those that may jump, or whose quotient by themselves or derivative jumps."""

NONSMOOTH = (sp.Piecewise, *SHARP, sp.Max, sp.Min)
"""Those that jump or have a kink wherever their arguments are smooth."""
