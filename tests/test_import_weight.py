"""What loads slowly is loaded by those who need it, and not with the package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROBLEM = Path(__file__).parent.parent / "problems" / "burgers_1d.py"
HEAVY = (
    *("scipy.fft", "scipy.interpolate", "scipy.linalg", "scipy.ndimage", "scipy.optimize"),
    *("scipy.sparse", "scipy.spatial", "scipy.special", "scipy.stats"),
    *("matplotlib", "meshio", "pandas", "psutil", "sklearn", "xarray"),
    *("numpy.f2py", "numpy.testing", "torch.fx.experimental.symbolic_shapes"),
)
PROGRAM = """
import contextlib, io, json, sys
import torch, sympy
from pathlib import Path
found = [[*sys.modules]]
import pdelsr
found.append([*sys.modules])
from pdelsr.cli import main
with contextlib.redirect_stdout(io.StringIO()) as shown:
    assert main(["show", sys.argv[1]]) == 0
assert "it may grow to" in shown.getvalue()
found.append([*sys.modules])
print(json.dumps(found))
"""


def test_neither_the_import_nor_show_loads_what_is_heavy() -> None:
    command = [sys.executable, "-c", PROGRAM, str(PROBLEM)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    libraries, imported, shown = map(set, json.loads(done.stdout))
    assert {"scipy", "rich", "shapely"} <= imported
    for there in (imported, shown):
        assert [name for name in HEAVY if name in there - libraries] == []
