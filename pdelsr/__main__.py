"""`python -m pdelsr` is the command line `pdelsr`."""

from pdelsr.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
