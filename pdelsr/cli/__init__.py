"""The command line: `pdelsr solve`, `pdelsr show`, `pdelsr list`, `pdelsr benchmark`."""

from pdelsr.cli.main import main

__all__ = ["main"]
