"""What `import pdelsr` and `pdelsr show` take beyond their libraries, in seconds of processor time.

`python docs/experiments/import_time.py [RUNS]` starts fresh processes, in turn: one that imports
torch and sympy, one that imports pdelsr, and one that shows the Burgers problem. It prints the
median and the least of each, and of the differences between those of one turn. The first turn is
not counted: it writes the compiled modules, and fills the cache of the file system.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

PROBLEM = Path(__file__).parent.parent.parent / "problems" / "burgers_1d.py"
COMMANDS = {
    "import torch, sympy": ("-c", "import torch, sympy"),
    "import pdelsr": ("-c", "import pdelsr"),
    "pdelsr show": ("-m", "pdelsr", "show", str(PROBLEM)),
}


def processor_seconds(arguments: tuple[str, ...]) -> float:
    """User time of a fresh interpreter, which keeps compiled modules as an installed one does."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = os.times().children_user
    subprocess.run(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True
    )
    return os.times().children_user - before


def report(name: str, seconds: list[float]) -> None:
    """One line: the median and the least of the turns."""
    print(f"{name:<40} median {statistics.median(seconds):.2f}   least {min(seconds):.2f}")


def main(runs: int) -> None:
    """Measure in turn, and print."""
    turns = [
        {name: processor_seconds(command) for name, command in COMMANDS.items()}
        for _ in range(runs + 1)
    ][1:]
    for name in COMMANDS:
        report(name, [turn[name] for turn in turns])
    for less, more in zip(COMMANDS, list(COMMANDS)[1:], strict=False):
        report(f"{more} − {less}", [turn[more] - turn[less] for turn in turns])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
