"""A malformed input of the command line, and what its message has to say."""

from __future__ import annotations

from dataclasses import dataclass

SMALL = (
    *("--method", "lsr", "--hidden", "8,8", "--points", "60"),
    *("--option", "weight_scale=1", "--quiet"),
)
LINE = r"p\.py, line \d+: "


@dataclass(frozen=True)
class Case:
    """One input.

    Args:
        name: of the case.
        what: pattern of the offending thing in the message.
        where: pattern of its place: file and line, block and point, option, path.
        how: pattern of the advice, or of what was expected.
        file: the problem file, p.py; None for a sound one.
        arguments: of the command line, after the file.
        command: "show" (which reads and plans), or "solve".
    """

    name: str
    what: str
    where: str
    how: str
    file: str | bytes | None = None
    arguments: tuple[str, ...] = ()
    command: str = "show"


def ids(cases: list[Case]) -> list[str]:
    """Names of cases, for pytest."""
    return [case.name for case in cases]
