"""The package's log on standard error while a command runs, beside the progress display."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from rich.text import Text

from pdelsr.console import shared_console

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)  # without -v, with -v, with -vv
SHOWN = "pdelsr.solvers.state.history"  # the progress display prints these outer iterations itself


class ConsoleHandler(logging.Handler):
    """One line per message, above the live line of the display."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == SHOWN and record.levelno == logging.INFO:
            return
        try:
            line = Text(f"pdelsr: {record.levelname.lower()}: {record.getMessage()}")
            shared_console().print(line, soft_wrap=True)
        except Exception:  # as every handler of logging does
            self.handleError(record)


@contextmanager
def shown_log(verbosity: int, quiet: bool = False) -> Generator[None, None, None]:
    """Show the log of `pdelsr`.

    Args:
        verbosity: 0 for warnings, 1 for decisions, 2 or more for inner iterations too.
        quiet: show errors only.
    """
    logger = logging.getLogger("pdelsr")
    handler, before = ConsoleHandler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR if quiet else LEVELS[min(verbosity, len(LEVELS) - 1)])
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
