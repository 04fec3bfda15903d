"""The command line: `pdelsr solve`, `pdelsr show`, `pdelsr list`."""

from pdelsr.cli.main import main

__all__ = ["main"]
