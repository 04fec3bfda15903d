"""Rich tables and groups as plain text."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType


def rendered(*parts: RenderableType, width: int, color: bool = False) -> str:
    """The parts below each other in `width` columns, without trailing blanks.

    Nothing is printed: rich would end the process if nobody reads, and draw HTML in notebooks.
    """
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=color,
        force_jupyter=False,
        no_color=not color,
        highlight=False,
    )
    console.print(Group(*parts))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())
