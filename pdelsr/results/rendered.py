"""Tables and groups of rich as plain text, for whoever prints them."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType


def rendered(*parts: RenderableType, width: int, color: bool = False) -> str:
    """One part below the other in so many columns, without blanks at the ends of lines.

    Nothing is printed: rich ends the process where nobody reads, and draws HTML in notebooks.
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
