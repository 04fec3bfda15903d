"""Functions of sympy's that are not smooth everywhere: which jump, and which have kinks."""

from __future__ import annotations

import sympy as sp

STEPS = (sp.sign, sp.Heaviside, sp.floor, sp.ceiling, sp.arg)
"""Constant but for jumps."""

REMAINDERS = (sp.Mod, sp.frac)
"""What floor and a product make up."""

CUTS = (sp.atan2, sp.acot)
"""Smooth but for a jump across a cut, of which sympy's derivative knows nothing."""

BOUNDED = (sp.atan, sp.tanh, sp.erf, sp.erfc)
"""With two limits, between which they jump where their argument has a pole."""

KEPT = (sp.sign, sp.Heaviside, sp.floor, sp.ceiling, *REMAINDERS)
"""Those whose derivative holds the point masses of their jumps, or is none that sympy can form."""

SHARP = (sp.Abs, *STEPS, *REMAINDERS)
"""Those that are not smooth where their argument, or a multiple of it, vanishes."""

SWITCHING = (sp.Piecewise, *SHARP, *CUTS, *BOUNDED)
"""Those that may jump, or jump once they are divided by themselves or differentiated."""

NONSMOOTH = (sp.Piecewise, *SHARP, sp.Max, sp.Min)
"""Those that jump or have a kink wherever their arguments are smooth."""
