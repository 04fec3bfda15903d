"""The small problems of the solvers' tests are at hand here too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "solvers"))
